"""Simulated law in the files of the Extreme Classification Repository: `N D L`, then `l1,l2 f:v f:v` from 0."""

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from xmlcore.corpora.simulation.legislation import Act, Legislation


def write_eurlex(legislation: Legislation, train: int, test: int, rng: np.random.Generator, folder: Path) -> None:
    """Write `train` and `test` acts as tf-idf rows of Euclidean norm 1, and the names of features and labels.

    A weight is (1 + ln tf) * (1 + ln((1 + N) / (1 + df))), document frequencies counted in the training acts.
    """
    _write_lines(folder / "eurlex_features.txt", legislation.words)
    _write_lines(folder / "eurlex_labels.txt", legislation.labels)
    acts = {"train": list(legislation.acts(train, rng)), "test": list(legislation.acts(test, rng))}
    frequencies = Counter(word for act in acts["train"] for word in act.counts)
    idf = [1 + math.log((1 + train) / (1 + frequencies[word])) for word in legislation.words]
    features = {word: index for index, word in enumerate(legislation.words)}
    labels = {name: index for index, name in enumerate(legislation.labels)}
    for split, rows in acts.items():
        header = f"{len(rows)} {len(features)} {len(labels)}"
        lines = (_row(act, features, labels, idf) for act in rows)
        _write_lines(folder / f"eurlex_{split}.txt", [header, *lines])


def _row(act: Act, features: dict[str, int], labels: dict[str, int], idf: list[float]) -> str:
    weights = {features[word]: (1 + math.log(count)) * idf[features[word]] for word, count in act.counts.items()}
    norm = math.hypot(*weights.values())
    cells = (f"{feature}:{weight / norm:.6f}" for feature, weight in sorted(weights.items()))
    return f"{','.join(str(labels[name]) for name in act.labels)} {' '.join(cells)}"


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
