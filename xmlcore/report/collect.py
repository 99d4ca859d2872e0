"""What the stages left on disk, gathered into plain dataclasses; nothing is computed or formatted here."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import NamedTuple, get_args

from xmlcore import layout
from xmlcore.errors import UserError
from xmlcore.params import Generator, Goal
from xmlcore.report.formats import (
    MEND,
    AttackBin,
    AttackBins,
    AttackSummaries,
    Evaluation,
    Importance,
    LabelBin,
    LabelExplanation,
    Ranking,
    SkippedDocument,
    SqueezedEvaluation,
    Statistics,
    Timing,
    Training,
    WordAttack,
    read_curve,
    read_json,
    read_json_lines,
)

BASE, ROBUST = "clean", "adversarial"
PLAIN = "bce"
METHODS = ("shap", "lime", "ig")
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

    evaluations: tuple[Evaluation, ...]  # by rising epsilon, the clean one first
    ranking: Ranking | None  # of the clean test documents
    bins: tuple[LabelBin, ...]  # by rising label frequency
    training: Training | None
    seconds: dict[str, float]  # wall-clock, by stage: train, evaluate_fgsm
    squeezing: tuple[SqueezedEvaluation, ...]
    learning: tuple[tuple[int, float], ...]  # (epoch, validation P@1)
    explanations: dict[str, Explanations]  # by method, of METHODS

    def at(self, epsilon: float) -> Evaluation | None:
        """The evaluation under the attack of strength `epsilon`, None where it was not made."""
        return next((e for e in self.evaluations if math.isclose(e["epsilon"], epsilon, abs_tol=1e-9)), None)

    def explained(self, method: str) -> tuple[LabelExplanation, ...]:
        """The local explanations by `method`, none where it has not run."""
        return self.explanations[method].labels if method in self.explanations else ()


@dataclass(frozen=True)
class Experiment:
    """One model on one corpus with one loss, trained without (`base`) and with (`robust`) adversarial training."""

    corpus: str
    model: str
    loss: str
    base: Run | None
    robust: Run | None

    def runs(self) -> Iterator[tuple[str, Run]]:
        """The trained models that there are, each with the name the tables give it."""
        for name, run in (("Base", self.base), ("Robust", self.robust)):
            if run is not None:
                yield name, run


class Cell(NamedTuple):
    """One trained model, whatever its regime."""

    corpus: str
    model: str
    regime: str
    loss: str


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
    experiments: tuple[Experiment, ...]
    words: dict[Cell, WordAttacks]  # of the models that were so attacked, the clean regime before the others
    clusters: dict[tuple[str, str], tuple[list[str], ...]]  # names of like labels, by corpus and model

    @property
    def corpora(self) -> list[str]:
        """Those that are shown."""
        return [*dict.fromkeys(corpus for corpus, _ in self.statistics)]

    @property
    def attacked(self) -> dict[tuple[str, str], list[Cell]]:
        """The keys of `words` by corpus and model."""
        found: dict[tuple[str, str], list[Cell]] = {}
        for cell in self.words:
            found.setdefault((cell.corpus, cell.model), []).append(cell)
        return found

    def title(self, experiment: Experiment) -> str:
        """The corpus, with the model and the loss where there are several."""
        parts = [experiment.corpus]
        for name in ("model", "loss"):
            if len({getattr(each, name) for each in self.experiments}) > 1:
                parts.append(getattr(experiment, name))
        return " · ".join(parts)


def reference(cells: Sequence[Cell]) -> Cell:
    """The one that others are compared with: clean training with the plain loss, or what comes closest."""
    return min(cells, key=lambda cell: (cell.regime != BASE, cell.loss != PLAIN))


def nearest_epsilon(epsilons: Sequence[float], wanted: float) -> float:
    """The attack of the sweep nearest to `wanted`, of two the stronger; 0 where there is no attack."""
    return min(filter(None, epsilons), key=lambda epsilon: (abs(epsilon - wanted), -epsilon), default=0.0)


def collect(
    root: Path,
    corpora: Sequence[str],
    models: Sequence[str],
    regimes: Sequence[str],
    losses: Sequence[str],
    epsilon: float,
) -> Results:
    """Gather the chosen corpora, models, regimes and losses, then every other corpus that has metrics below `root`.

    Raises:
        UserError: a file is broken, or a chosen corpus was not evaluated at `epsilon`.
    """
    committed = sorted(path.name for path in (root / "metrics").glob("*") if path.is_dir())
    names = [*corpora, *(name for name in committed if name not in corpora)]
    statistics, experiments, words, clusters = {}, [], {}, {}
    for corpus in names:
        chosen = corpus in corpora
        for model in models if chosen else sorted(_folders(root / "metrics" / corpus)):
            place = root / "metrics" / corpus / model
            statistics[corpus, model] = read_json(place / "corpus.json", Statistics)
            trainings = product(regimes, losses) if chosen else _trainings(place)
            words |= _read_words(root, (Cell(corpus, model, *training) for training in trainings))
            if found := read_json(root / layout.targets(corpus, model) / "clusters.json", list[list[str]]):
                clusters[corpus, model] = tuple(found)
            for loss in losses if chosen else sorted(set(chain(*(map(_folders, place.glob("*/")))))):
                runs = {
                    regime: _read_run(root, corpus, model, regime, loss)
                    for regime in (regimes if chosen else (BASE, ROBUST))
                    if (place / regime / loss).is_dir()
                }
                if chosen:
                    for regime, run in runs.items():
                        _require(run, epsilon, place / regime / loss / "fgsm")
                experiments.append(Experiment(corpus, model, loss, runs.get(BASE), runs.get(ROBUST)))
    return Results(epsilon, statistics, tuple(experiments), words, clusters)


def _folders(path: Path) -> Iterator[str]:
    return (child.name for child in path.iterdir() if child.is_dir())


def _trainings(place: Path) -> list[tuple[str, str]]:
    """The regimes and losses of which there are metrics."""
    return sorted((path.parent.name, path.name) for path in place.glob("*/*/"))


def _read_run(root: Path, corpus: str, model: str, regime: str, loss: str) -> Run:
    place = Path(corpus, model, regime, loss)
    metrics, plots = root / "metrics" / place, root / "plots" / place
    return Run(
        evaluations=_read_evaluations(metrics / "fgsm"),
        ranking=read_json(metrics / "ranking.json", Ranking),
        bins=tuple(read_json(plots / "label_bins.json", list[LabelBin]) or ()),
        training=read_json(metrics / "train.json", Training),
        seconds=_read_seconds(root / "timings" / place),
        squeezing=tuple(read_json(plots / "squeezing.json", list[SqueezedEvaluation]) or ()),
        learning=read_curve(plots / "learning" / "plots" / "metrics" / "validation_P@1.tsv"),
        explanations={
            method: found
            for method in METHODS
            if (found := _read_explanations(root / "explanations" / place / method)) is not None
        },
    )


def _read_evaluations(folder: Path) -> tuple[Evaluation, ...]:
    found = [read_json(path, Evaluation) for path in sorted(folder.glob("eps=*.json"))]
    evaluations = sorted((e for e in found if e is not None), key=lambda e: e["epsilon"])
    if evaluations and evaluations[0]["epsilon"] != 0:
        raise UserError(f"{folder}: no clean evaluation (epsilon 0); add 0.0 to fgsm.epsilons and run `dvc repro`")
    return tuple(evaluations)


def _read_seconds(folder: Path) -> dict[str, float]:
    timings = {path.stem: read_json(path, Timing) for path in sorted(folder.glob("*.json"))}
    return {stage: timing["seconds"] for stage, timing in timings.items() if timing}


def _read_explanations(folder: Path) -> Explanations | None:
    if not folder.is_dir():
        return None
    path = folder / "explanations.json"
    entries = read_json(path, list[SkippedDocument | LabelExplanation]) or []
    labels = tuple(entry for entry in entries if "tokens" in entry)
    if any(len(label["tokens"]) != len(label["weights"]) for label in labels):
        raise UserError(f"{path}: as many weights as tokens expected; {MEND}")
    importances = tuple(read_json(folder / "global.json", list[Importance]) or ())
    return Explanations(tuple(sorted(folder.glob("document-*.html"))), labels, importances)


def _read_words(root: Path, cells: Iterable[Cell]) -> dict[Cell, WordAttacks]:
    """What word attacks left of `cells`, if anything."""
    attacks = {cell: _read_word_attacks(root, cell) for cell in sorted(cells, key=lambda cell: cell.regime != BASE)}
    return {cell: found for cell, found in attacks.items() if found.summaries or found.bins or found.successes}


def _read_word_attacks(root: Path, cell: Cell) -> WordAttacks:
    summaries = read_json(root / layout.metrics(*cell, "words.json"), AttackSummaries) or {}
    bins = read_json(root / layout.plots(*cell) / "words.json", AttackBins) or []
    attacks = _read_attacks(root / layout.attacks(*cell) / "attacks.jsonl")
    return WordAttacks(
        summaries={
            goal: {each: summaries[goal][each] for each in GENERATORS if each in summaries[goal]}
            for goal in GOALS
            if goal in summaries
        },
        bins=tuple(sorted(bins, key=lambda row: row["lowest"])),
        successes=tuple(attack for attack in attacks if attack["success"]),
    )


def _read_attacks(path: Path) -> Iterator[WordAttack]:
    for number, attack in enumerate(read_json_lines(path, WordAttack), 1):
        if not len(attack["labels"]) == len(attack["ranks_before"]) == len(attack["ranks_after"]):
            raise UserError(f"{path}: line {number}: as many ranks as labels expected; {MEND}")
        if any(change["position"] >= len(attack["words"]) for change in attack["changes"]):
            raise UserError(f"{path}: line {number}: a change is beyond the last word; {MEND}")
        yield attack


def _require(run: Run, epsilon: float, folder: Path) -> None:
    if run.evaluations and run.at(epsilon) is None:
        values = ", ".join(str(e["epsilon"]) for e in run.evaluations)
        raise UserError(
            f"params.yaml: report.epsilon is {epsilon}, but {folder} was evaluated at {values}: "
            "choose one of these or add it to fgsm.epsilons"
        )
