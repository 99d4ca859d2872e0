"""Gathers what the stages left of the listed trainings into `Results`; nothing is formatted here."""

from collections.abc import Collection, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import TypeGuard

from xmlcore.attacks.words.results import AttackBins, AttackSummaries, WordAttack
from xmlcore.common import paths
from xmlcore.common.errors import UserError
from xmlcore.common.timing import Timing
from xmlcore.config.architectures import BASELINES
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
from xmlcore.explain.results import (
    Faithfulness,
    GalleryEntry,
    Importance,
    LabelExplanation,
    SkippedDocument,
    Stability,
)
from xmlcore.explain.study.stability import read_study, stability
from xmlcore.ranking.calibration import CalibrationFigures
from xmlcore.ranking.results import LabelBin, Ranking
from xmlcore.report.reading import MEND, read_curve, read_json, read_json_lines
from xmlcore.report.results import (
    BASE,
    GENERATORS,
    GOALS,
    METHODS,
    ROBUST,
    TEXTS,
    Cell,
    Experiment,
    Explanations,
    Results,
    Run,
    Stack,
    WordAttacks,
)
from xmlcore.training.results import Training


def nearest_epsilon(epsilons: Sequence[float], wanted: float) -> float:
    """Return the attack strength of `epsilons` nearest to `wanted`, of two the greater; 0 where there is no attack."""
    return min(filter(None, epsilons), key=lambda epsilon: (abs(epsilon - wanted), -epsilon), default=0.0)


def collect(
    root: Path,
    corpora: Sequence[str],
    models: Sequence[str],
    regimes: Sequence[str],
    losses: Sequence[str],
    epsilon: float,
    simulated: Collection[str] = (),
) -> Results:
    """Gather what lies below `root` of every listed corpus, model, regime and loss, and of the linear classifiers.

    Raises:
        UserError: a file is broken, or a listed training was not evaluated at `epsilon`.
    """
    statistics: dict[tuple[str, str], Statistics | None] = {}
    runs: dict[Cell, Run] = {}
    experiments: list[Experiment] = []
    words: dict[Cell, WordAttacks] = {}
    clusters: dict[tuple[str, str], tuple[list[str], ...]] = {}
    stacks = {corpus: stack for corpus in corpora if (stack := _read_stack(root / paths.stacked(corpus)))}
    for corpus, model in product(corpora, [*models, *BASELINES]):
        cells = _cells(corpus, model, regimes, losses)
        trained = [cell for cell in cells if (root / paths.RESULTS / Path(*cell)).is_dir()]
        found = {cell: _read_run(root, cell, cells[0]) for cell in trained}
        for cell, run in found.items():
            _require(run, epsilon, root / paths.results(*cell, "evaluate"))
        if not found:
            continue
        statistics[corpus, model] = next((run.statistics for run in found.values() if run.statistics), None)
        runs |= found
        experiments += [_experiment(found, corpus, model, loss) for loss in losses if model in models]
        words |= _read_words(root, cells)
        attacked = (root / paths.results(*cell, "attack_words") for cell in found)
        named = (read_json(folder / "clusters.json", list[list[str]]) for folder in attacked)
        if names := next(filter(None, named), None):
            clusters[corpus, model] = tuple(names)
    return Results(epsilon, statistics, runs, tuple(experiments), words, clusters, stacks, frozenset(simulated))


def _read_stack(folder: Path) -> Stack | None:
    ranking = read_json(folder / "ranking.json", Ranking)
    if ranking is None:
        return None
    timing = read_json(folder / "timing.json", Timing)
    bins = tuple(read_json(folder / "label_bins.json", list[LabelBin]) or ())
    return Stack(ranking, bins, {"train": timing["seconds"]} if timing else {})


def _cells(corpus: str, model: str, regimes: Sequence[str], losses: Sequence[str]) -> list[Cell]:
    """Return the trainings of `model`, the reference first; the linear classifier has one."""
    if model in BASELINES:
        return [Cell(corpus, *paths.LINEAR)]
    return [Cell(corpus, model, regime, loss) for loss, regime in product(losses, regimes)]


def _experiment(runs: dict[Cell, Run], corpus: str, model: str, loss: str) -> Experiment:
    base, robust = (runs.get(Cell(corpus, model, regime, loss)) for regime in (BASE, ROBUST))
    return Experiment(corpus, model, loss, base, robust)


