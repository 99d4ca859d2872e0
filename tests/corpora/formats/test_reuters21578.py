from collections.abc import Callable

import pytest

from xmlcore.common.errors import UserError
from xmlcore.corpora.records import Record

TEXT = "<TITLE>BAHIA &lt;BCR></TITLE>\n<DATELINE>x</DATELINE><BODY>Showers\n  fell.\n Reuter\n&#3;</BODY>"


def document(number: int, split: str, topics: list[str], text: str = TEXT, has_topics: str = "YES") -> str:
    tags = "".join(f"<D>{topic}</D>" for topic in topics)
    return (
        f'<REUTERS TOPICS="{has_topics}" LEWISSPLIT="{split}" OLDID="5" NEWID="{number}">\n'
        f"<TOPICS>{tags}</TOPICS>\n<PLACES><D>usa</D></PLACES>\n<UNKNOWN>\n&#5;C T</UNKNOWN>\n"
        f"<TEXT>&#2;\n{text}</TEXT>\n</REUTERS>\n"
    )


FILES = {
    "reut2-000.sgm": '<!DOCTYPE lewis SYSTEM "lewis.dtd">\n'
    + document(1, "TRAIN", ["cocoa", "rare"])
    + document(2, "TRAIN", ["rare"], text="<TITLE>ONLY TITLE</TITLE>")
    + document(3, "TRAIN", [])
    + document(4, "TRAIN", ["cocoa"], has_topics="BYPASS")
    + document(5, "NOT-USED", ["cocoa"]),
    "reut2-001.sgm": document(6, "TEST", ["cocoa"], text="  WHOLE\nTEXT caf\xe9 &#5;").encode("latin-1"),
}


def test_modapte_with_topics_of_both_parts(convert: Callable) -> None:
    assert convert("reuters21578", FILES) == {
        "train": [Record("1", ("cocoa",), "BAHIA <BCR> Showers fell. Reuter"), Record("2", (), "ONLY TITLE")],
        "test": [Record("6", ("cocoa",), "WHOLE TEXT café")],
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"no file reut2-000\.sgm"),
        ("", r"reut2-000\.sgm: the file is empty"),
        ("\n", r"reut2-000\.sgm: no <REUTERS> document"),
        ("noise\n", r"reut2-000\.sgm:1: text outside"),
        (document(1, "TRAIN", ["a"]) + "noise\n", r"reut2-000\.sgm:13: text outside"),
        (document(1, "TRAIN", ["a"]).replace("</REUTERS>", ""), r"reut2-000\.sgm:1: <REUTERS> without </REUTERS>"),
        (document(1, "TRAIN", ["a"]).replace("</REUTERS>\n", "") * 2, r"reut2-000\.sgm:1: <REUTERS> without"),
        (document(1, "TRAIN", ["a"]).replace("NEWID", "ID"), r"reut2-000\.sgm:1: <REUTERS> without NEWID"),
        (document(1, "TRAIN", ["a"]).replace("LEWISSPLIT", "SPLIT"), r"reut2-000\.sgm:1: .* without LEWISSPLIT"),
        (document(1, "TRAIN", ["a"]).replace("</TOPICS>", ""), r"reut2-000\.sgm:1: a document without <TOPICS>"),
        (document(1, "TRAIN", ["a"]).replace("</TEXT>", ""), r"reut2-000\.sgm:1: a document without <TEXT>"),
        (document(1, "TRAIN", ["a"], text=f"&#{'9' * 5000};"), r"reut2-000\.sgm:1: a character reference too long"),
        (document(1, "TRAIN", ["elsewhere"]), r"no topic occurs in both the train and the test documents"),
    ],
)
def test_bad_input_is_one_clear_error(convert: Callable, content: str | None, message: str) -> None:
    files = FILES | {"reut2-000.sgm": content} if content is not None else {"reut2-001.sgm": FILES["reut2-001.sgm"]}
    with pytest.raises(UserError, match=message):
        convert("reuters21578", files)
