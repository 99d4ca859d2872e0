"""Text of a corpus made harmless: nothing of it is trusted, neither in a page nor in a drawing."""

import re
from typing import Any

from markupsafe import Markup

# Control characters but tab and line feed, and marks that turn the writing direction of what follows.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|~$!])")


def visible(text: str) -> str:
    """`text` with control characters and direction marks replaced by U+FFFD."""
    return _INVISIBLE.sub("\ufffd", text)


def html_value(value: Any) -> Any:
    """A value on its way into HTML, where jinja2 escapes it unless it is Markup."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def markdown_value(value: Any) -> Markup:
    """A value as literal text on one line of Markdown: no markup, no HTML, no new table cell."""
    if isinstance(value, Markup):
        return value
    text = re.sub(r"\s+", " ", visible(str(value)))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markup(_MARKDOWN.sub(r"\\\1", text))


def markdown_code_block(text: str) -> Markup:
    """`text` as an indented code block, which nothing in it can end."""
    return Markup("\n".join(f"    {line}" for line in visible(text).splitlines()))
