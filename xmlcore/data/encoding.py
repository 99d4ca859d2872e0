"""Records made into an encoded corpus (`xmlcore.data.dataset`)."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from xmlcore.common.errors import UserError
from xmlcore.config.params import Encode
from xmlcore.corpora.label_titles import TITLES, load_titles
from xmlcore.corpora.records import Record, read_records
from xmlcore.data.dataset import ARRAYS, SPLITS, UNSEEN_LABEL
from xmlcore.data.text_reader import TextReader, write_text_reader
from xmlcore.data.tokens import PIECES, WORD_TOKENIZERS, Pieces, Vocabulary, tokenize


class _SplitWriter:
    """Appends documents to one split; only the offsets are held in memory."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._files = {name: (folder / f"{name}.bin").open("wb") for name in ARRAYS}
        self._offsets = {"token_offsets": array("q", [0]), "label_offsets": array("q", [0])}

    def add(self, tokens: list[int], labels: list[int]) -> None:
        for name, values in (("token", tokens), ("label", labels)):
            np.asarray(values, ARRAYS[f"{name}s"]).tofile(self._files[f"{name}s"])
            offsets = self._offsets[f"{name}_offsets"]
            offsets.append(offsets[-1] + len(values))

    def close(self) -> None:
        for name, offsets in self._offsets.items():
            np.asarray(offsets, ARRAYS[name]).tofile(self._files[name])
        for file in self._files.values():
            file.close()


def encode_corpus(
    records: Path, destination: Path, options: Encode, seed: int, track: Callable[..., Iterable[Record]]
) -> None:
    """Encode `records`/{train,test}.tsv into `destination`, an empty folder, in two passes and constant memory.

    The vocabulary and the labels come from the train file alone. A seeded share `validation_fraction` of it is the
    validation split. Raises `UserError` on bad records, when a split would be empty or there is no such tokenizer.
    """
    train_file, test_file = records / "train.tsv", records / "test.tsv"
    split_text = _tokenizer(options.tokenizer, destination)
    counts: Counter[str] = Counter()
    names: set[str] = set()
    documents = 0
    for record in track(read_records(train_file), "vocabulary"):
        counts.update(split_text(record.text))
        names.update(record.labels)
        documents += 1
    if not names:
        raise UserError(f"{train_file}: no document has a label; give the labels in the second field")
    validation = set(split_validation(documents, options.validation_fraction, seed).tolist())
    if not validation or len(validation) == documents:
        raise UserError(
            f"{train_file}: {documents} documents cannot be split with encode.validation_fraction="
            f"{options.validation_fraction}; add documents or change the fraction"
        )
    vocabulary = Vocabulary.from_counts(counts, options.min_count, options.max_vocabulary)
    label_names = sorted(names)
    label_ids = {name: i for i, name in enumerate(label_names)}
    writers = {split: _SplitWriter(destination / split) for split in SPLITS}

    def add(record: Record, split: str) -> None:
        tokens = vocabulary.encode(split_text(record.text), options.max_tokens)
        labels = sorted(label_ids.get(label, UNSEEN_LABEL) for label in record.labels)
        writers[split].add(tokens, labels)

    for i, record in enumerate(track(read_records(train_file), "train", total=documents)):
        add(record, "validation" if i in validation else "train")
    known = False
    for record in track(read_records(test_file), "test"):
        add(record, "test")
        known = known or not label_ids.keys().isdisjoint(record.labels)
    if not known:
        raise UserError(f"{test_file}: no document has a label of {train_file.name}; give both labels of one kind")
    for writer in writers.values():
        writer.close()
    pieces = None if options.tokenizer in WORD_TOKENIZERS else destination / PIECES
    titles = load_titles(records / TITLES)
    reader = TextReader(vocabulary, label_names, options.tokenizer, options.max_tokens, pieces, titles)
    write_text_reader(destination, reader)


def _tokenizer(name: str, destination: Path) -> Callable[[str], list[str]]:
    """Return the tokenizer `name`; that of a checkpoint is written into `destination` for the texts to come."""
    if name in WORD_TOKENIZERS:
        return partial(tokenize, tokenizer=name)
    from xmlcore.data.pretrained import load_tokenizer

    file = destination / PIECES
    load_tokenizer(name, "encode.tokenizer", "`words` or `whitespace`").backend_tokenizer.save(str(file))
    return Pieces(file)


def split_validation(documents: int, fraction: float, seed: int) -> np.ndarray:
    """Return indices of the validation documents: the first `fraction` of a seeded permutation."""
    return np.random.default_rng(seed).permutation(documents)[: round(documents * fraction)]
