"""Document corpora of Annif (Suominen 2019): one file of `text<TAB><uri> <uri>`, or a folder of texts.

In a folder every `NAME.txt` has its labels in `NAME.tsv`, `<uri><TAB>title` a line, or as titles alone in `NAME.key`.
The angle brackets around an address are left out.
"""

from collections.abc import Iterator
from pathlib import Path

from xmlcore.common.errors import UserError
from xmlcore.config.params import Convert
from xmlcore.corpora.formats.source_files import find_split_folders, find_splits
from xmlcore.corpora.records import Record, write_records
from xmlcore.corpora.text_files import numbered_lines


def convert_annif(raw: Path, destination: Path, options: Convert) -> None:
    """Convert `raw`: the files with the words train and test in their names, .tsv, or the folders train and test.

    Raises:
        UserError: a file is missing or damaged, or a text has no file of labels.
    """
    folders = find_split_folders(raw, options.files)
    for split, folder in folders.items():
        write_records(destination / f"{split}.tsv", read_folder(folder))
    if folders:
        return
    for split, source in find_splits(raw, (".tsv",), options.files).items():
        write_records(destination / f"{split}.tsv", read_file(source, split))


def read_file(path: Path, split: str) -> Iterator[Record]:
    """Stream the documents of `path`, named by `split` and line number."""
    for number, line in numbered_lines(path):
        text, tab, labels = line.rpartition("\t")
        if not tab:
            raise UserError(f"{path}:{number}: not `text<TAB><uri> <uri>`; mend or remove the line")
        yield Record(f"{split}-{number}", tuple(map(_bare, labels.split())), text)


def read_folder(folder: Path) -> Iterator[Record]:
    """Stream the documents of `folder`, named by their files, in the order of the names."""
    texts = sorted(folder.glob("*.txt"))
    if not texts:
        raise UserError(f"{folder}: no .txt file; give one for each document")
    for text in texts:
        labels = next((file for suffix in (".tsv", ".key") if (file := text.with_suffix(suffix)).exists()), None)
        if labels is None:
            raise UserError(f"{text}: no {text.stem}.tsv or {text.stem}.key with its labels beside it; add one")
        lines = numbered_lines(labels) if labels.stat().st_size else ()
        names = tuple(_bare(line.split("\t")[0].strip()) for _, line in lines if line.strip())
        words = " ".join(line for _, line in numbered_lines(text)) if text.stat().st_size else ""
        yield Record(text.stem, names, words)


def _bare(label: str) -> str:
    return label.removeprefix("<").removesuffix(">")
