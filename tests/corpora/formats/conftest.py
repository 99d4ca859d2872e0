"""Official files in miniature: written, compressed by suffix, converted and read back."""

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from xmlcore.config.params import Convert
from xmlcore.corpora.formats.converters import CONVERTERS
from xmlcore.corpora.records import SPLITS, Record, read_records

Files = dict[str, str | bytes]
Converted = dict[str, list[Record]]


def write_files(folder: Path, files: Files) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    compressors = {".gz": gzip.compress, ".bz2": bz2.compress}
    for name, content in files.items():
        data = compressors.get(Path(name).suffix, bytes)(content.encode()) if isinstance(content, str) else content
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.fixture
def convert(tmp_path: Path) -> Callable[..., Converted]:
    """convert(format, files, **options) -> the records of each split."""

    def convert(name: str, files: Files, **options: object) -> Converted:
        raw, destination = write_files(tmp_path / "raw", files), tmp_path / "records"
        CONVERTERS[name](raw, destination, Convert(format=name, **options))
        return {split: list(read_records(destination / f"{split}.tsv")) for split in SPLITS}

    return convert
