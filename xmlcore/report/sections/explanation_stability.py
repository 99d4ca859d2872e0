"""Whether explanations stay the same: under attack, and from the reference model to another."""

from xmlcore.explain.results import Drift
from xmlcore.report.results import Results
from xmlcore.report.sections.faithfulness import EXPLAINERS, in_order
from xmlcore.report.table import NAMES, Column, Table, interval

ABOUT = (
    "Two explanations of the same document and label are compared: by the rank correlation of all weights, and by the "
    "overlap (Jaccard index) of the heaviest words; 1 is no change, with confidence intervals in brackets. The input "
    "is moved by FGSM, or another model than the reference (the first regime with the first loss) explains it. "
    "Explanations that drift under an attack, too weak for a reader to see, cannot be shown as reasons.",
)


def stability(results: Results) -> Table:
    """Tabulate every method on every model: rank correlation of all weights, and overlap of the heaviest words."""
    rows = tuple(
        (
            *cell,
            EXPLAINERS[method],
            f"{found['documents']:,}",
            *_intervals(found["attacked"].get(method)),
            *_intervals(references.get(method)),
        )
        for cell, run in results.runs.items()
        if (found := run.stability)
        for references in [found.get("reference", {})]
        for method in in_order(found["attacked"] | references)
    )
    columns = (
        *map(Column, (*NAMES, "Method", "Documents")),
        *(
            Column(name, group)
            for group in ("Clean and attacked input", "This model and the reference")
            for name in ("Rank correlation", "Overlap")
        ),
    )
    return Table("Stability of explanations", columns, rows, row_headers=len(NAMES) + 1)


def _intervals(drift: Drift | None) -> tuple[str, str]:
    found = drift or {}
    return interval(found.get("rank_correlation")), interval(found.get("overlap"))
