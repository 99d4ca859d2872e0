"""The models of one corpus side by side: hand-made rankings in, marked rows out."""

import json
from pathlib import Path
from typing import Any

import pytest

from xmlcore.common.errors import UserError
from xmlcore.report import story
from xmlcore.report.collect import collect
from xmlcore.report.provenance import read_provenance
from xmlcore.report.render import write_report
from xmlcore.report.results import Results
from xmlcore.report.sections import accuracy as ranking
from xmlcore.report.sections import overview
from xmlcore.report.table import Best, Table


def write(root: Path, place: str, shift: float, seconds: float | None = None, **others: float) -> None:
    """A ranking with P@1 0.5, P@3 0.49 and so on to macro F1 0.4, all raised by `shift` but for the `others`."""
    shares = {key: 0.5 + shift - i / 100 for i, key in enumerate(ranking.METRICS)}
    dump(root / "results" / place / "evaluate/ranking.json", shares | {"PSnDCG@5": 0.3, "micro_F1@5": 0.2} | others)
    if seconds is not None:
        dump(root / "results" / place / "train/timing.json", {"seconds": seconds})


def write_bins(root: Path, place: str, **recalls: float | None) -> None:
    """Bins from a name to a recall, None where the test documents have no label of it; PSP@5 is half the recall."""
    rows = [
        {"frequency": name, "labels": 1200, "pairs": 0 if share is None else 7, "recall@5": share or 0.0}
        | {"PSP@5": (share or 0.0) / 2, "P@5": 0.1}
        for name, share in recalls.items()
    ]
    dump(root / "results" / place / "evaluate/label_bins.json", rows)


def dump(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def read(root: Path) -> Results:
    corpora, models, regimes = ["toy", "other"], ["mach", "xml_cnn"], ["clean", "adversarial"]
    return collect(root, corpora, models, regimes, ["bce", "pw"], 0.1)


def write_baseline(root: Path, shift: float) -> None:
    """The linear classifier of `toy`, with a ranking as `write` makes it."""
    write(root, "toy/linear/clean/squared_hinge", shift, 2.5)
    write_bins(root, "toy/linear/clean/squared_hinge", **{"1-5": 0.25})


def test_a_stack_comes_last(root: Path) -> None:
    write(root, "stack", 0.0)
    write_bins(root, "stack", **{"1-5": 0.25})
    (root / "stacked").mkdir()
    (root / "results/stack/evaluate").rename(root / "stacked/toy")
    write_bins(root, "toy/mach/clean/bce", **{"1-5": 0.5})
    table = ranking.models(read(root))
    assert [row[:2] for row in table.rows][3:] == [("toy", "stacked, weighted on validation"), ("other", "xml_cnn")]
    assert "stacked" in ranking.label_frequencies(read(root)).rows[-1][1]


def marked(table: Table) -> list[list[str]]:
    """The cells in bold, row by row."""
    return [[cell for cell in row if isinstance(cell, Best)] for row in table.rows]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "toy/mach/clean/bce", 0.0, 10.0, macro_F1=0.9)
    write(tmp_path, "toy/xml_cnn/clean/bce", 0.1, 1234.56, **{"P@3": 0.49})
    write(tmp_path, "toy/xml_cnn/adversarial/bce", 0.05)
    write(tmp_path, "other/xml_cnn/clean/pw", 0.2, 5.0)
    return tmp_path


def test_attacks_on_embeddings_do_not_apply_to_the_linear_classifier_and_it_is_not_called_robust(root: Path) -> None:
    write_baseline(root, 0.3)
    results = read(root)
    for table, places in ((story.table(results), slice(7, 9)), (overview.overview(results), slice(7, 10))):
        (row,) = [row for row in table.rows if row[1] == "linear"]
        assert row[:5] == ("toy", "linear", "clean", "squared_hinge", "80.00")
        assert {*row[places]} == {"does not apply"}
        assert all("does not apply" not in other for other in table.rows if other != row)
    assert "linear" not in story.trained(results)


def test_the_linear_classifier_comes_first_and_may_be_best(root: Path) -> None:
    write_baseline(root, 0.3)
    write_bins(root, "toy/mach/clean/bce", **{"1-5": 0.5})
    results = read(root)
    table = ranking.models(results)
    assert table.rows[0][:5] == ("toy", "linear, on tf-idf", "–", "–", "80.00") and table.rows[0][-1] == "2.5"
    assert isinstance(table.rows[0][4], Best)
    assert [row[0] for row in table.rows] == ["toy"] * 4 + ["other"]
    bins = ranking.label_frequencies(results)
    assert [row[4:6] for row in bins.rows] == [("1,200", "25.00"), ("1,200", "50.00")]
    (doubt,) = [doubt for doubt in story.doubts(results) if "linear" in doubt]
    assert doubt == "toy: a linear classifier on tf-idf is ahead, P@1 80.00 against 60.00 %."


def test_a_linear_classifier_that_is_behind_raises_no_doubt(root: Path) -> None:
    write_baseline(root, 0.0)
    assert not [doubt for doubt in story.doubts(read(root)) if "linear" in doubt]


