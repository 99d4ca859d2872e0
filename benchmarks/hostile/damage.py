"""Hostile inputs, as hypothesis strategies: a valid file damaged in a few places, or something else in its stead."""

import bz2
import gzip
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

Bytes = st.SearchStrategy[bytes]

TOKENS = [
    *(
        b"",
        b"\t",
        b"\n",
        b"\r\n",
        b"\r",
        b" ",
        b":",
        b",",
        b".",
        b"/",
        b"..",
        b"\\",
        b'"',
        b"'",
        b"<",
        b"{",
        b"]",
        b"-",
    ),
    *(b"0", b"-1", b"1.5", b"1e999", b"nan", b"-inf", b"1_0", b"0x", b"9" * 30, b"9" * 5000, b"null", b"true"),
    *(b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1b[31m", b"\x7f", b"\x85"),
    *(each.encode() for each in ("\u2028", "\u202e", "\u2066", "\u0660", "\ufffe", "e\u0301", "\U0001f4a9")),
]
FLOODS = [b"[" * 20_000, b'{"a":' * 5_000, b"\n" * 50_000, b"x" * 1_000_000, b"a " * 500_000, b"(" * 20_000]
NUMBERS = [b"0", b"-1", b"-7", b"1e5", b"nan", b"2147483648", b"9223372036854775808", b"1e999", b"0.1", b"9" * 400]
VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, 2**31, 2**63, 10**30, 1e300, float("nan"), float("-inf")),
    *("", "x", "\0", "../..", "a\nb", "\u2028", "\u202e", "\ud800", "x" * 5000, "nan", "2020-99-99"),
    *([], [[]], {}, {"": None}, [None] * 3, {"x": {"x": {}}}),
]


def pieces(valid: bytes) -> Bytes:
    """`valid` with a piece cut out, repeated, or replaced by a hostile one."""
    ends = st.integers(0, len(valid))
    whatever = st.sampled_from(TOKENS) | st.binary(max_size=20)

    def replace(first: int, second: int, token: bytes | None) -> bytes:
        start, end = min(first, second), max(first, second)
        return valid[:start] + (2 * valid[start:end] if token is None else token) + valid[end:]

    return st.builds(replace, ends, ends, whatever | st.none()) | st.builds(
        replace, ends, st.just(len(valid)), whatever
    )


def flipped(valid: bytes) -> Bytes:
    """`valid` with one byte changed."""

    def flip(position: int, mask: int) -> bytes:
        return valid[:position] + bytes([valid[position] ^ mask]) + valid[position + 1 :]

    return st.builds(flip, st.integers(0, len(valid) - 1), st.integers(1, 255)) if valid else st.just(valid)


def inserted(valid: bytes, tokens: Sequence[bytes]) -> Bytes:
    """`valid` with one of `tokens` somewhere in it."""
    return st.builds(
        lambda at, token: valid[:at] + token + valid[at:], st.integers(0, len(valid)), st.sampled_from(tokens)
    )


def renumbered(valid: bytes) -> Bytes:
    """`valid` with one of its numbers made negative, huge or no number."""
    places = [match.span() for match in re.finditer(rb"[0-9]+", valid)]
    if not places:
        return st.just(valid)
    number = st.sampled_from(NUMBERS) | st.integers(0, 300).map(lambda value: str(value).encode())
    return st.builds(lambda at, new: valid[: at[0]] + new + valid[at[1] :], st.sampled_from(places), number)


def rearranged(valid: bytes) -> Bytes:
    """`valid` with its lines in another order, some of them repeated or missing, or ending otherwise."""
    lines = valid.splitlines(keepends=True) or [b""]
    shuffled = st.lists(st.sampled_from(lines), max_size=len(lines) + 2).map(b"".join)
    return shuffled | st.sampled_from(
        [valid.replace(b"\n", b"\r\n"), valid.replace(b"\n", b"\r"), b"\xef\xbb\xbf" + valid]
    )


def damaged(valid: bytes) -> Bytes:
    """Bytes that are, or nearly are, or once were `valid`."""
    kinds: list[Callable[[bytes], Bytes]] = [pieces, flipped, renumbered, rearranged, lambda it: inserted(it, TOKENS)]
    once = st.one_of(*(kind(valid) for kind in kinds))
    twice = once.flatmap(lambda it: st.one_of(*(kind(it) for kind in kinds)) if len(it) < 20_000 else st.just(it))
    flooded = inserted(valid, FLOODS)
    whatever = st.binary(max_size=200) | st.text(max_size=100).map(lambda it: it.encode("utf-8", "surrogatepass"))
    return st.one_of(once, once, twice, twice, whatever, st.just(valid), flooded)


def damaged_json(valid: Any) -> Bytes:
    """The JSON `valid` with one of its values replaced, its key removed, or another key beside it."""
    places = [*_places(valid, ())]

    def change(place: tuple, value: Any, kind: str) -> bytes:
        return json.dumps(_changed(valid, place, value, kind)).encode()

    value = st.sampled_from(VALUES) | st.integers() | st.floats() | st.text(max_size=10)
    return st.builds(change, st.sampled_from(places), value, st.sampled_from(["replace", "replace", "remove", "add"]))


def _places(value: Any, path: tuple) -> Any:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*path, key))


def _changed(value: Any, place: tuple, new: Any, kind: str) -> Any:
    if not place:
        return new
    changed = value.copy()
    if len(place) > 1 or kind == "replace":
        changed[place[0]] = _changed(value[place[0]], place[1:], new, kind)
    elif kind == "remove":
        del changed[place[0]]
    elif isinstance(changed, dict):
        changed["another"] = new
    else:
        changed.append(new)
    return changed


def damaged_text(valid: bytes) -> Bytes:
    """A JSON or any other text, damaged as bytes or as values."""
    return damaged(valid) | damaged_json(json.loads(valid))


def compressed(compress: Callable[[bytes], bytes]) -> Callable[[bytes], Bytes]:
    """Damaged before or after it was compressed; `valid` is the compressed file."""
    decompress = {gzip.compress: gzip.decompress, bz2.compress: bz2.decompress}[compress]
    bombs = st.sampled_from([compress(b"x" * (100 << 20)), compress((b"1\t" + b"x" * 9997 + b"\n") * 10_000)])
    return lambda valid: st.one_of(*2 * [damaged(valid)], *4 * [damaged(decompress(valid)).map(compress)], bombs)
