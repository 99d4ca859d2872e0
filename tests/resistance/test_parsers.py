"""Every parser, given damaged and hostile inputs, gives a valid result or one line; `benchmarks/fuzz.py` tries more."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import Hang, Trial, limits
from hostile.archives import unpacked_safely
from hostile.parsers import PARSERS
from hostile.parsers.base import Parser
from hostile.parsers.corpora import CORPORA
from xmlcore.common.errors import UserError
from xmlcore.config.params import Convert
from xmlcore.corpora.formats.converters import CONVERTERS

INPUTS, SLOW_INPUTS = 15, 4


def test_every_format_of_the_parameters_has_a_converter_that_is_tried() -> None:
    assert set(CONVERTERS) == set(get_args(Convert.model_fields["format"].annotation)) == set(CORPORA)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
@pytest.mark.filterwarnings("ignore")
def test_every_input_gives_a_valid_result_or_one_line(parser: Parser, tmp_path: Path) -> None:
    trial = Trial(parser, tmp_path)

    @settings(
        max_examples=SLOW_INPUTS if parser.slow else INPUTS, suppress_health_check=list(HealthCheck), database=None
    )
    @given(data=st.data())
    def read(data: st.DataObject) -> None:
        trial(data.draw(parser.inputs(parser.files()[parser.target])))

    read()
    assert trial.outcomes["tried"] >= SLOW_INPUTS


def parser_that(read) -> Parser:
    return Parser("toy", lambda: {"file": b""}, "file", read)


def fault(*_: object) -> None:
    raise ZeroDivisionError


def nameless(folder: Path) -> None:
    raise UserError("mend it")


def greedy(folder: Path) -> None:
    try:
        bytes(1 << 34)
    except MemoryError as error:
        raise UserError(f"{folder}: damaged") from error


def untidy(folder: Path) -> None:
    (folder / "half").touch()


@pytest.mark.parametrize("read", [fault, nameless, greedy, untidy])
def test_what_breaks_the_promise_is_seen(read, tmp_path: Path) -> None:
    trial = Trial(parser_that(lambda folder: None), tmp_path)
    trial(b"harmless")
    trial._parser = parser_that(read)
    with pytest.raises((ZeroDivisionError, AssertionError)):
        trial(b"")


def test_a_hang_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.SECONDS", 0.05)
    with pytest.raises(Hang), limits():
        while True:
            pass


def test_an_archive_that_changes_something_outside_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("xmlcore.corpora.archives.unpack", lambda archive, *_, **__: archive.with_name("evil").touch())
    with pytest.raises(AssertionError, match="outside"):
        unpacked_safely(tmp_path, "corpus.tar")
