"""A small generative model of a newswire: topics of RCV1's hierarchy first, then sentences about them.

A story has a subject, sometimes companion topics, and the ancestors of all of them. It also has sentences that say
nothing of any topic and passing remarks about a background topic that is not its label: learnable, not given away.
"""

from collections.abc import Iterator
from itertools import cycle
from typing import NamedTuple

import numpy as np

from xmlcore.corpora.simulation.grammar import ANYTHING, Grammar
from xmlcore.corpora.simulation.stemming import stemmed_tokens
from xmlcore.corpora.simulation.topics import Hierarchy

COMPANION = 0.25  # probability that a story has a given companion of its subject
ABOUT_ANYTHING, IN_PASSING = 0.25, 0.2  # shares of the sentences after the first
LENGTH_SHAPE = 8.0  # of the gamma distribution of story lengths


class Story(NamedTuple):
    topics: list[str]  # sorted, ancestors included
    sentences: list[str]  # readable English
    tokens: list[str]  # lower-cased and stemmed, without stop words


class Newswire:
    """Stories about the `labels` most frequent topics, `mean_tokens` stemmed tokens long on average."""

    def __init__(self, labels: int, mean_tokens: int) -> None:
        self.hierarchy = Hierarchy.of_rcv1()
        self.grammar = Grammar.of_newswire()
        self.labels = self.hierarchy.most_frequent(labels)
        self.mean_tokens = mean_tokens
        topics = self.hierarchy.topics.values()
        self.subjects = [t.code for t in topics if t.stories and self._indexed([t.code])]
        weights = np.array([self.hierarchy.topics[code].stories for code in self.subjects])
        self.shares = weights / weights.sum()

    def stories(self, count: int, rng: np.random.Generator) -> Iterator[Story]:
        """Yield `count` stories in random order; systematic sampling misses no subject's share by more than a story."""
        positions = (rng.random() + np.arange(count)) / count
        subjects = np.searchsorted(np.cumsum(self.shares)[:-1], positions, side="right")
        for subject in rng.permutation(subjects):
            yield self._story(self.subjects[subject], rng)

    def _story(self, subject: str, rng: np.random.Generator) -> Story:
        companions = [c for c in self.hierarchy.topics[subject].companions if rng.random() < COMPANION]
        topics = [subject, *companions]
        background = self.subjects[rng.choice(len(self.subjects), p=self.shares)]
        length = rng.gamma(LENGTH_SHAPE, self.mean_tokens / LENGTH_SHAPE)
        sentences, tokens = self._write(topics, background, length, rng)
        return Story(self._indexed(topics), sentences, tokens)

    def _indexed(self, topics: list[str]) -> list[str]:
        """Return the labels of a story about `topics`."""
        return sorted({code for topic in topics for code in self.hierarchy.with_ancestors(topic)} & self.labels)

    def _write(
        self, topics: list[str], background: str, length: float, rng: np.random.Generator
    ) -> tuple[list[str], list[str]]:
        """Compose sentences and their tokens: each topic in turn, then all mixed; only sentences on no topic recur."""
        cast = self.grammar.cast(rng)
        unused = {t: rng.permutation(self.grammar.templates[t]).tolist() for t in dict.fromkeys([*topics, background])}
        anything = cycle(rng.permutation(self.grammar.templates[ANYTHING]).tolist())
        sentences: list[str] = []
        tokens: list[str] = []
        while not sentences or len(tokens) + len(tokens) / len(sentences) / 2 < length:
            topic = topics[len(sentences)] if len(sentences) < len(topics) else self._next(topics, background, rng)
            template = unused[topic].pop() if unused.get(topic) else next(anything)
            sentences.append(self.grammar.sentence(template, cast, rng))
            tokens.extend(stemmed_tokens(sentences[-1]))
        return sentences, tokens

    def _next(self, topics: list[str], background: str, rng: np.random.Generator) -> str:
        position = rng.random()
        if position < ABOUT_ANYTHING:
            return ANYTHING
        if position < ABOUT_ANYTHING + IN_PASSING:
            return background
        return topics[rng.integers(len(topics))]
