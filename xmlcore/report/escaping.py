"""Text of a corpus made harmless: nothing of it is trusted, neither in a page nor in a drawing."""

import json
import re
from typing import Any

from markupsafe import Markup

from xmlcore.common.printable import printable
from xmlcore.report.table import Best, Fails, Holds, NotAsked

_ELEMENTS: dict[type, Markup] = {
    Best: Markup("<b>{}</b>"),
    Holds: Markup('<span class="holds">{}</span>'),
    Fails: Markup('<strong class="fails">{}</strong>'),
    NotAsked: Markup('<span class="not-asked">{}</span>'),
}
_JSON = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|~$!])")


def html_value(value: Any) -> Any:
    """Return `value` for HTML, its invisible characters replaced; jinja2 then escapes it unless it is Markup."""
    if element := _ELEMENTS.get(type(value)):
        return element.format(printable(value))
    return value if isinstance(value, Markup) else printable(value)


def markdown_value(value: Any) -> Markup:
    """Return `value` as literal text on one line of Markdown: no markup, no HTML, no new table cell."""
    if isinstance(value, Markup):
        return value
    text = re.sub(r"\s+", " ", printable(str(value)))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    literal = _MARKDOWN.sub(r"\\\1", text)
    return Markup(f"**{literal}**" if isinstance(value, (Best, Fails)) else literal)


def json_in_html(value: Any) -> Markup:
    """Return `value`, invisible characters replaced, as JSON that cannot end its <script type="application/json">."""
    text = json.dumps(_visible_strings(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.translate(_JSON))


def _visible_strings(value: Any) -> Any:
    if isinstance(value, dict):
        return {_visible_strings(key): _visible_strings(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_visible_strings(each) for each in value]
    return printable(value)


def markdown_code_block(text: str) -> Markup:
    """Return `text` as an indented code block, which nothing in it can end."""
    return Markup("\n".join(f"    {line}" for line in printable(text).splitlines()))
