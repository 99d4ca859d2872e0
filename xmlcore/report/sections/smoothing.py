"""P@k of every model whose labels random copies of a document vote for: as voted, and certified by radius."""

from xmlcore.ranking.results import value_of
from xmlcore.report.results import Results
from xmlcore.report.table import NAMES, Column, Table, percent

CUTOFFS = ("P@1", "P@3", "P@5")
WAYS = {"noise": "small changes of all embeddings", "deletion": "any change of some words"}
ABOUT = (
    "Any model can be made smooth: its labels are those that most of many random copies of a document have among their "
    "best k. What is drawn changes little with the document, so that P@k is certified whatever a change of a given "
    "radius does (Cohen et al. 2019; Jia et al. 2022; for words Levine and Feizi 2020). Copies with normal noise on "
    "their embeddings withstand a change of all embeddings, whose radius is told as that of FGSM, in mean norms a "
    "token; copies of a random part of the words withstand that some words become any others.",
    "The certificates are of the voting classifier, at its price, and hold with the confidence of `smoothing`.",
)


def smoothing(results: Results) -> Table:
    """Tabulate P@k as voted and certified, a row for each way and radius."""
    rows = tuple(
        (*cell, WAYS[way], radius, f"{found['documents']:,}", *(percent(value_of(each, at)) for at in CUTOFFS))
        for cell, run in results.runs.items()
        for way, found in (run.smoothed or {}).items()
        for radius, each in (
            ("as voted", found["voted"]),
            *((f"{point['radius']:g}", point) for point in found["certified"]),
        )
    )
    columns = (
        *map(Column, (*NAMES, "Withstands", "Radius", "Documents")),
        *(Column("certified", f"{cutoff} (%)") for cutoff in CUTOFFS),
    )
    return Table("Certified by votes", columns, rows, row_headers=len(NAMES) + 2)
