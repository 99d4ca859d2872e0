"""Sparse bags of words, made into pseudo-texts: the Extreme Classification Repository's format and LIBSVM's.

The repository's files begin with `documents features labels` and number features from 0; LIBSVM's multi-label
files have no such header and number features from 1. A row of both is `label,label feature:weight feature:weight`;
a row without labels begins with a space. `*_features.txt` and `*_labels.txt`, one name a line, are optional.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from xmlcore.common.errors import UserError
from xmlcore.config.params import Convert
from xmlcore.corpora.formats.source_files import find_file, find_files, find_splits
from xmlcore.corpora.records import Record, one_token, write_records
from xmlcore.corpora.text_files import numbered_lines

HEADER = re.compile(r"([0-9]{1,15}) +([0-9]{1,15}) +([0-9]{1,15})")
ROW_FORMAT = "a row is `label,label feature:weight ...` or ` feature:weight ...`, a header `documents features labels`"

COUNTING = "(from 0 in a file with a header, from 1 in one without)"


class Header(NamedTuple):
    documents: int
    features: int
    labels: int


class Row(NamedTuple):
    """One document: label indices and feature index -> weight, both counted from 0, zero weights left out."""

    place: str
    labels: list[int]
    weights: dict[int, float]


def convert_eurlex(raw: Path, destination: Path, options: Convert) -> None:
    """Convert the train and the test file of bags of words in `raw` into records of pseudo-text.

    A pseudo-text is the document's features in descending weight, at most `options.max_features`, features of equal
    weight in the order of their index. With `options.order` "idf" the weight is multiplied by the feature's inverse
    document frequency in the training file, which tells features of binary weight apart. A feature is written as
    its name, or `f123`; a label as its name, or `123`.

    Raises:
        UserError: a file is missing, damaged or malformed, or does not keep what its header promises.
    """
    files = find_splits(raw, (".txt", ".svm"), options.files)
    headers = {split: read_header(path) for split, path in files.items()}
    train, test = headers["train"], headers["test"]
    if (train and train[1:]) != (test and test[1:]):
        raise UserError(f"{files['test']}:1: other features and labels than {files['train'].name}; fetch both again")
    feature_name = read_names(raw, "*_features.txt", "f", train.features if train else None)
    label_name = read_names(raw, "*_labels.txt", "", train.labels if train else None)
    importance = inverse_document_frequency(files["train"], train) if options.order == "idf" else _equal_importance
    for split, path in files.items():
        rows = read_rows(path, headers[split])
        records = (
            Record(
                f"{split}-{number}",
                tuple(label_name(label, row.place) for label in row.labels),
                " ".join(
                    feature_name(feature, row.place)
                    for feature in most_important(row.weights, importance, options.max_features)
                ),
            )
            for number, row in enumerate(rows, start=1)
        )
        write_records(destination / f"{split}.tsv", records)


def read_header(path: Path) -> Header | None:
    """Return the counts in the first line of `path`, or None where that line is a row."""
    _, line = next(numbered_lines(path))
    counts = HEADER.fullmatch(line.strip())
    return Header(*map(int, counts.groups())) if counts else None


def read_rows(path: Path, header: Header | None) -> Iterator[Row]:
    """Stream the rows of `path`, checked against its header."""
    documents = 0
    for number, line in numbered_lines(path):
        if header and number == 1:
            continue
        documents += 1
        row = _parse(line, f"{path}:{number}", first_feature=0 if header else 1)
        _check_labels(row, header)
        _check_features(row, header)
        yield row
    if not documents:
        raise UserError(f"{path}: no document in it; fetch it again")
    if header and documents != header.documents:
        raise UserError(f"{path}:1: {header.documents} documents promised, {documents} in the file; fetch it again")


def inverse_document_frequency(path: Path, header: Header | None) -> Callable[[int], float]:
    """Return a function from a feature to its smoothed inverse document frequency (idf) in `path`.

    That is ln((1 + documents) / (1 + documents with the feature)) + 1, as in scikit-learn.
    """
    documents = 0
    frequency: Counter[int] = Counter()
    for row in read_rows(path, header):
        documents += 1
        frequency.update(row.weights.keys())
    return lambda feature: math.log((1 + documents) / (1 + frequency[feature])) + 1


def most_important(weights: dict[int, float], importance: Callable[[int], float], limit: int) -> list[int]:
    """Return at most `limit` features in descending weight x importance, equal ones in the order of their index."""
    return sorted(weights, key=lambda feature: (-weights[feature] * importance(feature), feature))[:limit]


def read_names(raw: Path, pattern: str, prefix: str, expected: int | None) -> Callable[[int, str], str]:
    """Return a function from an index and the `file:line` of its use to a name of one word.

    Names come from the one file of `raw` that matches `pattern`, white space in them made '_'. An empty name, and
    every name where there is no such file, is `prefix` and the index. A repeated name gets the suffix `_2`, `_3`, ...

    Raises:
        UserError: the file does not hold `expected` names (None: unknown).
    """
    if not find_files(raw, pattern):
        return lambda index, place: f"{prefix}{index}"
    path = find_file(raw, pattern)
    index_of: dict[str, int] = {}
    copies: Counter[str] = Counter()
    for index, (_, line) in enumerate(numbered_lines(path)):
        name = unique = one_token(line) or f"{prefix}{index}"
        while unique in index_of:
            copies[name] += 1
            unique = f"{name}_{copies[name] + 1}"
        index_of[unique] = index
    if expected is not None and len(index_of) != expected:
        raise UserError(f"{path}: {len(index_of)} names, but the header promises {expected}; fetch the file again")
    names = list(index_of)

    def name_of(index: int, place: str) -> str:
        if index >= len(names):
            raise UserError(f"{place}: {index} has no name among the {len(names)} of {path.name}; remove that file")
        return names[index]

    return name_of


def _parse(line: str, place: str, first_feature: int) -> Row:
    labels, _, features = line.partition(" ")
    weights: dict[int, float] = {}
    try:
        label_indices = [int(label) for label in labels.split(",")] if labels else []
        for pair in features.split():
            feature, _, weight = pair.partition(":")
            index = int(feature) - first_feature
            if index in weights:
                raise UserError(f"{place}: feature {feature} occurs twice; mend the line or fetch the file again")
            weights[index] = float(weight)
    except ValueError as error:
        raise UserError(f"{place}: {str(error)[:100]}; {ROW_FORMAT}") from None
    if not all(map(math.isfinite, weights.values())):
        raise UserError(f"{place}: a weight that is infinite or not a number; mend the line or fetch the file again")
    return Row(place, label_indices, {index: weight for index, weight in weights.items() if weight})


def _check_labels(row: Row, header: Header | None) -> None:
    if min(row.labels, default=0) < 0:
        raise UserError(f"{row.place}: label {min(row.labels)}, but labels count from 0; mend the line")
    if header and max(row.labels, default=0) >= header.labels:
        raise UserError(
            f"{row.place}: label {max(row.labels)}, but the header promises {header.labels}, counted from 0; "
            "mend the header, or subtract 1 from every label where they count from 1"
        )


def _check_features(row: Row, header: Header | None) -> None:
    if min(row.weights, default=0) < 0:
        first, mend = (0, "mend the line") if header else (1, "begin the file with `documents features labels`")
        lowest = min(row.weights) + first
        raise UserError(f"{row.place}: feature {lowest}, but they count from {first} {COUNTING}; {mend}")
    if header and max(row.weights, default=0) >= header.features:
        raise UserError(
            f"{row.place}: feature {max(row.weights)}, but the header promises {header.features}, and features count "
            f"from 0 {COUNTING}; mend the header, or remove it where they count from 1"
        )


def _equal_importance(feature: int) -> float:
    return 1.0
