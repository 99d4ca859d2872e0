"""A value is set in a YAML file, and nothing else of it changes."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmlcore.common.errors import UserError
from xmlcore.common.yaml_edits import as_flow, set_values
from xmlcore.common.yaml_files import load_yaml
from xmlcore.config.params import load_params

PARAMS = Path(__file__).parents[2] / "params.yaml"
TEXT = """# first
common: &common {rate: 0.5, layers: [1, 2]}   # shared
models:

  small:      # a comment
    rate:   0.25     # another
    "name": 'x'
  flow: {a: {b: 1,}, c: "two, three"}
  empty: {}
  same: *common
# last
end: 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.yaml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize(
    ("keys", "value", "before", "after"),
    [
        ("models small rate", 1e-5, "rate:   0.25     #", "rate:   0.00001     #"),
        ("models small name", "2", "'x'", "'2'"),
        ("models small new", [1, 2], "'x'\n", "'x'\n    new: [1, 2]\n"),
        ("models small a b", True, "'x'\n", "'x'\n    a: {b: true}\n"),
        ("models flow a b", None, "{b: 1,}", "{b: null,}"),
        ("models flow a d", 2, "{b: 1,}", "{b: 1, d: 2,}"),
        ("models flow e", 2, '"two, three"}', '"two, three", e: 2}'),
        ("models flow", 2, '{a: {b: 1,}, c: "two, three"}', "2"),
        ("models empty x y", 0.1, "empty: {}", "empty: {x: {y: 0.1}}"),
        ("models same rate", 1, "*common", "{rate: 1, layers: [1, 2]}"),
        ("models new", "a", "*common\n", "*common\n  new: a\n"),
        ("end", 2, "end: 1\n", "end: 2\n"),
        ("more", 2, "end: 1\n", "end: 1\nmore: 2\n"),
    ],
)
def test_one_value_changes(file: Path, keys: str, value: object, before: str, after: str) -> None:
    set_values(file, {tuple(keys.split()): value})
    assert TEXT.count(before) == 1
    assert file.read_text() == TEXT.replace(before, after)


def test_who_shares_a_mapping_keeps_what_it_had(file: Path) -> None:
    set_values(file, {("common", "rate"): 0.75})
    shared = TEXT.replace("rate: 0.5", "rate: 0.75").replace("*common", "{rate: 0.5, layers: [1, 2]}")
    assert file.read_text() == shared


def test_several_values_at_once_with_other_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("a: {é: 1}\r\nb: 2\r\n".encode())
    set_values(path, {("a", "é"): 3, ("b",): 4})
    assert path.read_bytes() == "a: {é: 3}\r\nb: 4\r\n".encode()


def test_nothing_to_set_leaves_the_file_alone(file: Path) -> None:
    before = file.stat()
    set_values(file, {})
    assert file.stat() == before


@pytest.mark.filterwarnings("ignore::ruamel.yaml.error.ReusedAnchorWarning")
@pytest.mark.parametrize(
    "text", ["a: &x {b: 1}\nc: &x {b: 2}\nd: *x\n", "a: |\n  b\n", "a:\n", "a: [b]\n", "- a\n", "a: b: c"]
)
def test_what_cannot_be_edited_is_refused_and_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as refusal:
        set_values(path, {("a", "b"): 3})
    assert str(path) in str(refusal.value) and len(str(refusal.value).splitlines()) == 1
    assert path.read_text() == text
    assert [*tmp_path.iterdir()] == [path]


def test_in_params_a_model_of_some_corpora_changes_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(PARAMS.read_bytes())
    cells = [("eurlex-4k", "xml_cnn"), ("amazoncat-13k", "mach"), ("bibtex", "xml_cnn"), ("rcv1", "mach")]
    place = "corpus {} model {} training learning_rate"
    set_values(path, {tuple(place.format(*cell).split()): 0.0123 for cell in cells})
    original, changed = load_params(PARAMS), load_params(path)
    assert {changed.model_of(*cell).training.learning_rate for cell in cells} == {0.0123}
    others = [cell for cell in product(original.corpus, original.model) if cell not in cells]
    assert all(changed.model_of(*cell) == original.model_of(*cell) for cell in others)
    assert comments(path) == comments(PARAMS)


def comments(path: Path) -> list[str]:
    return [line.partition(" #")[2] for line in path.read_text().splitlines()]


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab:#'{}", max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_any_value_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.getbasetemp() / "a.yaml"
    path.write_text(f"a: [{as_flow(value)}]\n", encoding="utf-8")
    assert "\n" not in as_flow(value)
    assert load_yaml(path) == {"a": [value]}
