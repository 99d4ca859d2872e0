"""All attacks on one model: every sample with every generator, in groups whose outcomes are kept as they come."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from xmlcore.attacks.words.generators.base import Generator
from xmlcore.attacks.words.goals import Target
from xmlcore.attacks.words.results import FrequencyRange, WordAttack, WordChange
from xmlcore.attacks.words.sampling import Sample
from xmlcore.attacks.words.search import Attack, substitute_words
from xmlcore.attacks.words.similarity import Encoder, similarities
from xmlcore.attacks.words.texts import Text
from xmlcore.attacks.words.victim import Victim
from xmlcore.common.distributed import map_shared, processes
from xmlcore.common.journal import Journal
from xmlcore.config.params import Generator as GeneratorName
from xmlcore.config.params import Goal, Words

Row = Mapping[str, Any]  # a WordAttack, or one with its range of frequency unpacked
GROUP = 16  # documents attacked in step; a killed run loses no more than one group


class Campaign:
    def __init__(
        self,
        victim: Victim,
        encoder: Encoder,
        texts: Mapping[int, Text],
        label_names: Sequence[str],
        options: Words,
    ) -> None:
        """Attack `victim` in the documents `texts`, by index, of the samples to come."""
        self._victim, self._encoder, self._options = victim, encoder, options
        self._texts, self._names = texts, label_names

    def run(
        self,
        generators: Mapping[GeneratorName, Generator],
        samples: Sequence[Sample],
        journal: Journal,
        track: Callable[..., Iterable[Any]],
    ) -> list[WordAttack]:
        """Return the outcome of each attack, an object of attacks.jsonl; what the `journal` has is not done again.

        Of several processes each attacks a group at a time.
        """
        groups = [
            (name, samples[first : first + GROUP]) for name in generators for first in range(0, len(samples), GROUP)
        ]

        def attack(group: tuple[GeneratorName, Sequence[Sample]]) -> list[WordAttack]:
            return self._outcomes(group[0], generators[group[0]], group[1])

        together = processes()
        for first in track(range(0, len(groups), together), "attack"):
            for outcomes in map_shared(attack, groups[max(first, len(journal)) : first + together]):
                journal.append(outcomes)
        return [row for number in range(len(groups)) for row in journal[number]]

    def _outcomes(self, name: GeneratorName, generator: Generator, samples: Sequence[Sample]) -> list[WordAttack]:
        words = [self._victim.words(self._texts[sample.document].text) for sample in samples]
        targets = [self._target(sample, of_sample) for sample, of_sample in zip(samples, words, strict=True)]
        attacks = substitute_words(
            self._victim,
            generator,
            list(zip(targets, words, strict=True)),
            k=self._options.k,
            candidates=self._options.candidates,
            max_change=self._options.max_change,
        )
        alike = similarities(self._encoder, words, [attack.words for attack in attacks])
        return [
            self._row(name, sample, attack, float(similarity))
            for sample, attack, similarity in zip(samples, attacks, alike, strict=True)
        ]

    def _target(self, sample: Sample, words: Sequence[str]) -> Target:
        if sample.goal != "non_targeted":
            return Target(sample.document, sample.goal, sample.labels, (True,) * len(sample.labels))
        best = self._victim.best(words, self._options.k).tolist()
        true = self._texts[sample.document].labels
        return Target(sample.document, sample.goal, tuple(best), tuple(label in true for label in best))

    def _row(self, generator: GeneratorName, sample: Sample, attack: Attack, similarity: float) -> WordAttack:
        text = self._texts[sample.document]
        return WordAttack(
            goal=sample.goal,
            generator=generator,
            document=sample.document,
            doc_id=text.doc_id,
            bin=FrequencyRange(lowest=sample.bin.lowest, highest=sample.bin.highest) if sample.bin else None,
            labels=self._named(attack.target.labels),
            true_labels=self._named(text.labels),
            words=attack.original,
            changes=[
                WordChange(position=each.position, word=each.word, substitute=each.substitute)
                for each in attack.changes
            ],
            ranks_before=attack.ranks_before,
            ranks_after=attack.ranks_after,
            best_before=self._best(attack.original),
            best_after=self._best(attack.words),
            clean=attack.clean,
            success=attack.success,
            similarity=round(similarity, 6),
            change_rate=round(attack.change_rate, 6),
            queries=attack.queries,
        )

    def _named(self, labels: Sequence[int]) -> list[str]:
        return [self._names[label] for label in labels if label >= 0]

    def _best(self, words: Sequence[str]) -> list[str]:
        return self._named(self._victim.best(words, self._options.k).tolist())


def write_attacks(path: Path, rows: Iterable[WordAttack]) -> None:
    """Write attacks.jsonl, an object a line."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")


def summary(
    rows: Sequence[Row], goals: Sequence[Goal], thresholds: Sequence[float]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the content of summary.json: of each goal, of each generator, the figures of `figures`, and costs.

    A goal without a sample has no generator.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {goal: {} for goal in goals}
    for (goal, generator), chosen in _grouped(rows, "goal", "generator"):
        succeeded = [row for row in chosen if row["success"]]
        found[goal][generator] = figures(chosen, thresholds) | {
            "similarity": _mean(succeeded, "similarity"),
            "change_rate": _mean(succeeded, "change_rate"),
            "queries": _mean(chosen, "queries"),
        }
    return found


def by_frequency(rows: Sequence[Row], thresholds: Sequence[float]) -> list[dict[str, Any]]:
    """Return the rows of by_frequency.json: the figures of every bin of label frequency, where a goal has bins."""
    binned = [{**row, **row["bin"]} for row in rows if row["bin"]]
    names = ("goal", "generator", "lowest", "highest")
    return [
        dict(zip(names, key, strict=True)) | figures(chosen, thresholds) for key, chosen in _grouped(binned, *names)
    ]


def _grouped(rows: Sequence[Row], *names: str) -> Iterable[tuple[tuple, list[Row]]]:
    """Return the rows that agree on `names`, by the values that they have there, in the order of their first row."""
    groups: dict[tuple, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups.items()


def figures(rows: Sequence[Row], thresholds: Sequence[float]) -> dict[str, float | int]:
    """Return of the attacks `rows` how many are right before them, reach their goal, and are right after them.

    `success_rate` is of those right before; `success_rate@0.80` counts only documents that stay at least so similar.
    """
    clean = [row for row in rows if row["clean"]]
    succeeded = [row["similarity"] for row in clean if row["success"]]
    rate = {f"success_rate@{each:.2f}": _share(sum(s >= each for s in succeeded), len(clean)) for each in thresholds}
    return {
        "samples": len(rows),
        "clean_accuracy": _share(len(clean), len(rows)),
        "success_rate": _share(len(succeeded), len(clean)),
        "accuracy_under_attack": _share(len(clean) - len(succeeded), len(rows)),
    } | rate


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _mean(rows: Sequence[Row], key: str) -> float | None:
    return float(np.mean([row[key] for row in rows])) if rows else None
