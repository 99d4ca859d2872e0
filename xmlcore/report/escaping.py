"""Text of a corpus made harmless: nothing of it is trusted, neither in a page nor in a drawing."""

import re
from typing import Any

from markupsafe import Markup

from xmlcore.report.table import Best
from xmlcore.visible import visible

_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|~$!])")


def html_value(value: Any) -> Any:
    """A value on its way into HTML, where jinja2 escapes it unless it is Markup."""
    if isinstance(value, Best):
        return Markup("<b>{}</b>").format(visible(value))
    return value if isinstance(value, Markup) else visible(value)


def markdown_value(value: Any) -> Markup:
    """A value as literal text on one line of Markdown: no markup, no HTML, no new table cell."""
    if isinstance(value, Markup):
        return value
    text = re.sub(r"\s+", " ", visible(str(value)))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    literal = _MARKDOWN.sub(r"\\\1", text)
    return Markup(f"**{literal}**" if isinstance(value, Best) else literal)


def markdown_code_block(text: str) -> Markup:
    """`text` as an indented code block, which nothing in it can end."""
    return Markup("\n".join(f"    {line}" for line in visible(text).splitlines()))
