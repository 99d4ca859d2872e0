"""A trained model for texts of one's own: labels, why, and which words an attacker would change.

>>> import tempfile
>>> from xmlcore.serving.estimator import XMLClassifier
>>> texts = ["wheat and corn harvest", "corn prices rise", "tanker leaves the harbour", "harbour strike"] * 5
>>> trained = XMLClassifier("bag_of_words", epochs=5).fit(texts, [["grain"], ["grain"], ["ship"], ["ship"]] * 5)
>>> folder = trained.save(tempfile.mkdtemp())

>>> classifier = load_classifier(folder)
>>> [label.name for label in classifier.predict("the corn harvest", top=1)]
['grain']
>>> classifier.explain("the corn harvest", method="ig").method
'ig'
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args, overload

import numpy as np
import torch

from xmlcore.common.device import choose_device
from xmlcore.common.errors import UserError
from xmlcore.data.batches import batches, pad
from xmlcore.explain.attributions import Explanation
from xmlcore.explain.token_weights import sum_by_token, top_tokens
from xmlcore.explain.tokens import ModelTokens
from xmlcore.models.predictor import Predictor
from xmlcore.serving.choices import Goal, Method, Substitutes
from xmlcore.serving.model_folder import StoredModel, load_model_folder

if TYPE_CHECKING:
    from xmlcore.attacks.words.victim import Victim

AT_ONCE = 1024  # texts of a stream that are held in memory
SHOWN = 5  # labels, where nothing else is asked


class Label(NamedTuple):
    """A label of a text."""

    name: str
    title: str  # the name where it has none
    probability: float  # calibrated


class Words(NamedTuple):
    """Why a text has a label: the words that matter most, the heaviest first; a negative weight speaks against it."""

    label: Label
    method: Method
    weights: list[tuple[str, float]]
    details: Explanation


@dataclass(frozen=True)
class Attacked:
    """What an attacker made of a text."""

    goal: Goal
    label: Label  # aimed at, as it was
    success: bool
    before: str  # the text as the model reads it
    after: str
    changes: list[tuple[str, str]]  # word and substitute, "" where it was deleted
    positions: list[int]  # of these words among those of `before`, which single spaces separate
    similarity: float  # cosine of the mean vectors, by the model's own
    queries: int
    labels_before: list[Label]
    labels_after: list[Label]


class TextClassifier:
    """A model behind its tokenizer, its calibration and its defence."""

    def __init__(self, stored: StoredModel, batch_size: int = 64) -> None:
        """Use `stored`; `batch_size` texts, or copies of one, are scored at once."""
        self.stored, self._batch_size = stored, batch_size
        self._reader, self._calibration = stored.reader, stored.calibration
        self._model = stored.classifier.eval()
        self._ids = {name: i for i, name in enumerate(self._reader.label_names)}
        self._predictor = Predictor(self._model, self._reader, batch_size)

    @property
    def labels(self) -> list[str]:
        """The names of all labels, in the order of `predict_proba`."""
        return [*self._reader.label_names]

    def label(self, name: str, probability: float) -> Label:
        """Return the label called `name`, or that is the title of one, with a `probability`."""
        return self._label(self._id(name), probability)

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of `text` that the model reads."""
        return self._predictor.tokenize(text)

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return self.stored.card

    @overload
    def predict(  # type: ignore[overload-overlap]  # a string is a sequence of strings, too
        self, texts: str, top: int = ..., threshold: float | str | None = ...
    ) -> list[Label]: ...

    @overload
    def predict(
        self, texts: Sequence[str], top: int = ..., threshold: float | str | None = ...
    ) -> list[list[Label]]: ...

    def predict(
        self, texts: str | Sequence[str], top: int = SHOWN, threshold: float | str | None = None
    ) -> list[Label] | list[list[Label]]:
        """Return the labels of one text, or of each, the most probable first: at most `top`.

        With a `threshold` those alone that reach it: a probability, or what it was fitted for, `micro_f1`, `macro_f1`
        or a wanted precision, such as `precision=0.9`. Raises `UserError` for one that was not fitted.
        """
        if isinstance(texts, str):
            return next(self.stream([texts], top, threshold))
        return [*self.stream(texts, top, threshold)]

    def stream(
        self, texts: Iterable[str], top: int = SHOWN, threshold: float | str | None = None
    ) -> Iterator[list[Label]]:
        """Yield what `predict` returns, text by text, of any number of `texts` in constant memory."""
        least = self.threshold(threshold)
        waiting = iter(texts)
        while chunk := [*islice(waiting, AT_ONCE)]:
            ids, scores = self._best(chunk, top)
            kept = scores >= (least[ids] if isinstance(least, np.ndarray) else least)
            for row, of_row, keep in zip(ids, scores, kept, strict=True):
                yield [self._label(i, p) for i, p in zip(row[keep], of_row[keep], strict=True)]

    @torch.inference_mode()
    def predict_proba(self, texts: Sequence[str], labels: Sequence[str] | None = None) -> np.ndarray:
        """Return the calibrated probabilities (N, K) float32 of `labels`, by name, or of all, for `texts`."""
        asked = range(self._model.labels) if labels is None else [self._id(label) for label in labels]
        if not texts:
            return np.empty((0, len(asked)), np.float32)
        scores = self._predictor.scores([self._predictor.tokenize(text) for text in texts], asked)
        return self._calibration.probabilities(scores)

    def explain(
        self, text: str, label: str | None = None, method: Method = "lime", words: int = 10, samples: int = 1000
    ) -> Words:
        """Return the `words` that speak most for and against `label`, by name or title; None: the most probable.

        `samples` copies of the text are scored by `lime`, as many evaluations made by `shap`, and a tenth as many steps
        by `ig`. The weights are of the probability before calibration (`ig`: of the logit). Raises `UserError` for an
        unknown label, and for a text without a word.
        """
        chosen = self._id(label) if label is not None else self._best_id(text)
        return self._explained(text, [chosen], method, words, samples)[0]

    def explain_top(
        self, text: str, labels: int = 3, method: Method = "lime", words: int = 10, samples: int = 1000
    ) -> list[Words]:
        """Return `explain` of the `labels` most probable labels, from the same samples."""
        ids, _ = self._best([text], labels)
        return self._explained(text, ids[0].tolist(), method, words, samples)

    def attack(
        self,
        text: str,
        label: str | None = None,
        goal: Goal = "positive",
        substitutes: Substitutes = "gradient",
        k: int = SHOWN,
        max_change: float = 0.1,
        candidates: int = 48,
        source: str | Path | None = None,
    ) -> Attacked:
        """Return what greedy substitution of words makes of `text` (Qaraei and Babbar 2021).

        `positive`: `label`, one of the best `k`, shall leave them; `negative`: one that is not shall enter;
        `non_targeted`: any of the best `k` shall leave. At most a share `max_change` of the words is tried, each with
        as many `candidates`. None for `label` is the most probable, or for `negative` the first beyond the best `k`.
        `source` is where the substitutes `masked_lm` and `synonyms` come from (`xmlcore.serving.substitutes`). Raises
        `UserError` where the goal is reached before the attack.
        """
        from xmlcore.attacks.words.goals import Target
        from xmlcore.attacks.words.search import substitute_words
        from xmlcore.attacks.words.similarity import similarities
        from xmlcore.attacks.words.victim import Victim
        from xmlcore.serving.substitutes import load_generator

        if goal not in get_args(Goal):
            raise UserError(f"goal: one of {', '.join(get_args(Goal))} (is {goal!r})")
        victim = Victim(self._model, self._reader, self._batch_size)
        words = victim.words(text)
        if not words:
            raise UserError("the text has no word that the model could read")
        best = victim.best(words, k + 1).tolist()
        aimed = self._aimed_at(label, goal, best, k)
        among = best[:k] if goal == "non_targeted" else [aimed]
        target = Target(0, goal, tuple(among), (True,) * len(among))
        generator = load_generator(substitutes, victim, self._reader, source)
        (attack,) = substitute_words(
            victim, generator, [(target, words)], k=k, candidates=candidates, max_change=max_change
        )
        after = " ".join(word for word in attack.words if word)
        before = " ".join(words)
        return Attacked(
            goal=goal,
            label=self._label(aimed, self.predict_proba([before], [self._reader.label_names[aimed]])[0, 0]),
            success=attack.success,
            before=before,
            after=after,
            changes=[(change.word, change.substitute) for change in attack.changes],
            positions=[change.position for change in attack.changes],
            similarity=float(similarities(_OwnVectors(victim), [words], [attack.words])[0]),
            queries=attack.queries,
            labels_before=self.predict(before, k),
            labels_after=self.predict(after, k),
        )

    def _explained(self, text: str, labels: Sequence[int], method: Method, words: int, samples: int) -> list[Words]:
        tokens = self._predictor.tokenize(text)
        if not tokens:
            raise UserError("the text has no word that the model could read")
        found: Sequence[Explanation]
        if method == "lime":
            from xmlcore.explain.methods.lime import lime_surrogates

            found = lime_surrogates(
                tokens,
                self._predictor,
                labels,
                samples=samples,
                top_tokens=words,
                seed=[0],
                batch_size=self._batch_size,
            )
        elif method == "shap":
            from xmlcore.explain.methods.shap import shap_values

            document = ModelTokens(tokens)
            found = shap_values(
                document, self._predictor, labels, evaluations=samples, seed=0, batch_size=self._batch_size
            )
        elif method == "ig":
            from xmlcore.explain.methods.integrated_gradients import integrated_gradients

            steps = max(samples // 10, 10)
            found = integrated_gradients(
                tokens, self._predictor, labels, baseline="unknown", steps=steps, batch_size=self._batch_size
            )
        else:
            raise UserError(f"method: one of {', '.join(get_args(Method))} (is {method!r})")
        return [
            Words(
                self._label(each.label, self._calibration.probabilities(np.array([each.score]))[0]),
                method,
                top_tokens(sum_by_token(each.tokens, each.weights), words),
                each,
            )
            for each in found
        ]

    def _aimed_at(self, label: str | None, goal: Goal, best: Sequence[int], k: int) -> int:
        """Return the id of the label that an attack aims at; the `best` are one more than `k`, if there are as many."""
        beyond = best[k:]
        if goal == "negative" and not beyond:
            raise UserError(f"goal: every label is among the best {k}; give a smaller k")
        aimed = self._id(label) if label is not None else (beyond if goal == "negative" else best)[0]
        if (aimed in best[:k]) == (goal == "negative"):
            raise UserError(
                f"label: {self._reader.shown_labels[aimed]!r} is {'' if goal == 'negative' else 'not '}among the best "
                f"{k}; give another label, or goal {'positive' if goal == 'negative' else 'negative'}"
            )
        return aimed

    @torch.inference_mode()
    def _best(self, texts: Sequence[str], top: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids and the calibrated probabilities of the best `top` labels of `texts`, (N, K) both."""
        k = min(top, self._model.labels)
        encode, most = self._reader.vocabulary.encode, self._reader.max_tokens
        tokens = [np.array(encode(self._reader.tokenize(text)[:most])) for text in texts]
        ids, scores = np.zeros((len(texts), k), np.int64), np.zeros((len(texts), k), np.float32)
        for chosen in batches(np.array([len(each) for each in tokens]), self._batch_size):
            best = self._model(pad([tokens[i] for i in chosen])).topk(k)
            ids[chosen], scores[chosen] = best.indices.cpu(), self._model.probabilities(best.values).cpu()
        return ids, self._calibration.probabilities(scores)

    def _best_id(self, text: str) -> int:
        return int(self._best([text], 1)[0][0, 0])

    def threshold(self, threshold: float | str | None) -> np.ndarray | float:
        """Return the threshold, or that of each label (L,), which `predict` takes; for what it was fitted see there."""
        if threshold is None or not isinstance(threshold, str):
            return threshold or 0.0
        thresholds = self._calibration.thresholds
        try:
            return thresholds.of(threshold.removeprefix("precision="))
        except KeyError:
            reached = [f"precision={wanted}" for wanted, found in thresholds.precision.items() if found is not None]
            known = ", ".join(["micro_f1", "macro_f1", *reached])
            raise UserError(f"threshold: {threshold!r} was not fitted or never reached; known are {known}") from None

    def _label(self, label: int, probability: float) -> Label:
        name = self._reader.label_names[label]
        return Label(name, self._reader.titles.get(name, name), float(probability))

    def _id(self, label: str) -> int:
        """Return the id of a label by its name, or by its title where that is of one label."""
        if label in self._ids:
            return self._ids[label]
        named = [self._ids[name] for name, title in self._reader.titles.items() if title == label and name in self._ids]
        if len(named) != 1:
            raise UserError(
                f"label: {'several are' if named else 'none is'} called {label!r}; give a name of labels.tsv"
            )
        return named[0]


class _OwnVectors:
    """Documents as the attacked model itself sees them."""

    def __init__(self, victim: "Victim") -> None:
        self._victim = victim

    def encode(self, documents: Sequence[Sequence[str]]) -> np.ndarray:
        tokens = pad([self._victim.tokens(words) for words in documents])
        return self._victim.model.document_vectors(tokens).cpu().numpy()


def load_classifier(folder: str | Path, device: str = "cpu") -> TextClassifier:
    """Return the classifier in the model `folder`, which computes on `device`: auto, cpu, cuda or mps.

    Raises `UserError` where there is no such classifier, or no such device.
    """
    return TextClassifier(load_model_folder(Path(folder), choose_device(device)))