def _read_run(root: Path, cell: Cell, reference: Cell) -> Run:
    def place(stage: str) -> Path:
        return root / paths.results(*cell, stage)

    evaluated, explained = place("evaluate"), place("explain")
    return Run(
        statistics=read_json(evaluated / "corpus.json", Statistics),
        evaluations=_read_evaluations(evaluated / "fgsm.json"),
        of_sizes=_read_evaluations(evaluated / "relative_sizes.json"),
        ranking=read_json(evaluated / "ranking.json", Ranking),
        calibration=read_json(evaluated / "calibration.json", CalibrationFigures),
        bins=tuple(read_json(evaluated / "label_bins.json", list[LabelBin]) or ()),
        training=read_json(place("train") / "training.json", Training),
        seconds={
            stage: timing["seconds"]
            for stage in ("train", "evaluate", "explain", "attack_embeddings", "certify", "smooth", "attack_words")
            if (timing := read_json(place(stage) / "timing.json", Timing))
        },
        squeezing=tuple(read_json(evaluated / "squeezing.json", list[SqueezedEvaluation]) or ()),
        learning=read_curve(place("train") / "learning" / "plots" / "metrics" / "validation_P@1.tsv"),
        explanations={
            method: found for method in METHODS if (found := _read_explanations(explained / method)) is not None
        },
        sanity=read_json(place("attack_embeddings") / "checks.json", Sanity),
        worst_case=read_json(place("attack_embeddings") / "worst_case.json", WorstCase),
        certification=read_json(place("certify") / "certified.json", Certification),
        smoothed=read_json(place("smooth") / "smoothed.json", dict[SmoothingWay, Smoothed]),
        attacks=tuple(
            sorted(
                read_json(place("attack_embeddings") / "curves.json", list[AttackPoint]) or (),
                key=lambda point: point["epsilon"],
            )
        ),
        faithfulness=read_json(explained / "study" / "faithfulness.json", Faithfulness),
        explaining=read_json(explained / "timing.json", dict[str, float]) or {},
        stability=_read_stability(root, cell, reference),
        gallery=_read_gallery(place("explain_attacks") / "gallery.json"),
    )


def _read_stability(root: Path, cell: Cell, reference: Cell) -> Stability | None:
    """Return the stability that `explain` measured under attack, and how far the study agrees with the `reference`."""
    study, other = (root / paths.results(*each, "explain") / "study" for each in (cell, reference))
    found = read_json(study / "stability.json", Stability)
    if found and cell != reference and other.is_dir():
        found["reference"] = stability(read_study(study / "clean.json"), read_study(other / "clean.json"))
    return found


def _read_evaluations(path: Path) -> tuple[Evaluation, ...]:
    evaluations = sorted(read_json(path, list[Evaluation]) or (), key=lambda evaluation: evaluation["epsilon"])
    if evaluations and evaluations[0]["epsilon"] != 0:
        raise UserError(f"{path}: no clean evaluation (epsilon 0); {MEND}")
    return tuple(evaluations)


def _read_explanations(folder: Path) -> Explanations | None:
    if not folder.is_dir():
        return None
    path = folder / "explanations.json"
    entries = read_json(path, list[SkippedDocument | LabelExplanation]) or []
    labels = tuple(filter(_is_explained, entries))
    if any(len(label["tokens"]) != len(label["weights"]) for label in labels):
        raise UserError(f"{path}: as many weights as tokens expected; {MEND}")
    importances = tuple(read_json(folder / "global.json", list[Importance]) or ())
    return Explanations(tuple(sorted(folder.glob("document-*.html"))), labels, importances)


def _is_explained(entry: SkippedDocument | LabelExplanation) -> TypeGuard[LabelExplanation]:
    return "tokens" in entry


def _read_gallery(path: Path) -> tuple[GalleryEntry, ...]:
    entries = read_json(path, list[GalleryEntry]) or []
    for number, entry in enumerate(entries):
        for text in (entry["texts"][name] for name in TEXTS):
            length = len(text["tokens"])
            if any(len(weights) != length for weights in text["weights"].values()):
                raise UserError(f"{path}: {number}: as many weights as tokens expected; {MEND}")
            if any(position >= length for position in text["changed"]):
                raise UserError(f"{path}: {number}: a changed position is beyond the last token; {MEND}")
    return tuple(entries)


def _read_words(root: Path, cells: Sequence[Cell]) -> dict[Cell, WordAttacks]:
    """Read the results of the word attacks on `cells`, where there are any, the clean regime before the others."""
    attacks = {cell: _read_word_attacks(root, cell) for cell in sorted(cells, key=lambda cell: cell.regime != BASE)}
    return {cell: found for cell, found in attacks.items() if found.summaries or found.bins or found.successes}


def _read_word_attacks(root: Path, cell: Cell) -> WordAttacks:
    folder = root / paths.results(*cell, "attack_words")
    summaries = read_json(folder / "summary.json", AttackSummaries) or {}
    bins = read_json(folder / "by_frequency.json", AttackBins) or []
    attacks = _read_attacks(folder / "attacks.jsonl")
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
