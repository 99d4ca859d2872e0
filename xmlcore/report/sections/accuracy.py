"""The tables that set the models of one corpus side by side, on clean test data: all labels, and by label frequency."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from xmlcore.ranking.results import LabelBin, value_of
from xmlcore.report.results import Results, Run, Stack
from xmlcore.report.table import MISSING, Best, Column, Row, Table, percent, seconds

METRICS = ("P@1", "P@3", "P@5", "nDCG@3", "nDCG@5", "PSP@1", "PSP@3", "PSP@5", "recall@5", "micro_F1", "macro_F1")
NAMES = ("Corpus", "Model", "Loss", "Regime")
LINEAR, STACKED = "linear, on tf-idf", "stacked, weighted on validation"


def models(results: Results) -> Table:
    """Tabulate the linear classifier, every trained model with a ranking, and their stack.

    The best of a corpus is marked, column by column.
    """
    rows: list[Row] = []
    for names, runs in _by_corpus(results, lambda run: run.ranking is not None):
        rankings = [run.ranking for run in runs if run.ranking]
        measures = [_cells([value_of(ranking, key) for ranking in rankings], percent, max) for key in METRICS]
        durations = _cells([run.seconds.get("train") for run in runs], seconds, min)
        rows += _joined(names, *measures, durations)
    columns = (*NAMES, *(key.replace("_", " ") for key in METRICS), "Training, s")
    return Table("Ranking on clean test data (%)", tuple(map(Column, columns)), tuple(rows), row_headers=len(NAMES))


def label_frequencies(results: Results) -> Table:
    """Tabulate the models by bins of labels, frequent in training or rare; a bin without true pairs has no recall."""
    found_of_all = [*_by_corpus(results, lambda run: bool(run.bins))]
    bins = [*dict.fromkeys(row["frequency"] for _, runs in found_of_all for run in runs for row in run.bins)]
    rows: list[Row] = []
    for names, runs in found_of_all:
        cells: list[Sequence[str]] = []
        for name in bins:
            found = [next((row for row in run.bins if row["frequency"] == name), None) for run in runs]
            cells += _bin_cells(found)
        rows += _joined(names, *cells)
    columns = (
        *map(Column, NAMES),
        *(Column(name, f"{frequency} documents") for frequency in bins for name in ("Labels", "recall@5", "PSP@5")),
    )
    return Table("By label frequency (%)", columns, tuple(rows), row_headers=len(NAMES))


def _by_corpus(results: Results, shown: Callable[[Run | Stack], bool]) -> Iterator[tuple[list[Row], list[Run | Stack]]]:
    """Yield, corpus by corpus, the `NAMES` and the runs that are `shown`.

    The linear classifier comes first, the stack last.
    """
    for corpus, experiments in groupby(results.experiments, lambda experiment: experiment.corpus):
        found: list[tuple[Row, Run | Stack]] = [
            ((corpus, experiment.model, experiment.loss, regime), run)
            for experiment in experiments
            for regime, run in experiment.runs()
            if shown(run)
        ]
        linear, stack = results.baselines.get(corpus), results.stacks.get(corpus)
        if found and linear and shown(linear):
            found = [((corpus, LINEAR, MISSING, MISSING), linear), *found]
        if found and stack and shown(stack):
            found.append(((corpus, STACKED, MISSING, MISSING), stack))
        yield [names for names, _ in found], [run for _, run in found]


def _bin_cells(found: Sequence[LabelBin | None]) -> list[list[str]]:
    """Return the three columns of one bin of labels, which `found` holds for every model."""
    occurring = [row if row and row["pairs"] else None for row in found]
    return [
        [f"{row['labels']:,}" if row else MISSING for row in found],
        _cells([row["recall@5"] if row else None for row in occurring], percent, max),
        _cells([row["PSP@5"] if row else None for row in occurring], percent, max),
    ]


def _cells(
    values: Sequence[float | None],
    show: Callable[[float | None], str],
    best: Callable[[Iterable[float]], float],
) -> list[str]:
    """Return `values` as the text of a column, the `best` marked, and what reads the same, unless all of it does."""
    known = [value for value in values if value is not None]
    if len({show(value) for value in known}) < 2:
        return [show(value) for value in values]
    mark = show(best(known))
    return [Best(text) if text == mark else text for text in map(show, values)]


def _joined(names: Sequence[Row], *columns: Sequence[str]) -> list[Row]:
    return [(*name, *cells) for name, *cells in zip(names, *columns, strict=True)]
