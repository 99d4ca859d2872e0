"""Fetching against a real HTTP server, real archives and a really full disk."""

import gzip
import io
import lzma
import os
import re
import resource
import socket
import stat
import struct
import subprocess
import sys
import tarfile
import textwrap
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from xmlcore.common.errors import UserError
from xmlcore.config.params import SourceFile
from xmlcore.corpora import archives, decompression, download
from xmlcore.corpora.fetching import check_addresses, describe_files, fetch_files

BODY = bytes(range(256)) * 2000
WHOLE = SourceFile(bytes=len(BODY), sha256=sha256(BODY).hexdigest())


class MisbehavingServer(ThreadingHTTPServer):
    """Serves `bodies` by path; `faults[path]` lists what to do wrong on the next requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.requests: Counter[str] = Counter()
        self.ranges: list[str | None] = []
        self.knows_ranges = True
        self.base = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: MisbehavingServer

    def do_HEAD(self) -> None:
        body = self.server.bodies.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()

    def do_GET(self) -> None:
        self.server.requests[self.path] += 1
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        fault = faults.pop(0) if (faults := self.server.faults.get(self.path)) else None
        body = self.server.bodies.get(self.path)
        if fault == "drop":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()  # with a reset, not an orderly end
        elif fault and fault.isdigit():
            self.send_error(int(fault))
        elif body is None:
            self.send_error(404)
        elif fault == "endless":
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):  # until the client hangs up
                while True:
                    self.wfile.write(body)
        else:
            from_the_middle = asked and self.server.knows_ranges
            if from_the_middle:
                body = body[int(asked.removeprefix("bytes=").removesuffix("-")) :]
            self.send_response(206 if from_the_middle else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if fault == "truncate" else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MisbehavingServer]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(download, "RETRY_DELAYS", (0.01, 0.01, 0.01))
    with MisbehavingServer() as server:
        server.bodies["/corpus/file.gz"] = BODY
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fetch_error(files: dict[str, SourceFile], destination: Path, mirror: str | None) -> str:
    with pytest.raises(UserError) as caught:
        fetch_files("corpus", files, destination, mirror)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_official_address(server: MisbehavingServer, tmp_path: Path) -> None:
    files = {"renamed.gz": WHOLE.model_copy(update={"url": f"{server.base}/corpus/file.gz"})}
    fetch_files("corpus", files, tmp_path / "raw", None)
    assert tree(tmp_path / "raw") == {"renamed.gz": BODY}


def test_nothing_is_fetched_twice(server: MisbehavingServer, tmp_path: Path) -> None:
    for files in ({"file.gz": WHOLE}, {"file.gz": SourceFile()}):
        for _ in range(2):
            fetch_files("corpus", files, tmp_path, server.base)
    assert server.requests == {"/corpus/file.gz": 1}


def test_a_file_that_is_not_whole_is_fetched_again_and_leftovers_go(server: MisbehavingServer, tmp_path: Path) -> None:
    (tmp_path / "file.gz").write_bytes(BODY[:-1])
    (tmp_path / ".file.gz.1.partial").write_bytes(b"killed")
    (tmp_path / ".other.zip.x.partial").mkdir()
    fetch_files("corpus", {"file.gz": WHOLE}, tmp_path, server.base)
    assert tree(tmp_path) == {"file.gz": BODY}
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("fault", ["drop", "truncate", "503", "429"])
@pytest.mark.parametrize("expected", [WHOLE, SourceFile()], ids=["checked", "unchecked"])
def test_passing_faults_are_retried(
    server: MisbehavingServer, tmp_path: Path, fault: str, expected: SourceFile
) -> None:
    server.faults["/corpus/file.gz"] = [fault, fault]
    fetch_files("corpus", {"file.gz": expected}, tmp_path, server.base)
    assert tree(tmp_path) == {"file.gz": BODY}
    assert server.requests["/corpus/file.gz"] == 3


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_what_broke_off_goes_on_where_it_stopped(server: MisbehavingServer, tmp_path: Path, knows_ranges: bool) -> None:
    server.knows_ranges = knows_ranges
    server.faults["/corpus/file.gz"] = ["truncate"]
    fetch_files("corpus", {"file.gz": WHOLE}, tmp_path, server.base)
    assert server.ranges == [None, f"bytes={len(BODY) // 2}-"]
    assert tree(tmp_path) == {"file.gz": BODY}


def test_a_killed_download_goes_on_in_the_next_fetch(server: MisbehavingServer, tmp_path: Path) -> None:
    (tmp_path / ".file.gz.partial").write_bytes(BODY[:1000])
    fetch_files("corpus", {"file.gz": WHOLE}, tmp_path, server.base)
    assert server.ranges == ["bytes=1000-"]
    assert tree(tmp_path) == {"file.gz": BODY}


def test_what_does_not_fit_together_begins_again_in_the_next_fetch(server: MisbehavingServer, tmp_path: Path) -> None:
    (tmp_path / ".file.gz.partial").write_bytes(b"of another file")
    assert "has sha256" in fetch_error({"file.gz": WHOLE}, tmp_path, server.base)
    fetch_files("corpus", {"file.gz": WHOLE}, tmp_path, server.base)
    assert tree(tmp_path) == {"file.gz": BODY}


def test_a_file_that_cannot_be_checked_begins_again(server: MisbehavingServer, tmp_path: Path) -> None:
    (tmp_path / ".file.gz.partial").write_bytes(BODY[:1000])
    server.faults["/corpus/file.gz"] = ["truncate"]
    fetch_files("corpus", {"file.gz": SourceFile()}, tmp_path, server.base)
    assert server.ranges == [None, None]
    assert tree(tmp_path) == {"file.gz": BODY}


def test_several_addresses_are_tried_in_order(server: MisbehavingServer, tmp_path: Path) -> None:
    server.bodies["/other/file.gz"] = b"another"
    places = ("gone", "other", "corpus")
    urls = [f"{server.base}/{place}/file.gz" for place in places]
    fetch_files("corpus", {"file.gz": WHOLE.model_copy(update={"url": urls})}, tmp_path / "raw", None)
    assert tree(tmp_path / "raw") == {"file.gz": BODY}
    message = fetch_error({"file.gz": WHOLE.model_copy(update={"url": urls[:2]})}, tmp_path / "empty", None)
    assert re.search(
        r"gone/file\.gz: 404 Not Found; .*other/file\.gz has 7 bytes, not the expected 512000; get", message
    )


def test_the_addresses_that_answer_are_told(server: MisbehavingServer) -> None:
    urls = [f"{server.base}/{place}/file.gz" for place in ("gone", "corpus")]
    files = {"file.gz": WHOLE.model_copy(update={"url": urls}), "small.gz": SourceFile(url=urls[1], bytes=9)}
    assert check_addresses(files) == [
        ("file.gz", urls[0], "404 Not Found"),
        ("file.gz", urls[1], None),
        ("small.gz", urls[1], "has 512000 bytes, not the expected 9"),
    ]
    assert not server.requests


@pytest.mark.parametrize(
    ("name", "faults", "expected", "requests", "message"),
    [
        ("file.gz", ["drop"] * 9, WHOLE, 4, r"cannot reach http://.*/corpus/file\.gz: .*reset.*; put it there"),
        ("file.gz", ["truncate"] * 9, SourceFile(), 4, r"broke off after 256000 of 512000 bytes"),
        ("file.gz", ["500"] * 9, WHOLE, 4, r"500 Internal Server Error"),
        ("file.gz", ["403"], WHOLE, 1, r"403 Forbidden"),
        ("absent.gz", [], WHOLE, 1, r"/corpus/absent\.gz: 404 Not Found; put it there, or correct --mirror"),
        (
            "file.gz",
            [],
            SourceFile(bytes=9),
            1,
            r"has more than the expected 9 bytes; .*correct the bytes and sha256 of file\.gz",
        ),
        ("file.gz", ["endless"], WHOLE, 1, r"has more than the expected 512000 bytes"),
        ("file.gz", [], SourceFile(sha256="0" * 64), 1, r"has sha256 .*, not the expected 0000"),
    ],
)
def test_lasting_faults_leave_nothing(
    server: MisbehavingServer,
    tmp_path: Path,
    name: str,
    faults: list[str],
    expected: SourceFile,
    requests: int,
    message: str,
) -> None:
    server.faults[f"/corpus/{name}"] = faults
    assert re.search(message, fetch_error({name: expected}, tmp_path, server.base))
    assert server.requests[f"/corpus/{name}"] == requests
    assert list(tmp_path.iterdir()) == []


def test_a_failed_fetch_keeps_the_older_file(server: MisbehavingServer, tmp_path: Path) -> None:
    (tmp_path / "file.gz").write_bytes(b"older")
    fetch_error({"file.gz": SourceFile(bytes=9)}, tmp_path, server.base)
    assert tree(tmp_path) == {"file.gz": b"older"}


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid"])
def test_offline_says_what_to_do(server: MisbehavingServer, tmp_path: Path, host: str) -> None:
    message = fetch_error({"file.gz": SourceFile(url=f"http://{host}/file.gz")}, tmp_path, None)
    assert message.startswith(f"corpus: cannot reach http://{host}/file.gz: ")
    assert f"put it into {tmp_path}, or put it at MIRROR/corpus/file.gz and set XMLCORE_MIRROR=MIRROR" in message


def test_no_official_address_says_what_to_do(tmp_path: Path) -> None:
    message = fetch_error({"file.gz": SourceFile()}, tmp_path, None)
    assert "no official address" in message and "MIRROR/corpus/file.gz" in message


@pytest.mark.parametrize("mirror", ["s3://bucket", "ftp://host/folder"])
def test_unknown_scheme(tmp_path: Path, mirror: str) -> None:
    assert "--mirror" in fetch_error({"file.gz": SourceFile()}, tmp_path, mirror)


@pytest.mark.parametrize(
    "url", ["example.org/file.gz", "http://[", "http://a b/", "http:///file.gz", f"http://a:{9**40}/"]
)
def test_impossible_addresses(server: MisbehavingServer, tmp_path: Path, url: str) -> None:
    assert "the url of file.gz in params.yaml" in fetch_error({"file.gz": SourceFile(url=url)}, tmp_path, None)


def test_all_mirrors_give_the_same_tree(server: MisbehavingServer, tmp_path: Path) -> None:
    mirror = tmp_path / "a mirror #1%20"
    (mirror / "corpus").mkdir(parents=True)
    (mirror / "corpus" / "file.gz").write_bytes(BODY)
    write_tar(mirror / "corpus" / "texts.tar.gz", {"./texts/one.txt": b"1", "two.txt": b"22"})
    write_zip(mirror / "corpus" / "vectors.zip", {"glove.txt": b"the 0.1"})
    files = describe_files(mirror / "corpus")
    server.bodies = {f"/corpus/{name}": body for name, body in tree(mirror / "corpus").items()}
    trees = []
    for number, base in enumerate(
        [str(mirror), mirror.as_uri(), mirror.as_uri() + "/", server.base, server.base + "/"]
    ):
        fetch_files("corpus", files, tmp_path / f"raw{number}", base)
        trees.append(tree(tmp_path / f"raw{number}"))
    assert all(other == trees[0] for other in trees)
    assert trees[0].keys() == {*files, "texts/one.txt", "two.txt", "glove.txt"}


def test_folder_mirror_without_the_file_names_the_path(tmp_path: Path) -> None:
    message = fetch_error({"file.gz": SourceFile()}, tmp_path / "raw", str(tmp_path))
    assert f"{tmp_path}/corpus/file.gz: No such file" in message and "XMLCORE_MIRROR" in message


def test_describe_files_recognises_a_changed_file(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    for body in (b"old", b"new"):
        (tmp_path / "corpus" / "file").write_bytes(body)
        fetch_files("corpus", describe_files(tmp_path / "corpus"), tmp_path / "raw", str(tmp_path))
        assert tree(tmp_path / "raw") == {"file": body}


def write_tar(path: Path, files: dict[str, bytes], edit: Callable[[tarfile.TarInfo], None] = lambda info: None) -> None:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            edit(info)
            archive.addfile(info, io.BytesIO(body) if info.isreg() else None)


def write_zip(path: Path, files: dict[str, bytes], mode: int = 0) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, body)


def unpack_error(archive: Path) -> str:
    """The error of unpacking `archive` into an empty folder, which must leave that folder and its parent alone."""
    destination = archive.parent / "raw"
    destination.mkdir(exist_ok=True)
    before = sorted(archive.parent.rglob("*"))
    with pytest.raises(UserError) as caught:
        archives.unpack(archive, destination, protected={"corpus.tar"})
    assert sorted(archive.parent.rglob("*")) == before
    return str(caught.value)


HOSTILE_NAMES = ["../evil", "a/../../evil", "/evil", "a\\..\\evil", "corpus.tar", "./corpus.tar", "corpus.tar/x"]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("kind", ["corpus.tar", "corpus.zip"])
def test_members_that_leave_or_overwrite_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    write = write_tar if kind.endswith(".tar") else write_zip
    write(tmp_path / kind, {"innocent.txt": b"1", name: b"evil"})
    assert repr(name) in unpack_error(tmp_path / kind)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_tar_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    def edit(info: tarfile.TarInfo) -> None:
        if info.name == "odd":
            info.type, info.linkname, info.size = kind, "/etc/passwd", 0

    write_tar(tmp_path / "corpus.tar", {"innocent.txt": b"1", "odd": b""}, edit)
    assert "'odd' is neither a file nor a folder" in unpack_error(tmp_path / "corpus.tar")


def test_zip_links_are_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / "corpus.zip", {"odd": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777)
    assert "'odd' is neither a file nor a folder" in unpack_error(tmp_path / "corpus.zip")


def test_ordinary_modes_are_not_carried_over(tmp_path: Path) -> None:
    write_zip(tmp_path / "corpus.zip", {"text": b"1"}, mode=stat.S_IFREG | stat.S_ISUID | 0o777)
    archives.unpack(tmp_path / "corpus.zip", tmp_path)
    assert not (tmp_path / "text").stat().st_mode & (stat.S_ISUID | 0o111)


@pytest.mark.parametrize("kind", ["corpus.tar.gz", "corpus.zip"])
def test_decompression_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(decompression, "ALWAYS_ALLOWED_BYTES", 1000)
    write = write_zip if kind.endswith("zip") else write_tar
    write(tmp_path / kind, {"innocent.txt": b"1", "bomb": bytes(1 << 20)})
    assert "more than 100 times its size at member 'bomb'" in unpack_error(tmp_path / kind)


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "a\u202eb", "x" * 256, "/".join(["x" * 200] * 6)])
@pytest.mark.parametrize("kind", ["corpus.tar", "corpus.zip"])
def test_names_that_no_corpus_has_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    write = write_tar if kind.endswith(".tar") else write_zip
    write(tmp_path / kind, {"innocent.txt": b"1", name: b""})
    assert re.search("has (too long a name|a name with characters that cannot be seen);", unpack_error(tmp_path / kind))


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["a", "./a"], "occurs twice"),
        (["a", "a/b"], "is a file here and a folder there"),
        (["a/b", "a"], "is a file here and a folder there"),
    ],
)
@pytest.mark.parametrize("kind", ["corpus.tar", "corpus.zip"])
def test_members_in_one_anothers_way_are_refused(tmp_path: Path, kind: str, names: list[str], fault: str) -> None:
    write = write_tar if kind.endswith(".tar") else write_zip
    write(tmp_path / kind, dict.fromkeys(names, b"1"))
    assert f"{names[1]!r} {fault}" in unpack_error(tmp_path / kind)


@pytest.mark.parametrize("standing", ["text", "a/text"])
def test_what_is_in_the_way_is_named_and_nothing_is_moved(tmp_path: Path, standing: str) -> None:
    (tmp_path / "raw" / standing).parent.mkdir(parents=True)
    (tmp_path / "raw" / standing).write_bytes(b"old")
    write_tar(tmp_path / "corpus.tar", {"0": b"1", "text/a": b"2", "a": b"3"})
    assert re.search(r"raw/(text|a) is in the way of member '(text/)?a'", unpack_error(tmp_path / "corpus.tar"))


def test_a_long_name_is_not_unpacked_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    (tmp_path / "corpus.tar.gz").write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 22)))
    assert "a header of 1073741824 bytes; delete it" in unpack_error(tmp_path / "corpus.tar.gz")


def test_the_content_says_how_an_archive_is_compressed(tmp_path: Path) -> None:
    write_tar(tmp_path / "corpus.tar.gz", {"text": b"1"})
    (tmp_path / "corpus.tar").write_bytes(gzip.decompress((tmp_path / "corpus.tar.gz").read_bytes()))
    (tmp_path / "corpus.tar.bz2").write_bytes(lzma.compress((tmp_path / "corpus.tar").read_bytes()))
    for number, kind in enumerate(("tar", "tar.gz", "tar.bz2")):
        (tmp_path / str(number)).mkdir()
        archives.unpack(tmp_path / f"corpus.{kind}", tmp_path / str(number))
        assert tree(tmp_path / str(number)) == {"text": b"1"}


def test_truncated_archive_leaves_nothing(tmp_path: Path) -> None:
    write_tar(tmp_path / "corpus.tar.gz", {"one": os.urandom(5000), "two": b"2"})
    os.truncate(tmp_path / "corpus.tar.gz", 3000)
    assert "fetch it again" in unpack_error(tmp_path / "corpus.tar.gz")


@pytest.mark.parametrize(("name", "limit"), [("file.gz", 100_000), ("texts.zip", 100_000)])
def test_full_disk_leaves_nothing_half_written(tmp_path: Path, name: str, limit: int) -> None:
    """RLIMIT_FSIZE stands in for a full disk: writing beyond it fails just as late, in a process of its own."""
    (tmp_path / "corpus").mkdir()
    if name.endswith(".zip"):
        write_zip(tmp_path / "corpus" / name, {"small": b"1", "texts": bytes(2 * limit)})
    else:
        (tmp_path / "corpus" / name).write_bytes(BODY)
    script = """
        from pathlib import Path
        from xmlcore.common.cli import run
        from xmlcore.corpora.fetching import describe_files, fetch_files
        run(lambda: fetch_files("corpus", describe_files(Path("corpus")), Path("raw"), "."))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert result.stderr == "error: corpus: cannot write raw: File too large; mend that and fetch again\n"
    assert tree(tmp_path / "raw").keys() == ({name} if name.endswith(".zip") else set())
