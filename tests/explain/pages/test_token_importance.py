from xml.etree import ElementTree

from xmlcore.explain.attributions import ShapValues
from xmlcore.explain.pages.token_importance import token_importance, write_importance_chart


def values(tokens, weights):
    return ShapValues(label=0, score=0.5, base_value=0.1, tokens=tokens, weights=weights)


def test_absolute_values_are_summed_over_occurrences_and_documents():
    ranking = token_importance([values(["a", "b", "a"], [0.5, -2, -0.5]), values(["b", "c"], [1, 0.5])], 2)
    assert ranking == [{"token": "b", "importance": 3}, {"token": "a", "importance": 1}]


def test_ties_go_by_the_token():
    ranking = token_importance([values(["z", "m", "a"], [1, -1, 1])], 3)
    assert [row["token"] for row in ranking] == ["a", "m", "z"]


def test_chart_is_reproducible_and_hostile_tokens_are_text(tmp_path):
    tokens = ["<script>alert(1)</script>", "$\\frac{$", "nul\x00", "--><script>", "x" * 500]
    ranking = token_importance([values(tokens, [5.0, 4, 3, 2, 1])], 20)
    for name in ("one.svg", "two.svg"):
        write_importance_chart(tmp_path / name, ranking)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    tree = ElementTree.parse(tmp_path / "one.svg")
    assert not [element.tag for element in tree.iter() if element.tag.endswith("script")]
    texts = ["".join(element.itertext()) for element in tree.iter() if element.tag.endswith("}text")]
    assert {"<script>alert(1)</script>", "$\\frac{$", "nul\ufffd", "--><script>"} <= set(texts)


def test_chart_of_nothing_is_drawn(tmp_path):
    write_importance_chart(tmp_path / "empty.svg", [])
    ElementTree.parse(tmp_path / "empty.svg")
