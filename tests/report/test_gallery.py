"""The gallery: what goes into the page for its script to show."""

import json
from pathlib import Path

import pytest
from disk import HOSTILE, write
from test_render import Page
from test_render import write as write_report
from trust import PLACES, gallery_entry

from xmlcore.common.errors import UserError
from xmlcore.report.collect import collect
from xmlcore.report.results import Results
from xmlcore.report.sections.gallery import STRENGTHS, gallery, ranks


def read(root: Path) -> Results:
    return collect(root, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)


def test_the_cells_of_a_model_share_the_texts_of_a_case(trusted: Path) -> None:
    (shelf,) = gallery(read(trusted))
    assert (shelf["title"], shelf["cells"]) == ("toy · xml_cnn", ["clean · bce", "adversarial · bce"])
    assert len(shelf["cases"]) == 3
    case = shelf["cases"][0]
    assert case["name"] == "Document 12: C15 (positive, masked lm)"
    assert case["texts"]["original"]["changed"] == [2, 6]
    clean, robust = case["readings"]
    assert [reading["attacked"]["rank"] for reading in (clean, robust)] == [9, 2]
    assert [method["name"] for method in clean["original"]["methods"]] == ["LIME", "SHAP", "IG"]


def test_weights_are_whole_numbers_of_the_largest(trusted: Path) -> None:
    method = gallery(read(trusted))[0]["cases"][0]["readings"][0]["original"]["methods"][0]
    assert method["largest"] == 0.07
    assert method["strengths"] == [round(STRENGTHS * weight / 7) for weight in (1, -2, 3, -4, 5, -6, 7)]


def test_a_text_without_weight_has_no_strengths(trusted: Path) -> None:
    entry = gallery_entry(12, "C15", 9)
    entry["texts"]["original"]["weights"] = {"ig": [0.0] * 7}
    write(trusted / "results" / PLACES[0] / "explain_attacks/gallery.json", [entry])
    (method,) = gallery(read(trusted))[0]["cases"][0]["readings"][0]["original"]["methods"]
    assert method == {"name": "IG", "largest": 0.0, "strengths": [0] * 7}


def test_other_words_are_another_case_and_a_model_that_was_not_asked_has_no_reading(trusted: Path) -> None:
    entry = gallery_entry(12, "C15", 9)
    entry["texts"]["attacked"]["tokens"][0] = "loss"
    write(trusted / "results" / PLACES[1] / "explain_attacks/gallery.json", [entry])
    cases = gallery(read(trusted))[0]["cases"]
    assert [[reading is None for reading in case["readings"]] for case in cases] == [[False, True]] * 3 + [
        [True, False]
    ]


def test_ranks_have_a_row_for_each_case_and_cell(trusted: Path) -> None:
    table = ranks(read(trusted))
    assert len(table.rows) == 6
    assert table.rows[0][4:] == ("C15", "12", "positive", "masked_lm", "0.900", "0.100", "1", "9")


def test_the_data_in_the_page_end_no_element_and_read_back_as_they_were(trusted: Path) -> None:
    text = (write_report(trusted) / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.tags.count("script") == 2  # the page's own and the data
    start = text.index(">", text.index('id="gallery-data"')) + 1
    data = text[start : text.index("</script>", start)]
    assert not {"<", ">", "&", "\u2028", "\u2029", "\u202e"} & set(data)
    (shelf,) = json.loads(data)
    assert shelf["cases"][1]["label"] == HOSTILE.replace("\u202e", "\ufffd").replace("\x00", "\ufffd")


def test_without_a_gallery_there_is_no_control(project: Path) -> None:
    text = (write_report(project) / "index.html").read_text(encoding="utf-8")
    assert 'id="gallery-data"' not in text and "<select" not in text
    assert 'id="gallery"' not in text


@pytest.mark.parametrize("broken", ["weights", "changed"])
def test_positions_and_weights_must_match_the_tokens(trusted: Path, broken: str) -> None:
    path = trusted / "results" / PLACES[0] / "explain_attacks/gallery.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    text = entries[1]["texts"]["attacked"]
    if broken == "weights":
        text["weights"]["ig"].pop()
    else:
        text["changed"].append(len(text["tokens"]))
    write(path, entries)
    with pytest.raises(UserError, match=r"gallery\.json: 1: .*`dvc repro`"):
        read(trusted)
