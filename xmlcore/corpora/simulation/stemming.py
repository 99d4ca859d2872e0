"""From English to the tokens of LYRL2004: lower case, no stop words, Porter (1980) stems."""

import re
from functools import cache

import snowballstemmer

from xmlcore.corpora.simulation.resources import read_lines

_TOKEN = re.compile(r"[a-z]+|\d+(?:\.\d+)?")


def stemmed_tokens(text: str) -> list[str]:
    """Return the stemmed words and the numbers of `text`, in their order."""
    return [_stem(word) for word in _TOKEN.findall(text.lower()) if word not in _stop_words()]


@cache
def _stop_words() -> frozenset[str]:
    return frozenset(" ".join(read_lines("stopwords.txt")).split())


@cache
def _stem(word: str) -> str:
    return snowballstemmer.stemmer("porter").stemWord(word)
