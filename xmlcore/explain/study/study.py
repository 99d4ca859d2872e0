"""Every explainer on the same documents: is it faithful, does it hold still, does it see the weights?

Each document is explained for its best predicted label; the unit is the distinct word.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from math import nan
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any

import numpy as np
import torch

from xmlcore.common.distributed import map_shared
from xmlcore.common.files import write_json
from xmlcore.common.intervals import interval
from xmlcore.config.params import Explain
from xmlcore.data.batches import true_labels
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.tokens import PAD
from xmlcore.explain.documents import Document
from xmlcore.explain.explainers import MEASURED, READING, explainers
from xmlcore.explain.study.agreement import overlap, rank_correlation
from xmlcore.explain.study.erasure import REMOVALS, Erasure, Faithfulness, faithfulness
from xmlcore.explain.study.stability import ByMethod, stability
from xmlcore.explain.study.word_table import WordTable
from xmlcore.models.base import Classifier
from xmlcore.models.predictor import Predictor

TOP = 10  # words that the agreement of two methods is about

OfWords = dict[str, float]


@dataclass(frozen=True)
class Studied:
    """One document. Everything is by method, of `MEASURED` or, below, of `READING`; what is not defined is nan."""

    document: int
    doc_id: str
    label_name: str
    weights: dict[str, OfWords]
    quality: dict[str, dict[str, float]]  # LIME's `r2`, the `delta` of Integrated Gradients
    seconds: dict[str, float]
    faithfulness: dict[str, dict[str, Faithfulness]]  # by way of removal, then method
    leave_one_out: dict[str, float]  # Kendall's tau with the loss of probability when one word is masked
    attacked: dict[str, OfWords]  # weights for the same label of the document as FGSM moves it; this and below: READING
    sensitivity: dict[str, float]  # largest relative change of the weights under noise (Yeh et al. 2019)
    randomised: dict[str, float]  # Kendall's tau with what is said of the model with shuffled weights


class Study:
    """The explainers of one model."""

    def __init__(self, model: Classifier, corpus: EncodedCorpus, options: Explain, epsilon: float, seed: int) -> None:
        """Study `model`; `epsilon` is the strength of the attack that moves the documents."""
        self._model, self._corpus = model, corpus
        self._options, self._epsilon, self._seed = options, epsilon, seed
        self._predictor = Predictor(model, corpus, options.batch_size)
        self._shuffled = Predictor(shuffled(model, seed), corpus, options.batch_size)
        self._explainers = explainers(options, seed)

    def drawn(self) -> list[int]:
        """Return the test documents to study: of two words or more, `options.study.documents` of them, by the seed."""
        test = self._corpus.splits["test"]
        order = np.random.default_rng(self._seed).permutation(len(test)).tolist()
        several = (index for index in order if len(np.unique(test.document(index))) > 1)
        return sorted(index for index, _ in zip(several, range(self._options.study.documents), strict=False))

    def run(self, documents: Sequence[Document], track: Callable[..., Iterable[Document]]) -> list[Studied]:
        """Return the figures of `documents`, which all processes share."""
        return map_shared(self.examine, track(documents, "explainers"))

    def examine(self, document: Document) -> Studied:
        """Return all figures of one document."""
        tokens = self._predictor.tokenize(document.text)
        label = document.top_labels(1)[0]
        of_words, quality, seconds = {}, {}, {}
        for method, explain in self._explainers.items():
            began = perf_counter()
            _, of_words[method], quality[method] = explain(tokens, self._predictor, label, document.index)
            seconds[method] = perf_counter() - began
        size = self._options.batch_size
        erasures = {removal: Erasure(tokens, self._predictor, label, removal, size) for removal in REMOVALS}
        alone = dict(zip(erasures["masking"].words, erasures["masking"].leave_one_out().tolist(), strict=True))
        table = WordTable(self._model, self._corpus, tokens, size)
        true = true_labels(self._corpus.splits["test"], np.array([document.index])).to(self._model.device)
        under_noise = self._under_noise(table, document.index)
        again = partial(self._explained, tokens, label=label, document=document.index)
        return Studied(
            document=document.index,
            doc_id=document.doc_id,
            label_name=document.predictions[0].name,
            weights=of_words,
            quality=quality,
            seconds=seconds,
            attacked=again(table.moved(table.fgsm(true, self._epsilon))),
            faithfulness={
                removal: faithfulness(erasure, of_words, self._options.study.beam)
                for removal, erasure in erasures.items()
            },
            leave_one_out={method: rank_correlation(each, alone) for method, each in of_words.items()},
            sensitivity=_largest_changes(of_words, [again(moved) for moved in under_noise]),
            randomised={
                method: rank_correlation(of_words[method], each) for method, each in again(self._shuffled).items()
            },
        )

    def _explained(self, tokens: Sequence[str], model: Predictor, label: int, document: int) -> dict[str, OfWords]:
        """Return what the methods that read the model say of another, or of moved words."""
        return {method: self._explainers[method](tokens, model, label, document).of_words for method in READING}

    def _under_noise(self, table: WordTable, document: int) -> Iterator[Predictor]:
        generator = torch.Generator().manual_seed(self._seed + document)
        for _ in range(self._options.study.draws):
            yield table.moved(table.noise(self._options.study.epsilon, generator))


def shuffled(model: Classifier, seed: int) -> Classifier:
    """Return `model` with the numbers of each parameter in another order (Adebayo et al. 2018); `PAD` stays zero."""
    generator = torch.Generator().manual_seed(seed)
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in copied.parameters():
            flat = parameter.flatten()
            parameter.copy_(flat[torch.randperm(len(flat), generator=generator)].view_as(parameter))
        copied.embedding_table[PAD] = 0
    return copied


def _largest_changes(weights: Mapping[str, OfWords], moved: Sequence[Mapping[str, OfWords]]) -> dict[str, float]:
    """Return of each method the largest change of its weights, relative to their norm; nan where that is 0."""

    def change(method: str, other: OfWords) -> float:
        before = np.array([*weights[method].values()])
        after = np.array([other[word] for word in weights[method]])
        norm = np.linalg.norm(before)
        return float(np.linalg.norm(after - before) / norm) if norm else nan

    return {method: max(change(method, each[method]) for each in moved) for method in READING}


def write_study(folder: Path, studied: Sequence[Studied]) -> None:
    """Write clean.json, attacked.json, faithfulness.json and stability.json into the new `folder`."""
    folder.mkdir()
    clean, attacked = explanations(studied, moved=False), explanations(studied, moved=True)
    write_json(folder / "clean.json", clean)
    write_json(folder / "attacked.json", attacked)
    write_json(folder / "faithfulness.json", summary(studied))
    write_json(folder / "stability.json", {"documents": len(studied), "attacked": stability(clean, attacked)})


def seconds_of_methods(studied: Sequence[Studied]) -> dict[str, float]:
    """Return the mean seconds of one explanation by each of `MEASURED`; none where nothing was studied."""
    return {method: round(fmean(each.seconds[method] for each in studied), 4) for method in MEASURED if studied}


def summary(studied: Sequence[Studied]) -> dict[str, Any]:
    """Return the content of faithfulness.json; a figure that no document has is left out."""
    return {
        "documents": len(studied),
        "methods": {method: _figures(studied, method) for method in MEASURED},
        "agreement": {
            f"{one}_{other}": fmean(overlap(each.weights[one], each.weights[other], TOP) for each in studied)
            for one, other in combinations(MEASURED, 2)
        },
        "better_than_random": {method: _better_than_random(studied, method) for method in READING},
    }


def _figures(studied: Sequence[Studied], method: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for removal in REMOVALS:
        each = [one.faithfulness[removal][method] for one in studied]
        found[removal] = {
            "comprehensiveness": fmean(one.comprehensiveness for one in each),
            "sufficiency": fmean(one.sufficiency for one in each),
            "naopc": interval(one.naopc for one in each),
        }
    means = {
        "tau_leave_one_out": [one.leave_one_out[method] for one in studied],
        "sparseness": [gini(one.weights[method].values()) for one in studied],
        "sensitivity": [one.sensitivity[method] for one in studied if method in one.sensitivity],
        "randomised": [one.randomised[method] for one in studied if method in one.randomised],
        **{name: [one.quality[method][name] for one in studied] for name in studied[0].quality[method]},
    }
    found |= {name: mean["mean"] for name, values in means.items() if (mean := interval(values))}
    return {name: value for name, value in found.items() if value is not None}


def _better_than_random(studied: Sequence[Studied], method: str) -> bool:
    """Return whether the intervals of the normalised AOPC, masking words, do not touch."""
    ours, chance = (
        interval(each.faithfulness["masking"][name].naopc for each in studied) for name in (method, "random")
    )
    return bool(ours and chance and ours["low"] > chance["high"])


def gini(weights: Iterable[float]) -> float:
    """Return the Gini index of absolute weights: 0 where all are equal, near 1 where one has all, nan if all are 0."""
    sizes = np.sort(np.abs([*weights]))
    if not sizes.sum():
        return nan
    ranks = np.arange(1, len(sizes) + 1)
    return float((2 * ranks - len(sizes) - 1) @ sizes / (len(sizes) * sizes.sum()))


def explanations(studied: Sequence[Studied], moved: bool) -> ByMethod:
    """Return by method the weights of each document as it is, or `moved` by FGSM, as `agreement` reads them."""
    return {
        method: [
            {
                "document": each.document,
                "doc_id": each.doc_id,
                "label_name": each.label_name,
                "tokens": [*weights],
                "weights": [*weights.values()],
            }
            for each in studied
            for weights in [each.attacked[method] if moved else each.weights[method]]
        ]
        for method in READING
    }
