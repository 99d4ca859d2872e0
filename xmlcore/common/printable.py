"""Text of a corpus made fit to be shown: characters that hide or turn what follows are replaced."""

import re
from typing import Any

# Control characters but tab and line feed, marks that turn the direction of what follows, surrogates, non-characters.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def printable(value: Any) -> Any:
    """Return a string with control characters and direction marks replaced by U+FFFD; any other value as it is."""
    return _INVISIBLE.sub("\ufffd", value) if isinstance(value, str) else value
