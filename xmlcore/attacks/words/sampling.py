"""Which documents and labels are attacked (Qaraei and Babbar, section 4.1): equally many for labels of every frequency.

A model, the reference, must be right about them: a true label among its best k for positive targets, a label neither
true nor among them for negative ones. All other models are attacked on the same samples. Documents too short for one
change are not drawn.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import NonNegativeInt, TypeAdapter

from xmlcore.attacks.words.clusters import label_clusters
from xmlcore.common.artifacts import written_by
from xmlcore.common.cli import console
from xmlcore.common.files import write_json
from xmlcore.config.params import Goal, Words
from xmlcore.data.dataset import EncodedCorpus, Split
from xmlcore.data.propensity import label_frequencies
from xmlcore.ranking.predictions import Predictions

TRIES = 200  # of documents and labels for each sample with a negative target


@dataclass(frozen=True)
class Bin:
    """Labels with `lowest` to `highest` training documents."""

    lowest: NonNegativeInt
    highest: NonNegativeInt


@dataclass(frozen=True)
class Sample:
    """A document of the test split and the labels that an attack with `goal` aims at; a bin where it has one."""

    goal: Goal
    document: NonNegativeInt
    labels: tuple[NonNegativeInt, ...]  # none for non-targeted attacks: whatever the attacked model predicts
    bin: Bin | None


class Targets(NamedTuple):
    """What attacks on a model aim at, however it is trained."""

    samples: list[Sample]
    clusters: list[np.ndarray]  # of like labels, for targets that are near a document


def choose_targets(data: EncodedCorpus, predictions: Predictions, options: Words, seed: int) -> Targets:
    """Draw samples about which `predictions` of the test documents are right."""
    training, labels = data.train_and_validation, len(data.label_names)
    clusters = label_clusters(training, labels, options.cluster_labels, seed)
    frequencies = label_frequencies(training, labels=labels)
    return Targets(
        draw_samples(data.splits["test"], predictions.labels, frequencies, clusters, options, seed), clusters
    )


def write_targets(folder: Path, targets: Targets, label_names: Sequence[str]) -> None:
    """Write targets.json and clusters.json into `folder`, which exists."""
    write_samples(targets.samples, folder / "targets.json")
    names = [[label_names[label] for label in members] for members in targets.clusters]
    write_json(folder / "clusters.json", names)


def write_samples(samples: Sequence[Sample], path: Path) -> None:
    """Write targets.json."""
    write_json(path, [asdict(sample) for sample in samples])


def read_samples(path: Path, documents: int, labels: int) -> list[Sample]:
    """Return what `write_samples` wrote, of so many test documents. Raises `UserError` where it is damaged."""
    with written_by("attack_words", path):
        samples = TypeAdapter(list[Sample]).validate_json(path.read_bytes())
        for sample in samples:
            if sample.document >= documents or max(sample.labels, default=0) >= labels:
                raise ValueError(f"document {sample.document} with labels {sample.labels} is not in the test split")
        return samples


def draw_samples(
    split: Split,
    best: np.ndarray,
    frequencies: np.ndarray,
    clusters: Sequence[np.ndarray],
    options: Words,
    seed: int,
) -> list[Sample]:
    """Return samples for every goal of `options`, at most `options.samples` in each of `options.bins`.

    `best` (N, >= k) are the reference's best labels of the documents of `split`; `frequencies` (L,) are training
    documents of each label. A goal that no document can be attacked with, such as to bring in a label where all are
    among the best, has no samples, which is said.
    """
    draw = _Draw(split, best[:, : options.k], frequencies, clusters, options)
    samples = []
    for number, goal in enumerate(options.goals):
        found = draw.samples(goal, np.random.default_rng([seed, number]))
        if not found:
            console.print(f"the goal {goal} does not apply: no test document can be attacked so ({draw.why_none()})")
        samples += found
    return samples


def frequency_bins(frequencies: np.ndarray, count: int) -> list[Bin]:
    """Return at most `count` ranges of the `frequencies` (n,) of labels, with about as many labels each.

    Labels of one frequency stay together.
    """
    ordered = np.sort(frequencies)
    edges = np.unique(ordered[[len(ordered) * i // count for i in range(1, count)]]) if len(ordered) else ordered
    starts = np.unique([*ordered[:1], *edges])
    ends = [*(starts[1:] - 1), *ordered[-1:]]
    return [Bin(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


class _Draw:
    def __init__(
        self, split: Split, best: np.ndarray, frequencies: np.ndarray, clusters: Sequence[np.ndarray], options: Words
    ) -> None:
        self._options, self._frequencies, self._best = options, frequencies, best
        long_enough = (split.lengths * options.max_change + 1e-9).astype(int) >= 1
        self._documents: list[int] = np.flatnonzero(long_enough).tolist()
        self._true = [set(split.labels_of(i).tolist()) for i in range(len(split))]
        self._cluster_of = np.zeros(len(frequencies), int)
        for number, members in enumerate(clusters):
            self._cluster_of[members] = number
        self._clusters = clusters
        self._documents_of: defaultdict[int, list[int]] = defaultdict(list)  # by true label
        for document in self._documents:
            for label in self._true[document]:
                self._documents_of[label].append(document)

    def why_none(self) -> str:
        """Return what the documents and labels lack for attacks."""
        if not self._documents:
            return "words.max_change of each is less than one word"
        if len(self._frequencies) <= self._options.k:
            return f"words.k is {self._options.k} of {len(self._frequencies)} labels"
        return "the reference model is right about none"

    def samples(self, goal: Goal, rng: np.random.Generator) -> list[Sample]:
        if goal == "non_targeted":
            return self._non_targeted(rng)
        if goal == "positive":
            pairs = self._positive(rng)
            bins = self._bins(sorted({label for label, _ in pairs}))
            by_bin = [[pair for pair in pairs if pair[0] in set(self._of_bin(each))] for each in bins]
        else:
            bins = self._bins(np.flatnonzero(self._frequencies).tolist())
            by_bin = [list(self._negative(goal, each, rng)) for each in bins]
        count = min([self._options.samples, *(len(of_bin) for of_bin in by_bin if of_bin)])
        return [
            Sample(goal, int(document), self._aimed_at(goal, label, document, each, rng), each)
            for each, of_bin in zip(bins, by_bin, strict=True)
            for label, document in of_bin[:count]
        ]

    def _bins(self, labels: Sequence[int]) -> list[Bin]:
        return frequency_bins(self._frequencies[labels], self._options.bins)

    def _positive(self, rng: np.random.Generator) -> list[tuple[int, int]]:
        """Return all pairs of a label and a document that can be attacked, shuffled."""
        pairs = [
            (label, document) for document in self._documents for label in self._right(document) if self._seen(label)
        ]
        return [pairs[i] for i in rng.permutation(len(pairs))]

    def _negative(self, goal: str, bin_: Bin, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
        """Yield as many labels of the bin as are wanted, each with a document, found by trying."""
        members = self._of_bin(bin_)
        found: set[tuple[int, int]] = set()
        for _ in range(TRIES * self._options.samples):
            label = int(rng.choice(members))
            near = self._near(label) if goal == "negative_clustered" else self._documents
            if not len(near):
                continue
            pair = label, int(rng.choice(near))
            if pair not in found and self._wrong(*pair):
                found.add(pair)
                yield pair
            if len(found) == self._options.samples:
                return

    def _non_targeted(self, rng: np.random.Generator) -> list[Sample]:
        count = self._options.samples * self._options.bins
        documents = [i for i in rng.permutation(self._documents) if self._right(i)][:count]
        return [Sample("non_targeted", int(document), (), None) for document in documents]

    def _aimed_at(self, goal: str, label: int, document: int, bin_: Bin, rng: np.random.Generator) -> tuple[int, ...]:
        """Return `label` and others that the goal allows for the document, as many as `options.labels` says."""
        if self._options.labels == 1:
            return (label,)
        if goal == "positive":
            others = [each for each in self._right(document) if self._seen(each)]
        else:
            near = self._members(label) if goal == "negative_clustered" else self._of_bin(bin_)
            others = [int(each) for each in near if self._wrong(int(each), document)]
        more = [int(each) for each in rng.permutation(others) if each != label]
        return (label, *more[: self._options.labels - 1])

    def _of_bin(self, bin_: Bin) -> np.ndarray:
        """Return the labels of a bin."""
        return np.flatnonzero((self._frequencies >= bin_.lowest) & (self._frequencies <= bin_.highest))

    def _members(self, label: int) -> np.ndarray:
        """Return the labels of the cluster of `label`, itself among them."""
        return self._clusters[self._cluster_of[label]]

    def _right(self, document: int) -> list[int]:
        """Return the true labels of a document that are among its best."""
        return [label for label in self._best[document].tolist() if label in self._true[document]]

    def _wrong(self, label: int, document: int) -> bool:
        """Return whether `label` is neither true nor among the best."""
        return label not in self._true[document] and label not in self._best[document]

    def _seen(self, label: int) -> bool:
        return self._frequencies[label] > 0

    def _near(self, label: int) -> list[int]:
        """Return the documents with another label of the cluster of `label`."""
        others = (each for each in self._members(label) if each != label)
        return sorted({document for each in others for document in self._documents_of.get(int(each), ())})
