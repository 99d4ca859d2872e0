"""The one substitute of a bag of words that has no synonyms: nothing."""

from collections.abc import Sequence

from xmlcore.attacks.words.generators.base import Request


class Deletion:
    def propose(self, requests: Sequence[Request], count: int) -> list[list[str]]:
        return [[""] for _ in requests]
