"""Where substitutes come from: one interface, a module for each source."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from xmlcore.attacks.words.goals import Target


@dataclass(frozen=True)
class Request:
    """One word of one document that may be substituted."""

    words: Sequence[str]  # the document as it is now
    position: int
    target: Target


class Generator(Protocol):
    def propose(self, requests: Sequence[Request], count: int) -> list[list[str]]:
        """Return for each request at most `count` substitutes, the most plausible first, without the word itself.

        A substitute is one word as `Victim.words` would give it, or "" where the word shall be deleted.
        """
        ...
