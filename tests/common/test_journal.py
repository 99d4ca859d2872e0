import pytest

from xmlcore.common.journal import Journal, fingerprint


def test_what_was_appended_is_there_in_the_next_run(tmp_path):
    journal = Journal(tmp_path / "deep" / "j", "a")
    for value in ([{"word": "naïve\n"}], []):
        journal.append(value)
    again = Journal(tmp_path / "deep" / "j", "a")
    assert [again[i] for i in range(len(again))] == [[{"word": "naïve\n"}], []]
    again.remove()
    assert len(Journal(tmp_path / "deep" / "j", "a")) == 0


def test_another_fingerprint_starts_clean(tmp_path):
    Journal(tmp_path / "j", "a").append([1])
    assert len(Journal(tmp_path / "j", "b")) == 0
    assert len(Journal(tmp_path / "j", "a")) == 0


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_run_killed_while_it_wrote_loses_that_value_alone(tmp_path, cut):
    journal = Journal(tmp_path / "j", "a")
    journal.append(["first"])
    journal.append(["second"])
    content = (tmp_path / "j").read_bytes()
    (tmp_path / "j").write_bytes(content[:-cut])
    again = Journal(tmp_path / "j", "a")
    kept = {0: [], 1: [["first"]], 2: [["first"], ["second"]]}[len(again)]
    assert [again[i] for i in range(len(again))] == kept
    again.append(["third"])
    assert Journal(tmp_path / "j", "a")[len(kept)] == ["third"]


def test_lines_in_another_order_or_repeated_are_dropped(tmp_path):
    for value in ("first", "second"):
        Journal(tmp_path / "j", "a").append([value])
    mark, first, second = (tmp_path / "j").read_bytes().splitlines(keepends=True)
    for content, kept in ((mark + second + first, 0), (mark + first + first, 1), (mark + first + mark + second, 1)):
        (tmp_path / "j").write_bytes(content)
        again = Journal(tmp_path / "j", "a")
        assert [again[i] for i in range(len(again))] == [["first"], ["second"]][:kept]


@pytest.mark.parametrize("position", range(0, 64, 3))
def test_a_byte_that_has_changed_drops_its_line_and_those_after_it(tmp_path, position):
    journal = Journal(tmp_path / "j", "a")
    journal.append(["first"])
    journal.append(["second"])
    content = bytearray((tmp_path / "j").read_bytes())
    content[position] ^= 1
    (tmp_path / "j").write_bytes(content)
    again = Journal(tmp_path / "j", "a")
    assert [again[i] for i in range(len(again))] == [["first"], ["second"]][: len(again)]
    assert len(again) < 2


def test_the_fingerprint_sees_content_names_and_values(tmp_path):
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "a").write_text("1")
    first = fingerprint([folder], {"k": 5})
    assert first == fingerprint([folder], {"k": 5}) != fingerprint([folder], {"k": 6})
    (folder / "a.pyc").write_text("cache")
    assert fingerprint([folder], {"k": 5}) == first
    (folder / "a").rename(folder / "b")
    assert fingerprint([folder], {"k": 5}) != first
    (folder / "b").rename(folder / "a")
    (folder / "a").write_text("2")
    assert fingerprint([folder], {"k": 5}) != first
