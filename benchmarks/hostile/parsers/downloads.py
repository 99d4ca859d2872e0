"""Archives and answers of servers."""

import bz2
import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from functools import partial

from hostile.archives import archives_of, unpacked_safely
from hostile.damage import compressed, damaged
from hostile.parsers.base import Files, Parser
from hostile.server import fetched


def archive(kind: str) -> Files:
    body = {"a/one.txt": b"one" * 500, "two.txt": b"22"}
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in body.items():
                packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    else:
        with tarfile.open(fileobj=stream, mode="w") as packed:
            for name, content in body.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                packed.addfile(info, io.BytesIO(content))
    compress = {"tar.gz": gzip.compress, "tar.bz2": bz2.compress}.get(kind, bytes)
    return {f"corpus.{kind}": compress(stream.getvalue())}


RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: b\r\n\r\nbody"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
MOVED = b"HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1:9/x\r\n\r\n"
ADDRESS = b"http://127.0.0.1:9/a%20b?c#d"


def parsers() -> Iterator[Parser]:
    for kind in ("tar", "tar.gz", "tar.bz2", "zip"):
        name = f"corpus.{kind}"
        read = partial(unpacked_safely, name=name)
        inputs = {"tar.gz": compressed(gzip.compress), "tar.bz2": compressed(bz2.compress)}.get(kind, damaged)
        yield Parser(f"archive {kind}, damaged", partial(archive, kind), name, read, inputs)
        yield Parser(
            f"archive {kind}, hostile", partial(archive, kind), name, read, lambda _, kind=kind: archives_of(kind)
        )
    for name, content in (("response", RESPONSE), ("response in chunks", CHUNKED), ("response elsewhere", MOVED)):
        yield Parser(f"download: {name}", lambda content=content: {"answer": content}, "answer", fetched, slow=True)
    yield Parser("download: address", lambda: {"address": ADDRESS}, "address", fetched)
