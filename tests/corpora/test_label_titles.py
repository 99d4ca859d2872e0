import gzip
from pathlib import Path

import pytest

from xmlcore.common.errors import UserError
from xmlcore.corpora.label_titles import load_titles, read_titles, write_titles
from xmlcore.data.text_reader import TextReader, load_text_reader, write_text_reader
from xmlcore.data.tokens import Vocabulary


def test_pairs_plain_or_compressed(tmp_path: Path) -> None:
    content = "p1\tgrain  prices\np 2\tcafe\u0301\np3\t \n".encode()
    (tmp_path / "labels.tsv").write_bytes(content)
    (tmp_path / "labels.tsv.gz").write_bytes(gzip.compress(content))
    for name in ("labels.tsv", "labels.tsv.gz"):
        assert read_titles(tmp_path / name, "en") == {"p1": "grain prices", "p_2": "café"}


def test_preferred_labels_of_skos_in_the_chosen_language(tmp_path: Path) -> None:
    (tmp_path / "terms.ttl").write_text(
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        '<http://x/terms/p1> a skos:Concept; skos:prefLabel "grain"@en, "vilja"@fi; skos:notation "63" .\n'
        '<http://x/terms#p2> a skos:Concept; skos:prefLabel "laiva"@fi .\n'
    )
    english = read_titles(tmp_path / "terms.ttl", "en")
    assert {english[key] for key in ("p1", "63", "http://x/terms/p1", "<http://x/terms/p1>")} == {"grain"}
    assert "p2" not in english
    assert read_titles(tmp_path / "terms.ttl", "fi")["p2"] == "laiva"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.tsv", "p1 grain\n", r"labels\.tsv:1: not `id<TAB>title`"),
        ("terms.ttl", "<http", r"terms\.ttl: not SKOS"),
        ("my_labels.txt", "corn\ncaf\xe9\n", r"my_labels\.txt:2: not utf-8; convert the file to utf-8"),
    ],
)
def test_what_is_none_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=message):
        read_titles(tmp_path / name, "en")


def test_titles_survive_storage_and_are_shown_beside_the_name(tmp_path: Path) -> None:
    write_titles(tmp_path / "titles.tsv", {"p1": "grain"})
    titles = load_titles(tmp_path / "titles.tsv")
    assert load_titles(tmp_path / "none.tsv") == {}
    write_text_reader(tmp_path, TextReader(Vocabulary(["corn"]), ["p1", "p2"], "words", 5, titles=titles))
    reader = load_text_reader(tmp_path)
    assert reader.shown_labels == ["grain (p1)", "p2"]
    assert reader.tokenize("Corn!") == ["corn"]


@pytest.mark.parametrize("name", ["my_labels.txt", "AmazonCat-13K_label_map.txt", "Y.txt"])
def test_titles_alone_are_those_of_labels_by_number(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("Corn, and wheat\n\nShips\n")
    assert read_titles(file, "en") == {"0": "Corn, and wheat", "2": "Ships"}
    file.write_text("Corn\n7\tShips\n")
    with pytest.raises(UserError, match=f"{name}:2: `id<TAB>title`, but the first line is a title alone"):
        read_titles(file, "en")
