"""A small generative model of European law: descriptors of the thesaurus first, then the words of an act about them.

An act regulates a subject of a field by a measure, sometimes two, often for some countries. Its words come from these
descriptors, from its field, from legal language at large and from a neighbouring descriptor that is not its label.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from xmlcore.corpora.simulation.thesaurus import Field, Term, Thesaurus, narrower, power_law

SECOND_MEASURE, SECOND_SUBJECT = 0.7, 0.4  # probabilities
COUNTRIES = 1.4  # mean of a Poisson distribution
FORGOTTEN = 0.15  # probability that the indexer leaves out a given descriptor
CITATION, NEIGHBOUR, FIELD, LEGAL = 0.04, 0.15, 0.15, 0.35  # shares of an act's words; the rest: its descriptors'
WORD_EXPONENT = 0.7  # of the power law of the words of one source
LENGTH_SHAPE = 8.0  # of the gamma distribution of the number of distinct words
MOST_WORDS = 5  # drawn for each distinct word wanted


class Act(NamedTuple):
    labels: list[str]  # sorted
    counts: Counter[str]  # occurrences of each word


class Legislation:
    """Acts about the `labels` most frequent descriptors, about `mean_words` distinct words long on average.

    Every pair of a subject and a measure has a basic regulation, drawn from `rng` and cited as in `2771/75`.
    """

    def __init__(self, labels: int, mean_words: int, rng: np.random.Generator) -> None:
        self.thesaurus = Thesaurus.of_eurovoc()
        self.mean_words = mean_words
        shares = self.thesaurus.descriptor_shares()
        self.labels = sorted(sorted(shares, key=lambda name: -shares[name])[:labels])
        self.citations = dict(zip(shares, _citations(len(shares), rng), strict=True))
        self.words = sorted({*self.thesaurus.words(), *self.citations.values()})
        self._is_label = frozenset(self.labels)

    def acts(self, count: int, rng: np.random.Generator) -> Iterator[Act]:
        """Yield `count` acts, each with at least one label."""
        for _ in range(count):
            labels: list[str] = []
            while not labels:
                field = self.thesaurus.fields[_draw(self.thesaurus.fields, rng)]
                terms, pairs = self._content(field, rng)
                names = [name for name in [*(t.name for t in terms), *pairs] if rng.random() >= FORGOTTEN]
                labels = sorted(self._is_label.intersection(names))
            yield Act(labels, self._write(field, terms, pairs, rng))

    def _content(self, field: Field, rng: np.random.Generator) -> tuple[list[Term], list[str]]:
        """Draw the terms of one act, countries included, and the names of its pairs of subject and measure."""
        subject, measure = _pick(field.subjects, rng), _pick(field.measures, rng)
        pairs = [(subject, measure)]
        if rng.random() < SECOND_MEASURE:
            pairs.append((subject, _pick(field.measures, rng)))
        if rng.random() < SECOND_SUBJECT:
            pairs.append((_pick(field.subjects, rng), measure))
        countries = [_pick(self.thesaurus.countries, rng) for _ in range(rng.poisson(COUNTRIES))]
        terms = [term for pair in pairs for term in pair] + countries
        return list(dict.fromkeys(terms)), list(dict.fromkeys(narrower(*pair) for pair in pairs))

    def _write(self, field: Field, terms: list[Term], pairs: list[str], rng: np.random.Generator) -> Counter[str]:
        neighbour = _pick(field.subjects + field.measures, rng)
        citations = tuple(self.citations[pair] for pair in pairs)
        own = 1 - CITATION - NEIGHBOUR - FIELD - LEGAL
        sources = [
            (citations, CITATION),
            (neighbour.words, NEIGHBOUR),
            (field.words, FIELD),
            (self.thesaurus.legal_words, LEGAL),
            *((term.words, own / len(terms)) for term in terms),
        ]
        words = [word for source, _ in sources for word in source]
        shares = np.concatenate([share * power_law(len(source), WORD_EXPONENT) for source, share in sources])
        length = max(1, round(rng.gamma(LENGTH_SHAPE, self.mean_words / LENGTH_SHAPE)))
        counts: Counter[str] = Counter()
        for drawn in rng.choice(len(words), size=MOST_WORDS * length, p=shares / shares.sum()):
            counts[words[drawn]] += 1
            if len(counts) == length:
                break
        return counts


def _citations(count: int, rng: np.random.Generator) -> list[str]:
    numbers = rng.choice(np.arange(100, 4000), size=count, replace=False)
    return [f"{number}/{year}" for number, year in zip(numbers, rng.integers(68, 97, size=count), strict=True)]


def _draw(options: tuple[Field, ...] | tuple[Term, ...], rng: np.random.Generator) -> int:
    shares = np.array([option.share for option in options])
    return int(rng.choice(len(options), p=shares / shares.sum()))


def _pick(terms: tuple[Term, ...], rng: np.random.Generator) -> Term:
    return terms[_draw(terms, rng)]
