"""Files of words that users bring: GloVe vectors, a lexicon of synonyms."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from hostile.parsers.base import Parser, finite
from xmlcore.attacks.words.generators.base import Request
from xmlcore.attacks.words.generators.synonyms import Synonyms
from xmlcore.attacks.words.goals import Target
from xmlcore.data.tokens import Vocabulary
from xmlcore.data.word_vectors import glove_vectors

GLOVE = "oil 0.1 -0.2 1e-3\ngas 1 2 3\n\u2028 1 1 1\nother 0 0 0\n".encode()
SYNONYMS = b"oil petroleum\ngas oil\n"


def use_synonyms(folder: Path) -> None:
    request = Request(["oil"], 0, Target(0, "positive", (0,), (True,)))
    assert all(word and word != "oil" for word in Synonyms(folder).propose([request], 3)[0])


def parsers() -> Iterator[Parser]:
    vocabulary = Vocabulary(["oil", "gas", "other"])
    glove = partial(glove_vectors, vocabulary=vocabulary, dimension=3, seed=0)
    yield Parser(
        "GloVe", lambda: {"glove.3d.txt": GLOVE}, "glove.3d.txt", lambda it: finite(glove(it / "glove.3d.txt")[0])
    )
    lexicon = {"synonyms.txt": SYNONYMS, "antonyms.txt": b"gas oil\n"}
    for target in lexicon:
        yield Parser(f"lexicon {target}", lambda: lexicon, target, use_synonyms)
