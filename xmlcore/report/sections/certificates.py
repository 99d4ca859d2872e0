"""P@k of every model when each word may become any of its substitutes: clean, attacked and certified."""

from xmlcore.ranking.results import value_of
from xmlcore.report.results import Results
from xmlcore.report.table import NAMES, Column, Table, percent, verdict

CUTOFFS, KINDS = ("P@1", "P@3", "P@5"), ("clean", "attacked", "certified", "certified, few words")
ABOUT = (
    "Every word of a document may become any of a few others, all words at once; which, is fixed for every model and "
    "every attack. Certified P@k counts the labels of which it is proven that they stay among the best k whatever is "
    "substituted, by interval bounds (Jia et al. 2019; Huang et al. 2019). Beside it stands P@k under an attack that "
    "substitutes at every position along the gradient: the truth lies between the two. With few words no more than the "
    "share `certify.max_change` of a document's words is substituted, as word attacks do by default.",
    "A dash means that the model has no bounds. A certificate that an attack broke would show an error of the bounds.",
)


def certificates(results: Results) -> Table:
    """Tabulate clean, attacked and certified P@k."""
    rows = tuple(
        (
            *cell,
            f"{found['documents']:,}",
            f"{found['substitutes']:.2f}",
            *(
                percent(precision and value_of(precision, cutoff))
                for cutoff in CUTOFFS
                for precision in (found["clean"], found["attacked"], found["certified"], found["certified_few"])
            ),
            verdict(
                not found["violations"] if found["certified"] else None, "all hold", f"{found['violations']} broken"
            ),
        )
        for cell, run in results.runs.items()
        if (found := run.certification)
    )
    columns = (
        *map(Column, (*NAMES, "Documents", "Substitutes a word")),
        *(Column(kind, f"{cutoff} (%)") for cutoff in CUTOFFS for kind in KINDS),
        Column("Certificates", "Sanity"),
    )
    return Table("Every word substituted", columns, rows, row_headers=len(NAMES))
