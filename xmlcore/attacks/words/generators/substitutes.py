"""The substitutes that are stored for a corpus (`xmlcore.data.substitutes`), those of certified training."""

from collections.abc import Sequence
from pathlib import Path

from xmlcore.attacks.words.generators.base import Request
from xmlcore.data.substitutes import read_substitutes
from xmlcore.data.tokens import fold


class StoredSubstitutes:
    def __init__(self, folder: Path) -> None:
        self._of = read_substitutes(folder)

    def propose(self, requests: Sequence[Request], count: int) -> list[list[str]]:
        return [[*self._of.get(fold(request.words[request.position]), ())][:count] for request in requests]
