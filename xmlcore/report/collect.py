"""What the stages left on disk, gathered into `Results`; nothing is computed or formatted here."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path

from pydantic import FiniteFloat

from xmlcore.attacks.words.results import AttackBins, AttackSummaries, WordAttack
from xmlcore.common import paths
from xmlcore.common.errors import UserError
from xmlcore.common.timing import Timing
from xmlcore.data.dataset import Statistics
from xmlcore.evaluation.results import AttackPoint, Evaluation, Sanity, SqueezedEvaluation
from xmlcore.explain.results import Faithfulness, GalleryEntry, Importance, LabelExplanation, SkippedDocument, Stability
from xmlcore.ranking.results import LabelBin, Ranking
from xmlcore.report.reading import MEND, read_curve, read_json, read_json_lines
from xmlcore.report.results import (
    BASE,
    GENERATORS,
    GOALS,
    METHODS,
    ROBUST,
    Cell,
    Experiment,
    Explanations,
    Results,
    Run,
    WordAttacks,
)
from xmlcore.training.results import Training


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
    statistics, runs, experiments, words, clusters = {}, {}, [], {}, {}
    for corpus in names:
        chosen = corpus in corpora
        for model in models if chosen else sorted(_folders(root / "metrics" / corpus)):
            place = root / "metrics" / corpus / model
            statistics[corpus, model] = read_json(place / "corpus.json", Statistics)
            trainings = [*product(losses, regimes)] if chosen else _trainings(place)
            cells = [Cell(corpus, model, regime, loss) for loss, regime in trainings]
            found = {cell: _read_run(root, cell) for cell in cells if (place / cell.regime / cell.loss).is_dir()}
            if chosen:
                for cell, run in found.items():
                    _require(run, epsilon, place / cell.regime / cell.loss / "fgsm")
            runs |= found
            experiments += [_experiment(found, corpus, model, loss) for loss in dict.fromkeys(c.loss for c in cells)]
            words |= _read_words(root, cells)
            if names_of := read_json(root / paths.targets(corpus, model) / "clusters.json", list[list[str]]):
                clusters[corpus, model] = tuple(names_of)
    return Results(epsilon, statistics, runs, tuple(experiments), words, clusters)


def _experiment(runs: dict[Cell, Run], corpus: str, model: str, loss: str) -> Experiment:
    base, robust = (runs.get(Cell(corpus, model, regime, loss)) for regime in (BASE, ROBUST))
    return Experiment(corpus, model, loss, base, robust)


def _folders(path: Path) -> Iterator[str]:
    return (child.name for child in path.iterdir() if child.is_dir())


def _trainings(place: Path) -> list[tuple[str, str]]:
    """The losses and regimes of which there are metrics, the clean regime before the others."""
    found = [(path.name, path.parent.name) for path in place.glob("*/*/")]
    return sorted(found, key=lambda training: (training[0], training[1] != BASE, training[1]))


def _read_run(root: Path, cell: Cell) -> Run:
    metrics, plots = root / paths.metrics(*cell), root / paths.plots(*cell)
    explanations = root / paths.explanations(*cell)
    return Run(
        evaluations=_read_evaluations(metrics / "fgsm"),
        ranking=read_json(metrics / "ranking.json", Ranking),
        bins=tuple(read_json(plots / "label_bins.json", list[LabelBin]) or ()),
        training=read_json(metrics / "train.json", Training),
        seconds=_read_seconds(root / paths.timings(*cell)),
        squeezing=tuple(read_json(plots / "squeezing.json", list[SqueezedEvaluation]) or ()),
        learning=read_curve(plots / "learning" / "plots" / "metrics" / "validation_P@1.tsv"),
        explanations={
            method: found for method in METHODS if (found := _read_explanations(explanations / method)) is not None
        },
        sanity=read_json(metrics / "sanity.json", Sanity),
        attacks=tuple(
            sorted(read_json(plots / "attacks.json", list[AttackPoint]) or (), key=lambda point: point["epsilon"])
        ),
        faithfulness=read_json(metrics / "faithfulness.json", Faithfulness),
        explaining=read_json(root / paths.timings(*cell) / "measure_explanations.json", dict[str, FiniteFloat]) or {},
        stability=read_json(metrics / "stability.json", Stability),
        gallery=_read_gallery(explanations / "gallery.json"),
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


def _read_gallery(path: Path) -> tuple[GalleryEntry, ...]:
    entries = read_json(path, list[GalleryEntry]) or []
    for number, entry in enumerate(entries):
        for text in entry["texts"].values():
            length = len(text["tokens"])
            if any(len(weights) != length for weights in text["weights"].values()):
                raise UserError(f"{path}: {number}: as many weights as tokens expected; {MEND}")
            if any(position >= length for position in text["changed"]):
                raise UserError(f"{path}: {number}: a changed position is beyond the last token; {MEND}")
    return tuple(entries)


def _read_words(root: Path, cells: Iterable[Cell]) -> dict[Cell, WordAttacks]:
    """What word attacks left of `cells`, if anything."""
    attacks = {cell: _read_word_attacks(root, cell) for cell in sorted(cells, key=lambda cell: cell.regime != BASE)}
    return {cell: found for cell, found in attacks.items() if found.summaries or found.bins or found.successes}


def _read_word_attacks(root: Path, cell: Cell) -> WordAttacks:
    summaries = read_json(root / paths.metrics(*cell, "words.json"), AttackSummaries) or {}
    bins = read_json(root / paths.plots(*cell) / "words.json", AttackBins) or []
    attacks = _read_attacks(root / paths.attacks(*cell) / "attacks.jsonl")
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
