"""The first table: what every trained model is worth, and what it costs."""

from math import isclose

from xmlcore.config.params import format_epsilon
from xmlcore.explain.results import Method
from xmlcore.report.results import Results, Run
from xmlcore.report.sections.attack_checks import outcome
from xmlcore.report.sections.faithfulness import EXPLAINERS
from xmlcore.report.table import MISSING, NAMES, NOT_APPLICABLE, Column, Table, figure, percent, seconds, verdict

SHOWN: tuple[Method, ...] = ("lime", "shap", "ig")
ABOUT = (
    "P@k is the share of true labels among the first k predictions, PSP@5 the same with rare labels weighing more. "
    "FGSM and clean figures are of all test documents, the worst of all attacks is of those that were attacked until "
    "they fell.",
    "Normalised AOPC says how much of a label's score goes with the words that a method names: 1 would be all of it "
    "as soon as possible. A dash means that it was not measured, or not at this ε. Attacks on embeddings do not apply "
    "to what has none, as the linear classifier: it is not robust for that, and attacks on words do apply.",
)


def overview(results: Results) -> Table:
    """Tabulate the accuracy, robustness, faithfulness and cost of every trained model."""
    rows = tuple(
        (
            *cell,
            *_accuracy(run),
            *(_robustness(run, results.epsilon) if cell.has_embeddings else [NOT_APPLICABLE] * 3),
            *(_faithfulness(run, method) for method in SHOWN),
            seconds(run.seconds.get("train")),
        )
        for cell, run in results.runs.items()
    )
    columns = (
        *map(Column, NAMES),
        *(Column(name, "Accuracy, clean (%)") for name in ("P@1", "P@5", "PSP@5")),
        Column("FGSM", f"P@1 (%) at ε = {format_epsilon(results.epsilon)}"),
        Column("Worst of all", f"P@1 (%) at ε = {format_epsilon(results.epsilon)}"),
        Column("Checks", "Sanity"),
        *(Column(EXPLAINERS[method], "Faithfulness: normalised AOPC") for method in SHOWN),
        Column("Training, s", "Cost"),
    )
    return Table("Every trained model", columns, rows, row_headers=len(NAMES))


def _accuracy(run: Run) -> tuple[str, str, str]:
    if run.ranking:
        return percent(run.ranking["P@1"]), percent(run.ranking["P@5"]), percent(run.ranking["PSP@5"])
    clean = run.at(0)
    return (percent(clean["P@1"]), percent(clean["P@5"]), MISSING) if clean else (MISSING, MISSING, MISSING)


def _robustness(run: Run, epsilon: float) -> tuple[str, str, str]:
    evaluation = run.at(epsilon)
    fgsm = percent(evaluation["P@1"]) if evaluation else MISSING
    found = run.worst_case
    comparable = found is not None and isclose(found["epsilon"], epsilon, abs_tol=1e-9)
    worst = percent(found["worst"]["mean"] if found and comparable else None)
    if not run.sanity:
        return fgsm, worst, MISSING
    failed, made = outcome(run.sanity)
    return fgsm, worst, verdict(not failed, f"all {made} hold", f"{failed} of {made} fail")


def _faithfulness(run: Run, method: Method) -> str:
    found = run.faithfulness["methods"].get(method) if run.faithfulness else None
    naopc = found["masking"]["naopc"] if found else None
    return figure(naopc and naopc["mean"])
