import json

from hypothesis import given
from hypothesis import strategies as st

from xmlcore.report.escaping import json_in_html, markdown_code_block, markdown_value, printable


@given(st.text())
def test_markdown_text_opens_no_html_and_ends_no_cell(text: str) -> None:
    escaped = str(markdown_value(text))
    assert not set("<>\n\r") & set(escaped)
    bare = escaped.replace("\\\\", "")
    assert all(bare[i - 1 : i] == "\\" for i, character in enumerate(bare) if character in "|`[")


def test_markdown_values_keep_ordinary_text() -> None:
    assert markdown_value("P@1 of 12,345 documents (95.07)") == "P@1 of 12,345 documents (95.07)"


@given(st.text())
def test_a_code_block_cannot_be_ended(text: str) -> None:
    assert all(line.startswith("    ") for line in markdown_code_block(text).split("\n") if text)


def test_control_characters_and_direction_marks_are_shown_as_replaced() -> None:
    assert printable("a\x00b\u202ec\td") == "a\ufffdb\ufffdc\td"


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_in_a_page_opens_and_ends_nothing(value: object) -> None:
    text = str(json_in_html(value))
    assert not set("<>&\u2028\u2029") & set(text)
    json.loads(text)


def test_json_in_a_page_keeps_ordinary_text() -> None:
    assert json.loads(json_in_html({"a < b & c": ["\u2028é</script>", 1.5, None]})) == {
        "a < b & c": ["\u2028é</script>", 1.5, None]
    }
