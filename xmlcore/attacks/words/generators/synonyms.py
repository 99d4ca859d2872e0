"""Synonyms from lists of pairs, without pairs that another list calls antonyms (Mrksic et al. 2016)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from xmlcore.attacks.words.generators.base import Request
from xmlcore.common.errors import UserError
from xmlcore.corpora.text_files import numbered_lines
from xmlcore.data.tokens import fold


class Synonyms:
    def __init__(self, place: Path) -> None:
        """Read the list of synonyms `place`, two words a line, or the lists in that folder and below.

        There, a file with `synonyms` in its name is one, and one with `antonyms` tells which pairs are none. Raises
        `UserError` where there is no list, and naming file and line for a line of other than two words.
        """
        synonyms = [place] if place.is_file() else _lists(place, "synonyms")
        if not synonyms:
            raise UserError(
                f"{place}: no list of synonyms, which has `synonyms` in its name; put one there (in the pipeline: name "
                "one in `lexicons`, or change words.generators)"
            )
        antonyms = {frozenset(pair) for file in _lists(place, "antonyms") for pair in _pairs(file)}
        self._of: dict[str, dict[str, None]] = defaultdict(dict)
        for file in synonyms:
            for one, other in _pairs(file):
                if one != other and frozenset((one, other)) not in antonyms:
                    self._of[one][other] = self._of[other][one] = None

    def of(self, word: str) -> list[str]:
        """Return the synonyms of `word`, in the order of the lists."""
        return [*self._of.get(fold(word), ())]

    def propose(self, requests: Sequence[Request], count: int) -> list[list[str]]:
        return [self.of(request.words[request.position])[:count] for request in requests]


def _lists(folder: Path, kind: str) -> list[Path]:
    return sorted(path for path in folder.rglob(f"*{kind}*") if path.is_file())


def _pairs(file: Path) -> Iterator[tuple[str, str]]:
    for number, line in numbered_lines(file):
        words = fold(line).split()
        if len(words) != 2:
            raise UserError(f"{file}:{number}: {len(words)} words where a pair is expected; mend or remove the line")
        yield words[0], words[1]
