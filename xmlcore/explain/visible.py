"""Text of a corpus made fit to be shown."""

import re
from typing import Any

# Control characters but tab and line ends, marks that turn the writing direction of what follows, lone surrogates.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(value: Any) -> Any:
    """A string with control characters and direction marks replaced by U+FFFD; any other value as it is."""
    return _INVISIBLE.sub("\ufffd", value) if isinstance(value, str) else value