def test_the_models_of_a_corpus_stand_under_each_other(root: Path) -> None:
    table = ranking.models(read(root))
    assert [row[:4] for row in table.rows] == [
        ("toy", "mach", "bce", "Base"),
        ("toy", "xml_cnn", "bce", "Base"),
        ("toy", "xml_cnn", "bce", "Robust"),
        ("other", "xml_cnn", "pw", "Base"),
    ]
    assert [len(group) for group in table.row_groups] == [3, 1]
    measures = "50.00 49.00 48.00 47.00 46.00 45.00 44.00 43.00 42.00 41.00 90.00 10.0"
    assert table.rows[0][4:] == (*measures.split(),)
    assert table.rows[2][-1] == "–"
    names = "P@1 P@3 P@5 nDCG@3 nDCG@5 PSP@1 PSP@3 PSP@5 recall@5"
    assert [column.name for column in table.columns[4:]] == [*names.split(), "micro F1", "macro F1", "Training, s"]


def test_the_best_of_a_corpus_is_marked_and_the_fastest(root: Path) -> None:
    assert marked(ranking.models(read(root))) == [
        ["90.00", "10.0"],
        ["60.00", "58.00", "57.00", "56.00", "55.00", "54.00", "53.00", "52.00", "51.00"],
        ["54.00"],  # P@3
        [],  # alone on its corpus
    ]


def test_what_reads_the_same_is_marked_alike_and_not_at_all_if_all_of_it_does(tmp_path: Path) -> None:
    write(tmp_path, "toy/mach/clean/bce", 0.0, **{"P@1": 0.70001})
    write(tmp_path, "toy/mach/adversarial/bce", 0.0, **{"P@1": 0.69999})
    write(tmp_path, "toy/xml_cnn/clean/bce", 0.0, **{"P@1": 0.6})
    assert marked(ranking.models(read(tmp_path))) == [["70.00"], ["70.00"], []]


def test_a_model_without_a_ranking_has_no_row(root: Path) -> None:
    (root / "results/toy/xml_cnn/clean/bce/evaluate/ranking.json").unlink()
    assert [row[1:4] for row in ranking.models(read(root)).rows[:2]] == [
        ("mach", "bce", "Base"),
        ("xml_cnn", "bce", "Robust"),
    ]


def test_without_any_ranking_the_tables_are_empty(project: Path) -> None:
    results = collect(project, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], 0.1)
    assert ranking.models(results).rows == ranking.label_frequencies(results).rows == ()


def test_every_bin_has_its_labels_its_recall_and_its_part_of_psp(root: Path) -> None:
    write_bins(root, "toy/mach/clean/bce", **{"0": None, "1-5": 0.2, "6+": 0.5})
    write_bins(root, "toy/xml_cnn/adversarial/bce", **{"0": None, "1-5": 0.1, "6+": 0.6})
    write_bins(root, "other/xml_cnn/clean/pw", **{"0": 0.0, "1-9": 0.3})
    table = ranking.label_frequencies(read(root))
    assert table.column_groups == [("", 4), *((f"{name} documents", 3) for name in ("0", "1-5", "6+", "1-9"))]
    nothing = ("–",) * 3
    unseen = ("1,200", "–", "–")
    assert table.rows == (
        ("toy", "mach", "bce", "Base", *unseen, "1,200", "20.00", "10.00", "1,200", "50.00", "25.00", *nothing),
        ("toy", "xml_cnn", "bce", "Robust", *unseen, "1,200", "10.00", "5.00", "1,200", "60.00", "30.00", *nothing),
        ("other", "xml_cnn", "pw", "Base", "1,200", "0.00", "0.00", *nothing, *nothing, "1,200", "30.00", "15.00"),
    )
    assert marked(table) == [["20.00", "10.00"], ["60.00", "30.00"], []]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("results/toy/mach/clean/bce/evaluate/ranking.json", {"P@1": 0.5}, r"ranking\.json: P@3: "),
        (
            "results/toy/mach/clean/bce/evaluate/label_bins.json",
            [{"frequency": 3}],
            r"label_bins\.json: 0\.frequency: ",
        ),
    ],
)
def test_a_broken_file_is_refused_by_its_name(root: Path, name: str, content: Any, complaint: str) -> None:
    dump(root / name, content)
    with pytest.raises(UserError, match=complaint):
        read(root)


def test_both_forms_show_the_tables_with_the_best_in_bold(root: Path) -> None:
    write_bins(root, "toy/mach/clean/bce", **{"1-5": 0.2})
    (root / "params.yaml").write_text("corpora: [toy]\ncorpus: {toy: {}}\n")
    results = read(root)
    folder = root / "report"
    folder.mkdir()
    write_report(folder, results, read_provenance(root, results.corpora))
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert (
        page.count('<th scope="row" class="repeated">toy</th>') >= 2
        and "<td><b>60.00</b></td>" in page
        and "<td>50.00</td>" in page
    )
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "| toy | xml\\_cnn | bce | Base | **60.00** | 49.00 | **58.00** |" in text
    assert "| toy | mach | bce | Base | 1,200 | 20.00 | 10.00 |" in text
