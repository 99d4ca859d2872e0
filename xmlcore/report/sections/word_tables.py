"""The tables of attacks that substitute words: how they fare, what protects from them, and near labels as targets."""

from xmlcore.attacks.words.results import SWEPT, AttackRates
from xmlcore.report.results import GENERATORS, Results
from xmlcore.report.table import MISSING, NAMES, NOT_APPLICABLE, Column, Row, Table, percent

SIMILAR = 0.8  # the least similarity with which Qaraei and Babbar count a success, in their Figure 2
CLUSTERS, MEMBERS = 5, 8  # shown of each corpus and of each cluster


def similarity_threshold(results: Results) -> float:
    """Return the threshold of similarity nearest to `SIMILAR` among those that were swept, of two the stricter."""
    swept = {
        threshold
        for attacks in results.words.values()
        for rates in (*attacks.bins, *(each for goal in attacks.summaries.values() for each in goal.values()))
        for threshold in rates[SWEPT]
    }
    return min(swept, key=lambda threshold: (round(abs(threshold - SIMILAR), 9), -threshold), default=SIMILAR)


def success_rate(rates: AttackRates, threshold: float | None = None) -> float | None:
    """Return the rate of successes, of those of similarity `threshold` and more if given; None if none was possible."""
    if not rates["clean_accuracy"]:
        return None
    return rates["success_rate"] if threshold is None else rates[SWEPT].get(threshold)


def attacks(results: Results) -> Table:
    """Tabulate every goal and generator on every model: Tables 3 and 5 of Qaraei and Babbar in one."""
    threshold = similarity_threshold(results)
    rows: tuple[Row, ...] = tuple(
        (
            *cell,
            goal,
            generator,
            f"{found['samples']:,}",
            percent(found["clean_accuracy"]),
            percent(success_rate(found)),
            percent(success_rate(found, threshold)),
            percent(found["accuracy_under_attack"]),
            MISSING if found["similarity"] is None else f"{found['similarity']:.2f}",
            percent(found["change_rate"]),
            f"{found['queries']:,.0f}",
        )
        for cell, words in results.words.items()
        for goal, by_generator in words.summaries.items()
        for generator, found in by_generator.items()
    )
    rows += tuple(
        (*cell, goal, NOT_APPLICABLE, *[MISSING] * 8)
        for cell, words in results.words.items()
        for goal, by_generator in words.summaries.items()
        if not by_generator
    )
    columns = (
        *NAMES,
        "Goal",
        "Generator",
        "Samples",
        "Clean accuracy",
        "Success rate",
        f"Success rate, similarity ≥ {threshold:.2f}",
        "Accuracy under attack",
        "Similarity",
        "Change rate",
        "Queries",
    )
    caption = "Word substitution: accuracies and rates in %"
    return Table(caption, tuple(map(Column, columns)), rows, row_headers=len(NAMES) + 2)


def defences(results: Results) -> Table:
    """Tabulate attacks with positive targets by generator, the models of one corpus under each other."""
    positive = {cell: found for cell, words in results.words.items() if (found := words.summaries.get("positive"))}
    generators = [each for each in GENERATORS if any(each in found for found in positive.values())]
    rows = tuple(
        (
            *cell,
            *(percent(share) for generator in generators for share in _shares(found.get(generator))),
        )
        for cell, found in positive.items()
    )
    columns = (
        *map(Column, NAMES),
        *(
            Column(name, generator)
            for generator in generators
            for name in ("Clean accuracy", "Success rate", "Accuracy under attack")
        ),
    )
    caption = "Regimes and losses as defences: positive targets on the same samples (%)"
    return Table(caption, columns, rows, row_headers=len(NAMES))


def _shares(rates: AttackRates | None) -> tuple[float | None, ...]:
    """Return the three columns of one generator."""
    return (rates["clean_accuracy"], success_rate(rates), rates["accuracy_under_attack"]) if rates else (None,) * 3


def clusters(results: Results) -> Table:
    """Tabulate some clusters of each corpus, from end to end of its first model's (Qaraei and Babbar, Table 4)."""
    first = {corpus: found for (corpus, _), found in reversed(results.clusters.items())}
    rows = tuple(
        (corpus, f"{number + 1:,}", _listed(first[corpus][number]))
        for corpus in results.corpora
        if corpus in first
        for number in _spread(len(first[corpus]))
    )
    columns = tuple(map(Column, ("Corpus", "Cluster", "Labels")))
    return Table("A sample of the clusters of each corpus", columns, rows, row_headers=2, numbers=False)


def _spread(count: int) -> list[int]:
    """Return at most `CLUSTERS` of the numbers below `count`, equally far apart."""
    shown = min(count, CLUSTERS)
    return [i * count // shown for i in range(shown)]


def _listed(names: list[str]) -> str:
    return "; ".join(names if len(names) <= MEMBERS else [*names[:MEMBERS], "…"])
