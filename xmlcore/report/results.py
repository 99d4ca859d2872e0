"""Everything that the report shows, as plain dataclasses; `collect` fills them, nothing is formatted here."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from xmlcore.attacks.words.results import AttackBin, AttackSummaries, WordAttack
from xmlcore.config.architectures import BASELINES
from xmlcore.config.params import Generator, Goal
from xmlcore.data.dataset import Statistics
from xmlcore.evaluation.results import (
    AttackPoint,
    Certification,
    Evaluation,
    Sanity,
    Smoothed,
    SmoothingWay,
    SqueezedEvaluation,
    WorstCase,
)
from xmlcore.explain.results import Faithfulness, GalleryEntry, Importance, LabelExplanation, Stability
from xmlcore.ranking.calibration import CalibrationFigures
from xmlcore.ranking.results import LabelBin, Ranking
from xmlcore.training.results import Training

BASE, ROBUST = "clean", "adversarial"
PLAIN = "bce"
METHODS = ("shap", "lime", "ig")
TEXTS: tuple[Literal["original", "attacked"], ...] = ("original", "attacked")  # of an entry of the gallery
GOALS: tuple[Goal, ...] = get_args(Goal)
GENERATORS: tuple[Generator, ...] = get_args(Generator)


@dataclass(frozen=True)
class Explanations:
    """One folder of explanations: its HTML pages, its data and, for SHAP, the global importances."""

    pages: tuple[Path, ...]
    labels: tuple[LabelExplanation, ...]
    importances: tuple[Importance, ...]


@dataclass(frozen=True)
class Run:
    """One trained model; a part is None or empty where its stage has left nothing."""

    statistics: Statistics | None  # of the corpus as the model reads it
    evaluations: tuple[Evaluation, ...]  # by rising epsilon, the clean one first
    of_sizes: tuple[Evaluation, ...]  # by rising relative size, the clean one first
    ranking: Ranking | None  # of the clean test documents
    calibration: CalibrationFigures | None
    bins: tuple[LabelBin, ...]  # by rising label frequency
    training: Training | None
    seconds: dict[str, float]  # wall-clock, by stage
    squeezing: tuple[SqueezedEvaluation, ...]
    learning: tuple[tuple[int, float], ...]  # (epoch, validation P@1)
    explanations: dict[str, Explanations]  # by method, of METHODS
    sanity: Sanity | None
    worst_case: WorstCase | None
    certification: Certification | None
    smoothed: dict[SmoothingWay, Smoothed] | None
    attacks: tuple[AttackPoint, ...]  # by rising epsilon
    faithfulness: Faithfulness | None
    explaining: dict[str, float]  # wall-clock seconds of one explanation, by method
    stability: Stability | None
    gallery: tuple[GalleryEntry, ...]

    def at(self, epsilon: float) -> Evaluation | None:
        """Return the evaluation under the attack of strength `epsilon`, None where it was not made."""
        return next((e for e in self.evaluations if math.isclose(e["epsilon"], epsilon, abs_tol=1e-9)), None)

    def explained(self, method: str) -> tuple[LabelExplanation, ...]:
        """Return the local explanations by `method`, none where it has not run."""
        return self.explanations[method].labels if method in self.explanations else ()


@dataclass(frozen=True)
class Stack:
    """A weighted mean of the classifiers of a corpus; the parts are those of a `Run`."""

    ranking: Ranking | None
    bins: tuple[LabelBin, ...]
    seconds: dict[str, float]


class Cell(NamedTuple):
    """One trained model: a cell in the matrix of corpora, models, regimes and losses."""

    corpus: str
    model: str
    regime: str
    loss: str

    @property
    def title(self) -> str:
        """The four names, as captions give them."""
        return " · ".join(self)

    @property
    def has_embeddings(self) -> bool:
        """Whether attacks on embeddings, and explanations by gradients, apply to the model."""
        return self.model not in BASELINES


@dataclass(frozen=True)
class Experiment:
    """One model on one corpus with one loss, trained without (`base`) and with (`robust`) adversarial training."""

    corpus: str
    model: str
    loss: str
    base: Run | None
    robust: Run | None

    def runs(self) -> Iterator[tuple[str, Run]]:
        """Yield the trained models that there are, each after the name that the tables give it."""
        for name, run in (("Base", self.base), ("Robust", self.robust)):
            if run is not None:
                yield name, run


@dataclass(frozen=True)
class WordAttacks:
    """Attacks on one trained model that substitute words; a part is empty where its stage has left nothing."""

    summaries: AttackSummaries  # goals and generators in the order of `GOALS` and `GENERATORS`
    bins: tuple[AttackBin, ...]  # by rising label frequency
    successes: tuple[WordAttack, ...]


@dataclass(frozen=True)
class Results:
    """Everything that the report shows, `epsilon` being the attack strength of its main tables."""

    epsilon: float
    statistics: dict[tuple[str, str], Statistics | None]  # by corpus and model, which reads it its way
    runs: dict[Cell, Run]  # every trained model, those of one corpus together
    experiments: tuple[Experiment, ...]
    words: dict[Cell, WordAttacks]  # of the models that were so attacked, the clean regime before the others
    clusters: dict[tuple[str, str], tuple[list[str], ...]]  # names of like labels, by corpus and model
    stacks: dict[str, Stack]  # by corpus
    simulated: frozenset[str] = frozenset()  # corpora that are no real ones

    @property
    def corpora(self) -> list[str]:
        """The corpora that are shown."""
        return [*dict.fromkeys(corpus for corpus, _ in self.statistics)]

    @property
    def baselines(self) -> dict[str, Run]:
        """The linear classifiers, by corpus, with which networks are compared."""
        return {cell.corpus: run for cell, run in self.runs.items() if not cell.has_embeddings}

    @property
    def attacked(self) -> dict[tuple[str, str], list[Cell]]:
        """The keys of `words` by corpus and model."""
        found: dict[tuple[str, str], list[Cell]] = {}
        for cell in self.words:
            found.setdefault((cell.corpus, cell.model), []).append(cell)
        return found

    def title(self, experiment: Experiment) -> str:
        """Return the corpus of `experiment`, with the model and the loss where there are several."""
        parts = [experiment.corpus]
        for name in ("model", "loss"):
            if len({getattr(each, name) for each in self.experiments}) > 1:
                parts.append(getattr(experiment, name))
        return " · ".join(parts)


def reference(cells: Sequence[Cell]) -> Cell:
    """Return the cell that others are compared with: clean training with the plain loss, or what comes closest."""
    return min(cells, key=lambda cell: (cell.regime != BASE, cell.loss != PLAIN))
