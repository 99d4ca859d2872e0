"""Values set in a YAML file of which every other byte stays: comments, order, how it is laid out.

Where a mapping on the way to a value is shared by an anchor and aliases, those who share it keep what they had: it is
written out for them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, Event, MappingStartEvent, NodeEvent
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from xmlcore.common.errors import UserError
from xmlcore.common.files import atomic_file
from xmlcore.common.yaml_files import load_yaml

Keys = Sequence[str]  # the way to a value, from the outermost mapping
Aliases = dict[str, list["Node"]]  # of each anchor
Edit = tuple[int, int, str]  # what is written in the place of the characters from the first to the second


def set_values(path: Path, values: Mapping[tuple[str, ...], Any]) -> None:
    """Set `values` by their keys in the YAML file `path`, a mapping; mappings that are missing on the way are added.

    Raises:
        UserError: it is not YAML, or is laid out in a way that cannot be edited so. It is then as it was.
    """
    if not values:
        return
    content, text = load_yaml(path), path.read_bytes().decode("utf-8")
    settings = "; ".join(f"{'.'.join(keys)}: {as_flow(value)}" for keys, value in values.items())
    refusal = UserError(f"{path}: its layout is beyond what is edited here; set by hand {settings}")
    for keys, value in values.items():
        try:
            wanted = _with(content, keys, value)
        except TypeError:  # no mapping on the way
            raise refusal from None
        for start, end, replacement in sorted(_edits(text, content, keys, value), reverse=True):
            text = text[:start] + replacement + text[end:]
        content = wanted
    with atomic_file(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))
        if not _holds(temporary, content):
            raise refusal


def as_flow(value: Any) -> str:
    """Return `value` as YAML in one line, fit to stand anywhere in a file."""
    line = StringIO()
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style, yaml.sort_base_mapping_type_on_output, yaml.width = True, False, 10**9
    yaml.dump({"": value}, line)  # alone a scalar would be a document, with a mark of its end
    return line.getvalue().strip().removeprefix("{'': ").removesuffix("}")


class _Representer(SafeRepresenter):
    """Writes numbers without exponents: some readers take 1e-05 for a string."""


def _represent_float(writer: SafeRepresenter, value: float) -> ScalarNode:
    return writer.represent_scalar("tag:yaml.org,2002:float", np.format_float_positional(value, trim="0"))


_Representer.add_representer(float, _represent_float)


@dataclass
class Node:
    """A value in a text, from the character `start` to `end`."""

    start: int
    end: int
    column: int  # of a mapping in lines of its own, of its keys
    anchor: str | None
    text: str  # of a scalar
    is_mapping: bool = False
    is_flow: bool = False
    values: dict[str, "Node"] = field(default_factory=dict)  # of a mapping


def _edits(text: str, content: Any, keys: Keys, value: Any) -> Iterator[Edit]:
    """Yield what sets `value` at `keys` in `text`, which has `content`."""
    aliases: Aliases = {}
    events = iter(YAML(typ="safe", pure=True).parse(text))
    node = _node(next(event for event in events if isinstance(event, NodeEvent)), events, aliases)
    for depth, key in enumerate(keys, start=1):
        if key not in node.values:
            yield _insertion(text, node, as_flow({key: _with({}, keys[depth:], value)})[1:-1])
            return
        content, node = content[key], node.values[key]
        for alias in aliases.get(node.anchor or "", ()):
            yield alias.start, alias.end, as_flow(content)
        if not node.is_mapping:
            break
    yield node.start, node.end, as_flow(_with(content, keys[depth:], value))


def _insertion(text: str, mapping: Node, entry: str) -> Edit:
    """Return the edit that adds `entry` behind all that `mapping` has."""
    if not mapping.values:
        return mapping.start, mapping.end, f"{{{entry}}}"
    *_, last = mapping.values.values()
    if mapping.is_flow:
        return last.end, last.end, f", {entry}"
    line_end = text.find("\n", last.end)
    line_end = len(text) if line_end < 0 else line_end
    return line_end, line_end, f"\n{' ' * mapping.column}{entry}"


def _node(event: Event, events: Iterator[Event], aliases: Aliases) -> Node:
    """Return the value that begins with `event` and goes on in `events`, and add the aliases in it to `aliases`."""
    start, anchor, text = event.start_mark, getattr(event, "anchor", None), getattr(event, "value", "")
    node = Node(start.index, event.end_mark.index, start.column, anchor, text)
    if isinstance(event, AliasEvent):
        aliases.setdefault(event.anchor, []).append(node)
        node.anchor = None
    elif isinstance(event, CollectionStartEvent):
        inside: list[Node] = []
        for each in events:
            if isinstance(each, CollectionEndEvent):
                node.end = each.end_mark.index if event.flow_style else inside[-1].end  # the mark of a block is behind
                break
            inside.append(_node(each, events, aliases))
        if isinstance(event, MappingStartEvent):
            node.is_mapping, node.is_flow = True, event.flow_style
            node.column = inside[0].column if inside else node.column
            node.values = {key.text: value for key, value in zip(inside[::2], inside[1::2], strict=True)}
    return node


def _with(content: Any, keys: Keys, value: Any) -> Any:
    """Return `content` with `value` at `keys`; what `content` is made of stays as it is."""
    if not keys:
        return value
    key, *others = keys
    return {**content, key: _with(content.get(key, {}), others, value)}


def _holds(path: Path, content: Any) -> bool:
    try:
        return load_yaml(path) == content
    except UserError:
        return False
