"""Archives made to do harm, and what must be true wherever one of them was unpacked."""

import bz2
import gzip
import io
import os
import stat
import tarfile
import tempfile
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

from xmlcore.common.errors import UserError
from xmlcore.common.printable import printable
from xmlcore.corpora import archives

NAMES = [
    *("one.txt", "a/one.txt", "a", "a/", "./one.txt", ".", "", "..", "../evil", "a/../../evil", "/evil", "//evil", "~"),
    *(
        "a\\..\\evil",
        "C:\\evil",
        "con",
        "a\0b",
        "a\nb",
        "a\x1b[31m",
        "a\u202eb",
        "\udc80",
        "\u00e9",
        "e\u0301",
        " ",
        "a ",
    ),
    *(
        "x" * 255,
        "x" * 300,
        "\u00e9" * 200,
        "/".join("x" * 200 for _ in range(30)),
        "d/" * 300 + "x",
        ".hidden",
        "corpus",
    ),
    *(
        "protected.txt",
        "./protected.txt",
        "protected.txt/x",
        "standing",
        "standing/x",
        "standing/below/x",
        ".x.1.partial",
    ),
]
KINDS = [tarfile.REGTYPE] * 6 + [
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.FIFOTYPE,
    b"?",
]
LINKS = ["one.txt", "/etc/passwd", "../..", ".", ""]
BODIES = [b"", b"text", b"long" * 1000]
MODES = [
    0,
    stat.S_IFREG | 0o644,
    stat.S_IFREG | 0o6777,
    stat.S_IFLNK | 0o777,
    stat.S_IFDIR | 0o755,
    stat.S_IFIFO,
    0o400,
]
STANDING = {"standing/below/old.txt": b"old", "one.txt": b"old", "protected.txt": b"old"}


class Member(NamedTuple):
    name: str
    kind: bytes
    link: str
    body: bytes
    mode: int
    claim: int  # how much its size is wrong


members = st.builds(
    Member,
    st.sampled_from(NAMES) | st.sampled_from(NAMES[:3]) | st.text(max_size=8),
    st.sampled_from(KINDS),
    st.sampled_from(LINKS),
    st.sampled_from(BODIES),
    st.sampled_from(MODES),
    st.sampled_from([0] * 8 + [-1, 1, 2**33]),
)


def archives_of(kind: str) -> st.SearchStrategy[bytes]:
    """tar, tar.gz, tar.bz2 or zip archives of at most four members."""
    write = _zip if kind == "zip" else _tar
    compress = {"tar.gz": gzip.compress, "tar.bz2": bz2.compress}.get(kind, bytes)
    return st.lists(members, max_size=4).map(lambda drawn: compress(write(drawn)))


def _tar(drawn: list[Member]) -> bytes:
    found = []
    for member in drawn:
        info = tarfile.TarInfo(member.name)
        info.type, info.linkname, info.mode = member.kind, member.link, member.mode & 0o7777
        info.size = max(0, len(member.body) + member.claim)
        with suppress(UnicodeError, ValueError):
            header = info.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape")
            found += [header, member.body, bytes(-len(member.body) % 512)]
    return b"".join(found) + bytes(1024)


def _zip(drawn: list[Member]) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(stream, "w") as packed:  # of names that occur twice
        for member in drawn:
            info = zipfile.ZipInfo("x")
            info.filename = member.name + "/" * (member.kind == tarfile.DIRTYPE and member.name[-1:] != "/")
            info.external_attr = member.mode << 16
            try:
                packed.writestr(info, member.body)
            except UnicodeError:
                continue
            info.file_size += member.claim if info.file_size + member.claim >= 0 else 0
    return stream.getvalue()


def unpacked_safely(folder: Path, name: str) -> None:
    """Unpack `folder`/`name` over some files; what is not right afterwards is an `AssertionError`.

    All or nothing: either every file is a plain one inside, the protected one untouched, or everything is as it was.
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        raw = Path(place, "raw")
        for path, content in STANDING.items():
            (raw / path).parent.mkdir(parents=True, exist_ok=True)
            (raw / path).write_bytes(content)
        outside, before = _tree(folder, raw), _tree(raw)
        try:
            archives.unpack(folder / name, raw, protected={"protected.txt"})
        except UserError:
            assert _tree(raw) == before, "an archive that was refused has changed something"
            raise
        finally:
            assert _tree(folder, raw) == outside, "something outside has changed"
        after = _tree(raw)
        assert after["protected.txt"] == before["protected.txt"]
        assert before.keys() <= after.keys()
        for path in after:
            mode = (raw / path).lstat().st_mode
            assert stat.S_ISREG(mode) or stat.S_ISDIR(mode), path
            assert not mode & (stat.S_ISUID | stat.S_ISGID), path
            assert path == printable(path), path


def _tree(folder: Path, without: Path | None = None) -> dict[str, bytes | None]:
    """Every file with its content and every folder, but for those below `without`."""
    found = {}
    for root, folders, files in os.walk(folder):
        if without and Path(root) == without:
            folders.clear()
            continue
        for each in (*folders, *files):
            path = Path(root, each)
            found[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else None
    return found
