"""Attacks that succeeded with few substitutions, word by word (Qaraei and Babbar, Tables 1 and 6)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from operator import itemgetter

from xmlcore.attacks.words.results import WordAttack, WordChange
from xmlcore.report.results import GENERATORS, GOALS, Results, reference
from xmlcore.report.table import Best

EXAMPLES = 4  # of each model
CONTEXT = 8  # words on either side of a substitution
PASSAGES = 4  # around the first substitutions; the others show where they are near
GAP = "…"


@dataclass(frozen=True)
class Span:
    """Words of a text and, where they were replaced, their substitute: "" where there is none."""

    text: str
    substitute: str | None = None


@dataclass(frozen=True)
class Example:
    """One attack; among the predictions, the labels that it aims at are marked."""

    attack: str
    excerpt: tuple[Span, ...]
    ranks: tuple[tuple[str, str], ...]  # (label, rank before and after)
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Examples:
    """The examples of one model."""

    caption: str
    rows: tuple[Example, ...]


def examples(results: Results) -> list[Examples]:
    """Return at most `EXAMPLES` attacks on every corpus and model, each on another document."""
    found = []
    for (corpus, model), cells in results.attacked.items():
        if with_successes := [cell for cell in cells if results.words[cell].successes]:
            cell = reference(with_successes)
            easiest = _easiest(results.words[cell].successes)
            caption = f"{corpus} · {model}, {cell.regime}, {cell.loss}: successes with the fewest substitutions"
            found.append(Examples(caption, tuple(map(_example, easiest))))
    return found


def _easiest(attacks: Sequence[WordAttack]) -> list[WordAttack]:
    """Return at most `EXAMPLES` attacks, one a document: positive targets first, then few changes, then rare labels."""
    by_document: dict[int, WordAttack] = {}
    for attack in sorted(filter(itemgetter("changes"), attacks), key=_effort):
        by_document.setdefault(attack["document"], attack)
    return [*by_document.values()][:EXAMPLES]


def _effort(attack: WordAttack) -> tuple[float, ...]:
    frequencies = attack.get("bin")
    return (
        GOALS.index(attack["goal"]),
        len(attack["changes"]),
        frequencies["lowest"] if frequencies else inf,
        attack["document"],
        GENERATORS.index(attack["generator"]),
    )


def _example(attack: WordAttack) -> Example:
    targeted = attack["goal"] != "non_targeted"
    aimed_at = {name for name in attack["labels"] if targeted or name in attack["true_labels"]}
    before, after = (
        tuple(Best(name) if name in aimed_at else name for name in attack[best])
        for best in ("best_before", "best_after")
    )
    ranks = zip(attack["labels"], attack["ranks_before"], attack["ranks_after"], strict=True)
    return Example(
        attack=(
            f"{attack['goal']}, {attack['generator']}: {len(attack['changes']):,} of {len(attack['words']):,} words "
            f"of test document {attack['document']}"
        ),
        excerpt=excerpt(attack["words"], attack["changes"]),
        ranks=tuple((name, f"{old:,} → {new:,}") for name, old, new in ranks if name in aimed_at),
        before=before,
        after=after,
    )


def excerpt(words: Sequence[str], changes: Sequence[WordChange]) -> tuple[Span, ...]:
    """Return the passages around `changes`, in the order of the text, with what was replaced."""
    positions = sorted(change["position"] for change in changes)
    shown = {
        near
        for position in positions[:PASSAGES]
        for near in range(max(position - CONTEXT, 0), min(position + CONTEXT + 1, len(words)))
    }
    return tuple(_spans(words, {change["position"]: change["substitute"] for change in changes}, sorted(shown)))


def _spans(words: Sequence[str], substitutes: Mapping[int, str], shown: Sequence[int]) -> Iterator[Span]:
    kept: list[str] = []
    for before, position in zip((-1, *shown), shown, strict=False):
        if position > before + 1:
            kept.append(GAP)
        if position not in substitutes:
            kept.append(words[position])
            continue
        if kept:
            yield Span(" ".join(kept))
        kept = []
        yield Span(words[position], substitutes[position])
    if shown and shown[-1] < len(words) - 1:
        kept.append(GAP)
    if kept:
        yield Span(" ".join(kept))
