"""P@1 of every model when each document is attacked until it falls."""

from xmlcore.config.params import format_epsilon
from xmlcore.evaluation.results import CascadeAttack
from xmlcore.report.results import Results
from xmlcore.report.table import NAMES, Column, Table, percent

ATTACKS: dict[CascadeAttack, str] = {
    "fgsm": "FGSM",
    "pgd_margin": "PGD, margin",
    "apgd": "Auto-PGD",
    "apgd_margin": "Auto-PGD, margin",
    "fab": "FAB",
    "square": "Square",
}
ABOUT = (
    "A document falls when its best label is wrong, and every attack is tried on the documents that the ones before it "
    "left standing, so that the last column is P@1 under the worst of all, with its 95 % interval. Auto-PGD finds its "
    "own step size, FAB the nearest perturbation, and Square sees no gradient: what it fells after the others hints at "
    "gradients that mislead.",
)


def worst_cases(results: Results) -> Table:
    """Tabulate P@1 after each attack in turn."""
    rows = tuple(
        (
            *cell,
            f"{found['documents']:,}",
            format_epsilon(found["epsilon"]),
            f"{found['relative_size']:.2f}",
            percent(found["P@1"]["clean"]),
            *(percent(found["P@1"].get(attack)) for attack in ATTACKS),
            f"{percent(found['worst']['low'])} to {percent(found['worst']['high'])}",
        )
        for cell, run in results.runs.items()
        if (found := run.worst_case)
    )
    columns = (
        *map(Column, (*NAMES, "Documents", "ε", "Relative size", "Clean")),
        *(Column(name, "P@1 (%) after") for name in ATTACKS.values()),
        Column("95 % interval", "P@1 (%) after"),
    )
    return Table("Every document attacked until it falls", columns, rows, row_headers=len(NAMES))
