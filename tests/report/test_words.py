"""Attacks that substitute words in the report: hand-made files in, tables, figures and marked texts out."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from test_render import Page, write

from xmlcore.common.errors import UserError
from xmlcore.report.collect import collect
from xmlcore.report.results import Results
from xmlcore.report.sections import word_examples, word_figures, word_tables
from xmlcore.report.sections.word_examples import Example, Span, excerpt
from xmlcore.report.table import Best

HOSTILE = "\u202e<script>alert(1)</script>|`~~**\n\n# no heading\r![x](http://x)<!--"
WORDS = [f"w{i}" for i in range(40)]


def rates(success: float, clean: float = 1.0, thresholds: tuple[float, ...] = (0.0, 0.5, 0.75, 0.9)) -> dict[str, Any]:
    """Of ever fewer successes the more alike the texts must be."""
    shares = {"clean_accuracy": clean, "success_rate": success, "accuracy_under_attack": clean * (1 - success)}
    return {"samples": 1000} | shares | {f"success_rate@{each:.2f}": success * (1 - each) for each in thresholds}


def summary(success: float, clean: float = 1.0) -> dict[str, Any]:
    means = {"similarity": 0.876, "change_rate": 0.0123} if success else {"similarity": None, "change_rate": None}
    return rates(success, clean) | means | {"queries": 1234.5}


def bins(*successes: float, generator: str = "masked_lm", goal: str = "positive") -> list[dict[str, Any]]:
    """Of labels with 1, with 2 to 9, with 3 to 19 ... training documents."""
    edges = [(1, 1), (2, 9), (10, 1234)]
    return [
        {"goal": goal, "generator": generator, "lowest": lowest, "highest": highest} | rates(success)
        for (lowest, highest), success in zip(edges, successes, strict=False)
    ]


def attack(document: int, *changes: tuple[int, str], **others: Any) -> dict[str, Any]:
    """A success that drives C15 from the first to the sixth rank by `changes`, positions and substitutes."""
    return {
        "goal": "positive",
        "generator": "masked_lm",
        "document": document,
        "doc_id": f"d{document}",
        "bin": {"lowest": 2, "highest": 9},
        "labels": ["C15"],
        "true_labels": ["C15", "M11"],
        "words": WORDS,
        "changes": [{"position": at, "word": WORDS[at], "substitute": substitute} for at, substitute in changes],
        "ranks_before": [1],
        "ranks_after": [6],
        "best_before": ["C15", "M11"],
        "best_after": ["M11", "E12"],
        "clean": True,
        "success": True,
        "similarity": 0.9,
        "change_rate": 0.025,
        "queries": 80,
    } | others


def dump(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def dump_attacks(root: Path, *attacks: dict[str, Any], place: str = "toy/xml_cnn/clean/bce") -> None:
    path = root / "results" / place / "attack_words/attacks.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in attacks), encoding="utf-8")


def read(root: Path) -> Results:
    return collect(root, ["toy"], ["xml_cnn"], ["adversarial", "clean"], ["pw", "bce"], 0.1)


def shown(root: Path) -> list[Example]:
    """The examples of the only model."""
    (found,) = word_examples.examples(read(root))
    return [*found.rows]


def texts_of(svg: str) -> list[str]:
    return [
        "".join(each.itertext()).strip() for each in ElementTree.fromstring(svg).iter() if each.tag.endswith("text")
    ]


@pytest.fixture
def attacked(project: Path) -> Path:
    """`toy` attacked in three cells, and a cell of `other` with another goal, generator and regime."""
    negative = {"gradient": summary(0.0), "masked_lm": summary(0.25)}
    positive = {"gradient": summary(0.8), "masked_lm": summary(0.9)}
    dump(
        project / "results/toy/xml_cnn/clean/bce/attack_words/summary.json",
        {"negative": negative, "positive": positive},
    )
    dump(
        project / "results/toy/xml_cnn/clean/pw/attack_words/summary.json",
        {"positive": {"masked_lm": summary(0.5, clean=0.6)}},
    )
    dump(
        project / "results/toy/xml_cnn/adversarial/bce/attack_words/summary.json",
        {"positive": {"gradient": summary(0.0, clean=0)}},
    )
    dump(
        project / "results/toy/xml_cnn/clean/bce/attack_words/by_frequency.json",
        bins(0.9, 0.5, 0.1) + bins(1.0, goal="negative"),
    )
    dump(project / "results/toy/xml_cnn/clean/pw/attack_words/by_frequency.json", bins(0.6, 0.5))
    dump(project / "results/toy/xml_cnn/adversarial/bce/attack_words/by_frequency.json", bins(0.7, 0.6, 0.2))
    dump(
        project / "results/other/xml_cnn/substituted/bce/attack_words/summary.json",
        {"non_targeted": {"deletion": summary(0.5, 0.5)}},
    )
    dump_attacks(project, attack(3, (0, "gold")), attack(4, (1, "tin"), success=False))
    dump(project / "results/toy/xml_cnn/clean/bce/attack_words/clusters.json", [["C15", "C151"], ["M11", "M12", "M13"]])
    return project


def test_every_goal_and_generator_has_a_row_the_clean_regime_and_positive_targets_first(attacked: Path) -> None:
    table = word_tables.attacks(read(attacked))
    assert [column.name for column in table.columns[6:10]] == [
        "Samples",
        "Clean accuracy",
        "Success rate",
        "Success rate, similarity ≥ 0.75",
    ]
    means = ("0.88", "1.23", "1,234")
    nothing = ("–", "–", "1,234")
    clean, robust = ("toy", "xml_cnn", "clean"), ("toy", "xml_cnn", "adversarial")
    assert table.rows == (
        (*clean, "pw", "positive", "masked_lm", "1,000", "60.00", "50.00", "12.50", "30.00", *means),
        (*clean, "bce", "positive", "masked_lm", "1,000", "100.00", "90.00", "22.50", "10.00", *means),
        (*clean, "bce", "positive", "gradient", "1,000", "100.00", "80.00", "20.00", "20.00", *means),
        (*clean, "bce", "negative", "masked_lm", "1,000", "100.00", "25.00", "6.25", "75.00", *means),
        (*clean, "bce", "negative", "gradient", "1,000", "100.00", "0.00", "0.00", "100.00", *nothing),
        (*robust, "bce", "positive", "gradient", "1,000", "0.00", "–", "–", "0.00", *nothing),
    )
    assert [len(group) for group in table.row_groups] == [6]


@pytest.mark.parametrize(
    ("thresholds", "nearest"), [((0.0, 0.5, 0.9), 0.9), ((0.7, 0.8), 0.8), ((0.7, 0.9), 0.9), ((), 0.8)]
)
def test_the_threshold_is_the_nearest_that_was_swept(
    tmp_path: Path, thresholds: tuple[float, ...], nearest: float
) -> None:
    rows = [{"goal": "positive", "generator": "synonyms", "lowest": 1, "highest": 2} | rates(0.5, 1.0, thresholds)]
    dump(tmp_path / "results/toy/xml_cnn/clean/bce/attack_words/by_frequency.json", rows)
    assert word_tables.similarity_threshold(read(tmp_path)) == nearest


def test_defences_stand_under_each_other_by_generator(attacked: Path) -> None:
    table = word_tables.defences(read(attacked))
    assert table.column_groups == [("", 4), ("masked_lm", 3), ("gradient", 3)]
    assert table.rows == (
        ("toy", "xml_cnn", "clean", "pw", "60.00", "50.00", "30.00", "–", "–", "–"),
        ("toy", "xml_cnn", "clean", "bce", "100.00", "90.00", "10.00", "100.00", "80.00", "20.00"),
        ("toy", "xml_cnn", "adversarial", "bce", "–", "–", "–", "0.00", "–", "0.00"),
    )


def test_clusters_are_a_sample_of_the_first_model(attacked: Path) -> None:
    assert word_tables.clusters(read(attacked)).rows == (("toy", "1", "C15; C151"), ("toy", "2", "M11; M12; M13"))
    many = [[str(i)] * 9 for i in range(1, 1001)]
    dump(attacked / "results/toy/mach/clean/bce/attack_words/clusters.json", many)
    results = collect(attacked, ["toy"], ["mach", "xml_cnn"], ["clean"], ["bce"], 0.1)
    rows = word_tables.clusters(results).rows
    assert [row[1] for row in rows] == ["1", "201", "401", "601", "801"]
    assert rows[1][2] == "; ".join(["201"] * 8 + ["…"])


def test_success_by_frequency_has_a_line_for_each_loss_and_one_for_each_regime(attacked: Path) -> None:
    (losses,) = word_figures.success_by_loss(read(attacked))
    assert losses.name == "words-losses-toy-xml_cnn-masked_lm"
    texts = texts_of(losses.svg)
    assert {"1", "2–9", "10–1,234", "bce", "pw", "similarity ≥ 0.75"} <= {*texts} and "adversarial" not in texts
    (regimes,) = word_figures.success_by_regime(read(attacked))
    assert {"clean", "adversarial"} <= {*texts_of(regimes.svg)}
    (attacked / "results/toy/xml_cnn/adversarial/bce/attack_words/by_frequency.json").unlink()
    assert word_figures.success_by_regime(read(attacked)) == []


def test_a_generator_without_positive_targets_has_no_figure(attacked: Path) -> None:
    dump(
        attacked / "results/toy/xml_cnn/clean/bce/attack_words/by_frequency.json",
        bins(1.0, generator="synonyms", goal="negative"),
    )
    dump(attacked / "results/toy/xml_cnn/clean/pw/attack_words/by_frequency.json", [])
    assert word_figures.success_by_loss(read(attacked)) == []


def test_success_by_similarity_has_a_line_for_each_goal_of_the_clean_model_with_the_plain_loss(attacked: Path) -> None:
    (toy,) = word_figures.success_by_similarity(read(attacked))
    assert toy.caption.startswith("toy · xml_cnn, clean, bce, masked_lm: ")
    assert {"positive", "negative"} <= {*texts_of(toy.svg)}
    results = collect(attacked, ["other"], ["xml_cnn"], ["substituted"], ["bce"], 0.1)
    (other,) = word_figures.success_by_similarity(results)
    assert other.caption.startswith("other · xml_cnn, substituted, bce, deletion: ")


def test_examples_are_the_successes_with_the_fewest_changes(project: Path) -> None:
    rare = {"bin": {"lowest": 1, "highest": 1}}
    one, two = (0, "gold"), (1, "tin")
    dump_attacks(
        project,
        attack(1, one, two),
        attack(2, one, goal="non_targeted", bin=None),
        attack(9, one),
        attack(8, one, **rare),
        attack(7, one, generator="gradient", **rare),
        attack(7, (0, "silver"), **rare),
        attack(6, one, success=False),
        attack(5, one, two, one),
        attack(0),
    )
    found = shown(project)
    documents = [re.search(r"document (\d+)", each.attack) for each in found]
    assert [match and match[1] for match in documents] == ["7", "8", "9", "1"]
    assert found[0].attack == "positive, masked_lm: 1 of 40 words of test document 7"
    assert found[0].ranks == (("C15", "1 → 6"),)
    assert (found[0].before, found[0].after) == (("C15", "M11"), ("M11", "E12"))
    assert [isinstance(name, Best) for name in (*found[0].before, *found[0].after)] == [True, False, False, False]


def test_a_non_targeted_attack_aims_at_the_true_labels(project: Path) -> None:
    ranks = {"ranks_before": [1, 2], "ranks_after": [2, 6]}
    labels = {"labels": ["E12", "C15"], "best_before": ["E12", "C15"], "true_labels": ["C15"]}
    dump_attacks(project, attack(0, (0, "gold"), goal="non_targeted", bin=None) | ranks | labels)
    (found,) = shown(project)
    assert found.ranks == (("C15", "2 → 6"),)
    assert [isinstance(name, Best) for name in found.before] == [False, True]


def test_examples_are_of_the_clean_model_with_the_plain_loss_if_it_has_any(project: Path) -> None:
    for regime, loss in (("adversarial", "bce"), ("clean", "pw")):
        dump_attacks(project, attack(0, (0, "gold")), place=f"toy/xml_cnn/{regime}/{loss}")
    dump_attacks(project, attack(0, (0, "gold"), success=False))
    (found,) = word_examples.examples(read(project))
    assert found.caption.startswith("toy · xml_cnn, clean, pw: ")
    dump_attacks(project, attack(0, (0, "gold")))
    (found,) = word_examples.examples(read(project))
    assert found.caption.startswith("toy · xml_cnn, clean, bce: ")


def test_an_excerpt_shows_the_words_around_the_changes() -> None:
    def changes(*positions: int) -> list[Any]:
        return [{"position": each, "word": WORDS[each], "substitute": "x"} for each in positions]

    def between(first: int, last: int) -> str:
        return " ".join(WORDS[first : last + 1])

    assert excerpt(WORDS, changes(20)) == (
        Span(f"… {between(12, 19)}"),
        Span("w20", "x"),
        Span(f"{between(21, 28)} …"),
    )
    assert excerpt(WORDS, changes(39, 0, 1)) == (
        Span("w0", "x"),
        Span("w1", "x"),
        Span(f"{between(2, 9)} … {between(31, 38)}"),
        Span("w39", "x"),
    )
    assert excerpt(["a"], changes(0)) == (Span("a", "x"),)
    assert excerpt(WORDS, []) == ()
    passages = excerpt([*WORDS] * 10, changes(*range(0, 40, 5)))
    assert (
        sum(span.substitute is not None for span in passages) > word_examples.PASSAGES
    )  # near ones are marked as well
    assert len(" ".join(span.text for span in passages).split()) < 30


def test_a_run_without_word_attacks_has_no_such_section(project: Path) -> None:
    folder = write(project)
    for name in ("index.html", "report.md"):
        assert "ord substitution" not in (folder / name).read_text(encoding="utf-8")
    assert not [*folder.glob("figures/words-*")]


@pytest.mark.parametrize(
    "kept",
    ["summary.json", "by_frequency.json", "attacks.jsonl"],
)
def test_what_is_there_is_shown_whatever_else_is_missing(attacked: Path, kept: str) -> None:
    for path in attacked.glob("results/*/*/*/*/attack_words/*"):
        if path.name != kept:
            path.unlink()
    folder = write(attacked, losses=("bce", "pw"))
    page = Page((folder / "index.html").read_text(encoding="utf-8"))
    assert "words" in page.ids
    assert ("Word substitution: accuracies" in page.text) and ("nothing has been recorded" in page.text)
    assert "## Word substitution" in (folder / "report.md").read_text(encoding="utf-8")


def test_both_forms_show_the_section(attacked: Path) -> None:
    dump_attacks(attacked, attack(3, (20, "gold"), (22, "")))
    folder = write(attacked, losses=("bce", "pw"))
    page = (folder / "index.html").read_text(encoding="utf-8")
    excerpt = " ".join(page[page.index('<td class="excerpt">') :].split())
    assert "w19 <del>w20</del> <ins>gold</ins> w21 <del>w22</del> w23" in excerpt
    assert '<bdi>C15</bdi> <small class="rank">1 → 6</small>' in excerpt
    assert "<td><bdi><b>C15</b></bdi>, <bdi>M11</bdi></td>" in excerpt
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "w19 ~~w20~~ **gold** w21 ~~w22~~ w23" in text
    assert "| C15 (1 → 6) | **C15**, M11 | M11, E12 |" in text
    assert "| toy | xml\\_cnn | clean | bce | positive | masked\\_lm | 1,000 | 100.00 | 90.00 |" in text
    assert "| toy | 2 | M11; M12; M13 |" in text
    for name in ("losses-toy-xml_cnn-masked_lm", "regimes-toy-xml_cnn-masked_lm", "similarity-toy-xml_cnn"):
        assert f"(figures/words-{name}.svg)" in text and (folder / "figures" / f"words-{name}.svg").is_file()


def test_hostile_words_and_labels_are_inert(attacked: Path) -> None:
    hostile = attack(3, (20, HOSTILE), words=[HOSTILE] * 40, labels=[HOSTILE], best_before=[HOSTILE] * 2)
    hostile["changes"][0]["word"] = HOSTILE
    dump_attacks(attacked, hostile | {"doc_id": HOSTILE, "true_labels": [HOSTILE], "best_after": [HOSTILE]})
    dump(attacked / "results/toy/xml_cnn/clean/bce/attack_words/clusters.json", [[HOSTILE, HOSTILE]])
    folder = write(attacked, losses=("bce", "pw"))
    page = Page((folder / "index.html").read_text(encoding="utf-8"))
    assert page.tags.count("script") == 1 and "img" not in page.tags
    assert page.text.count("<script>alert(1)</script>") >= 8
    text = (folder / "report.md").read_text(encoding="utf-8")
    lines = text[text.index("## Word substitution") : text.index("## Training")].splitlines()
    assert not [line for line in lines if "<" in line or "\u202e" in line or line.startswith("# ")]
    (example,) = (line for line in lines if "test document 3" in line)
    (cluster,) = (line for line in lines if line.startswith("| toy | 1 |"))
    for line, cells in ((example, 4), (cluster, 3)):
        assert len(re.findall(r"(?<!\\)\|", line)) == cells + 1
        assert not re.findall(r"(?<!\\)[`\[]", line)
    assert len(re.findall(r"(?<!\\)~~", example)) == 2


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("results/toy/xml_cnn/clean/bce/attack_words/summary.json", "{", r"summary\.json: Invalid JSON"),
        ("results/toy/xml_cnn/clean/bce/attack_words/summary.json", {"wrong": {}}, r"summary\.json: wrong"),
        (
            "results/toy/xml_cnn/clean/bce/attack_words/summary.json",
            {"positive": {"masked_lm": 3}},
            r"summary\.json: positive\.masked_lm: ",
        ),
        (
            "results/toy/xml_cnn/clean/bce/attack_words/summary.json",
            {"positive": {"masked_lm": rates(0.5)}},
            r"summary\.json: positive\.masked_lm\.similarity: Field required",
        ),
        (
            "results/toy/xml_cnn/clean/bce/attack_words/summary.json",
            {"positive": {"masked_lm": summary(0.5) | {"success_rate@0.80": "high"}}},
            r"summary\.json: positive\.masked_lm\.success_rate@\.0\.80: ",
        ),
        (
            "results/toy/xml_cnn/clean/bce/attack_words/summary.json",
            {"positive": {"masked_lm": summary(0.5) | {"success_rate@high": 0.5}}},
            r"summary\.json: positive\.masked_lm\.success_rate@\.high",
        ),
        (
            "results/toy/xml_cnn/clean/bce/attack_words/by_frequency.json",
            [{"goal": "positive"}],
            r"by_frequency\.json: 0\.samples: ",
        ),
        (
            "results/toy/xml_cnn/clean/bce/attack_words/attacks.jsonl",
            "{}\n{",
            r"attacks\.jsonl: line 1: goal: Field required",
        ),
        (
            "results/toy/xml_cnn/clean/bce/attack_words/attacks.jsonl",
            json.dumps(attack(0, (0, "x"), ranks_after=[])),
            r"attacks\.jsonl: line 1: as many ranks as labels",
        ),
        (
            "results/toy/xml_cnn/clean/bce/attack_words/attacks.jsonl",
            json.dumps(attack(0)) + "\n" + json.dumps(attack(0, (39, "x"), words=["short"])),
            r"attacks\.jsonl: line 2: a change is beyond the last word",
        ),
        ("results/toy/xml_cnn/clean/bce/attack_words/clusters.json", [["C15", 3]], r"clusters\.json: 0\.1: "),
    ],
)
def test_a_broken_file_is_refused_by_its_name(attacked: Path, name: str, content: Any, complaint: str) -> None:
    (attacked / name).write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UserError, match=rf"{complaint}.*`dvc repro`"):
        read(attacked)


def test_a_goal_without_samples_does_not_apply(attacked: Path) -> None:
    dump(attacked / "results/toy/xml_cnn/adversarial/bce/attack_words/summary.json", {"non_targeted": {}})
    *_, last = word_tables.attacks(read(attacked)).rows
    assert last == ("toy", "xml_cnn", "adversarial", "bce", "non_targeted", "does not apply", *["–"] * 8)
