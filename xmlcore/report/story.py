"""What a reader with two minutes sees first: what was trained, one picture, one document, findings, and doubts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import sqrt
from statistics import fmean
from typing import TYPE_CHECKING

from xmlcore.config.params import format_epsilon
from xmlcore.data.dataset import Statistics
from xmlcore.explain.results import LabelExplanation
from xmlcore.explain.token_weights import sum_by_token, top_tokens
from xmlcore.report.drawing import PAGE_COLOUR, Figure, draw_panels
from xmlcore.report.results import BASE, ROBUST, Experiment, Results, Run
from xmlcore.report.sections.attack_checks import outcome
from xmlcore.report.sections.gap import clean, gap_reduction, measured
from xmlcore.report.table import NOT_APPLICABLE, Column, Fails, Table, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = 4  # of the picture, at most
HEAVIEST = 5  # words that the agreement of LIME and SHAP is about
COLOURS = {"Base": "#3d85d6", "Robust": "#e07b28"}
NAMES = {"Base": "trained clean", "Robust": "trained adversarially"}


@dataclass(frozen=True)
class MarkedToken:
    text: str
    weight: float
    strength: float  # absolute weight as a share of the largest of the document


@dataclass(frozen=True)
class MarkedDocument:
    """One document as two explainers see one label of it."""

    title: str
    label: str
    true_labels: tuple[str, ...]
    readings: tuple[tuple[str, tuple[MarkedToken, ...]], ...]  # (method, the whole text)


def trained(results: Results) -> str:
    """Return one sentence on the corpora, the models and their training."""
    corpora = [
        f"{corpus} ({counts['train_documents'] + counts['validation_documents']:,} training documents, "
        f"{counts['test_documents']:,} to test on, {counts['labels']:,} labels)"
        for corpus, counts in _sizes(results)
    ]
    networks = [cell for cell in results.runs if cell.has_embeddings]
    models = [*dict.fromkeys(cell.model for cell in networks)]
    regimes = {BASE: "clean", ROBUST: "adversarially"}
    ways = [*dict.fromkeys(regimes.get(cell.regime, cell.regime) for cell in networks)]
    return f"On {_listed(corpora)}, {_listed(models)} was trained {_listed(ways)}, attacked and explained."


def picture(results: Results) -> list[Figure]:
    """Draw P@1 against the strength of the attack, a panel for each of the first experiments."""
    shown = [each for each in results.experiments if any(len(run.evaluations) > 1 for _, run in each.runs())][:PANELS]
    if not shown:
        return []
    panels = [(results.title(experiment), partial(_paint, experiment=experiment)) for experiment in shown]
    caption = "P@1 against the strength ε of the attack (FGSM), trained clean and trained adversarially"
    return [draw_panels("p1-against-epsilon", caption, panels)]


def table(results: Results) -> Table:
    """Tabulate the main figures of every trained model: P@k, and P@1 under attack with its gap."""
    rows = tuple(
        (
            *cell,
            *(percent(clean(run, f"P@{k}")) for k in (1, 3, 5)),
            *(
                percent(measured(run, results.epsilon, key)) if cell.has_embeddings else NOT_APPLICABLE
                for key in ("P@1", "gap@1")
            ),
        )
        for cell, run in results.runs.items()
    )
    columns = ("Corpus", "Model", "Regime", "Loss", "P@1", "P@3", "P@5", "P@1 attacked", "Gap")
    attack = f"attacked by FGSM at ε = {format_epsilon(results.epsilon)}"
    return Table(f"Test documents (%), clean and {attack}", tuple(map(Column, columns)), rows, row_headers=4)


def marked_document(results: Results) -> MarkedDocument | None:
    """Return the first explained document of the first training, its best label marked by SHAP and by LIME."""
    for cell, run in results.runs.items():
        shap, lime = run.explained("shap"), run.explained("lime")
        if shap and (same := [each for each in lime if _prediction(each) == _prediction(shap[0])]):
            tokens = shap[0]["tokens"]
            by_word = dict(zip(same[0]["tokens"], same[0]["weights"], strict=True))
            return MarkedDocument(
                title=f"{cell.title}, test document {shap[0]['document']}",
                label=shap[0]["label_name"],
                true_labels=tuple(shap[0]["true_labels"]),
                readings=(
                    ("LIME", _marked(tokens, [by_word.get(token, 0.0) for token in tokens])),
                    ("SHAP", _marked(tokens, shap[0]["weights"])),
                ),
            )
    return None


def findings(results: Results) -> list[str]:
    """Return at most three sentences: what adversarial training gains, what it costs, what explains predictions."""
    return [*_gain(results), *_cost(results), *_words(results)]


def doubts(results: Results) -> list[str]:
    """Return what a reader should distrust in these results, and why."""
    found = []
    if simulated := [corpus for corpus in results.corpora if corpus in results.simulated]:
        found.append(f"{_listed(simulated)}: simulated, so small that it runs in minutes; no claim about real texts.")
    smallest = min((counts["test_documents"] for _, counts in _sizes(results)), default=0)
    if smallest:
        error = 100 * sqrt(0.25 / smallest)
        found.append(f"{smallest:,} test documents: P@1 has a standard error of up to {error:.1f} points.")
    found += _behind(results)
    checked = [run.sanity for run in results.runs.values() if run.sanity]
    failed = sum(outcome(each)[0] for each in checked)
    if not checked:
        found.append(
            "FGSM takes one step, and flatters: stronger attacks (PGD) were not tried here; "
            "list models in robustness.models, or run make study."
        )
    elif failed:
        made = sum(outcome(each)[1] for each in checked)
        found.append(Fails(f"✗ {failed} of {made} checks of the attacks fail: see below, “Checks of the attacks”."))
    if not any(run.faithfulness for run in results.runs.values()):
        found.append("Explanations were not measured: list models in explain.study.models, or run make study.")
    return found


def _behind(results: Results) -> Iterator[str]:
    """Yield a sentence for each corpus on which no trained model is as good as the linear classifier."""
    for corpus, linear in results.baselines.items():
        networks = [run for cell, run in results.runs.items() if cell.corpus == corpus and cell.has_embeddings]
        best = max((run.ranking["P@1"] for run in networks if run.ranking), default=None)
        if best is not None and linear.ranking and best < linear.ranking["P@1"]:
            yield (
                f"{corpus}: a linear classifier on tf-idf is ahead, P@1 {percent(linear.ranking['P@1'])} against "
                f"{percent(best)} %."
            )


def _sizes(results: Results) -> Iterator[tuple[str, Statistics]]:
    for (corpus, _), counts in {key[0]: (key, value) for key, value in results.statistics.items()}.values():
        if counts:
            yield corpus, counts


def _gain(results: Results) -> Iterator[str]:
    epsilon = format_epsilon(results.epsilon)
    parts = []
    for experiment in results.experiments[:PANELS]:
        reduction = gap_reduction(experiment, results.epsilon)
        if reduction is None:
            continue
        before, after = (
            f"{percent(measured(run, 0, 'P@1'))} to {percent(measured(run, results.epsilon, 'P@1'))} %"
            for run in (experiment.base, experiment.robust)
        )
        change = f"a gap {abs(100 * reduction):.0f} % {'smaller' if reduction >= 0 else 'larger'}"
        parts.append(f"on {results.title(experiment)} from {before}, trained adversarially from {after}, {change}")
    if parts:
        yield f"An attack of ε = {epsilon} takes P@1 {'; '.join(parts)}."


def _cost(results: Results) -> Iterator[str]:
    parts = []
    for experiment in results.experiments[:PANELS]:
        base, robust = (measured(run, 0, "P@1") for run in (experiment.base, experiment.robust))
        if base is not None and robust is not None:
            parts.append(f"{100 * (robust - base):+.1f} points on {results.title(experiment)}")
    if parts:
        yield f"Adversarial training changes P@1 without an attack by {_listed(parts)}."


def _words(results: Results) -> Iterator[str]:
    shared, example = [], ""
    for run in results.runs.values():
        for shap, lime in _pairs(run):
            words = [_heaviest(each) for each in (shap, lime)]
            both = [word for word in words[0] if word in words[1]]
            shared.append(len(both))
            if both and not example:
                example = f", for {shap['label_name']} {_listed([f'“{word}”' for word in both[:3]])}"
    if shared:
        yield (
            f"LIME and SHAP agree on {fmean(shared):.1f} of their {HEAVIEST} heaviest words{example} "
            f"({len(shared):,} predictions)."
        )


def _pairs(run: Run) -> Iterator[tuple[LabelExplanation, LabelExplanation]]:
    by_lime = {_prediction(each): each for each in run.explained("lime")}
    for shap in run.explained("shap"):
        if lime := by_lime.get(_prediction(shap)):
            yield shap, lime


def _prediction(explanation: LabelExplanation) -> tuple[int, str]:
    return explanation["document"], explanation["label_name"]


def _heaviest(explanation: LabelExplanation) -> list[str]:
    weights = sum_by_token(explanation["tokens"], explanation["weights"])
    return [token for token, _ in top_tokens(weights, HEAVIEST)]


def _marked(tokens: Sequence[str], weights: Sequence[float]) -> tuple[MarkedToken, ...]:
    largest = max(map(abs, weights), default=0.0) or 1.0
    return tuple(MarkedToken(token, w, abs(w) / largest) for token, w in zip(tokens, weights, strict=True))


def _paint(axes: "Axes", experiment: Experiment) -> None:
    for name, run in experiment.runs():
        strengths = [each["epsilon"] for each in run.evaluations]
        shares = [100 * each["P@1"] for each in run.evaluations]
        axes.plot(strengths, shares, marker="o", color=COLOURS[name], label=NAMES[name])
    axes.set_xlabel("ε")
    axes.set_ylabel("P@1 (%)")
    axes.set_ylim(bottom=0, top=100)
    axes.grid(color=PAGE_COLOUR, alpha=0.15)


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
