import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from xmlcore.report.collect import collect
from xmlcore.report.provenance import read_provenance
from xmlcore.report.render import write_report

VOID = {"meta", "path", "use", "br"}


class Page(HTMLParser):
    """Elements, attributes, link targets and text of a page; refuses elements that are closed in the wrong order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.links += [value or "" for name, value in attrs if tag == "a" and name == "href"]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def write(
    project: Path,
    name: str = "report",
    epsilon: float = 0.1,
    losses: Sequence[str] = ("bce",),
    models: Sequence[str] = ("xml_cnn",),
) -> Path:
    results = collect(project, ["toy"], models, ["clean", "adversarial"], losses, epsilon)
    folder = project / name
    folder.mkdir()
    write_report(folder, results, read_provenance(project, results.corpora))
    return folder


@pytest.fixture
def report(project: Path) -> Path:
    return write(project)


def test_hostile_text_is_inert_in_the_page(report: Path) -> None:
    page = Page((report / "index.html").read_text(encoding="utf-8"))
    assert page.tags.count("script") == 1  # the page's own
    assert not {"img", "iframe", "object", "link"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.text.count("<script>alert(1)</script>") >= 6  # shown as text: labels, tokens, chart


def test_the_page_needs_nothing_but_itself(report: Path) -> None:
    text = (report / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not [value for name, value in page.attributes if name == "src"]
    assert "@import" not in text and not re.search(r"url\((?!#)", text)
    assert not [link for link in page.links if "://" in link]


def test_every_link_of_both_files_leads_somewhere(report: Path) -> None:
    page = Page((report / "index.html").read_text(encoding="utf-8"))
    markdown = (report / "report.md").read_text(encoding="utf-8")
    files = [link for link in page.links if not link.startswith("#")] + re.findall(r"\]\(([^)]+)\)", markdown)
    assert len(files) > 12
    assert [link for link in files if not (report / unquote(link)).is_file()] == []
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= set(page.ids)


def test_the_drawings_are_well_formed_and_show_hostile_tokens_as_text(report: Path) -> None:
    drawings = {path.stem: ElementTree.parse(path).getroot() for path in (report / "figures").glob("*.svg")}
    assert {"performance-toy-xml_cnn-bce", "epsilon-toy-xml_cnn-bce", "shap-toy-xml_cnn-bce-base"} <= drawings.keys()
    assert not [e for root in drawings.values() for e in root.iter() if e.tag.endswith(("script", "image"))]
    assert "<script>" in "".join(drawings["shap-toy-xml_cnn-bce-robust"].itertext())


def test_figure_2_has_both_metrics_at_every_cut_off(report: Path) -> None:
    drawing = ElementTree.parse(report / "figures" / "performance-toy-xml_cnn-bce.svg").getroot()
    texts = ["".join(element.itertext()).strip() for element in drawing.iter() if element.tag.endswith("}text")]
    groups = [f"{metric}@{k}" for metric in ("P", "nDCG") for k in (1, 3, 5)]
    assert [text for text in texts if "@" in text] == groups
    assert [texts.count(height) for height in ("95", "70", "79")] == [4, 2, 2]


def test_nothing_can_turn_the_writing_direction(report: Path) -> None:
    files = [path for path in report.rglob("*") if path.is_file()]
    assert [path for path in files if "\u202e" in path.read_text(encoding="utf-8")] == []


def test_the_squeezing_is_not_drawn_where_it_was_not_measured(project: Path) -> None:
    for path in project.glob("results/toy/xml_cnn/*/bce/evaluate/squeezing.json"):
        path.write_text(path.read_text(encoding="utf-8").replace('"epsilon": 0.1', '"epsilon": 0.05'), encoding="utf-8")
    assert not list(write(project).glob("figures/squeezing-*.svg"))


def test_the_markdown_has_the_same_tables(report: Path) -> None:
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "| toy | P@1 | 95.07 | 70.04 | 95.33 | 78.52 |" in text
    assert "<script>" not in text.replace('        note: "<script>"', "").replace("        note: <script>", "")
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("| toy | P@")}
    assert widths == {7}


def test_the_markdown_has_the_checks_the_curves_and_the_tables_of_explanations(trusted: Path) -> None:
    folder = write(trusted)
    text = (folder / "report.md").read_text(encoding="utf-8")
    for line in (
        "- **✗ 2 of 15 checks of the attacks fail: see below, “Checks of the attacks”.**",
        "- ✗ toy · xml\\_cnn · adversarial · bce: **Steps converge; Model breaks**",
        "| toy | xml\\_cnn | clean | bce "
        "| 95.07 | 19.01 | – | 70.04 | 33.50 | ✓ all 7 hold | 0.80 | 0.70 | 0.60 | 63.1 |",
        "![toy · xml\\_cnn · clean · bce: P@1 against ε under every attack](figures/attacks-toy-xml_cnn-clean-bce.svg)",
        "**toy · xml\\_cnn · clean · bce: faithfulness on 50 documents**",
        "| toy | xml\\_cnn | clean | bce | 0.60 | 0.50 | 0.40 |",
        "| toy | xml\\_cnn | clean | bce | M11 | 3 | positive | masked\\_lm | 0.900 | 0.100 | 1 | 9 |",
    ):
        assert line in text.splitlines()
    (row,) = (line for line in text.splitlines() if "**✗ fails**" in line)
    assert row.count("**✗ fails**") == 2
    assert "<script>" not in text[: text.index("## Provenance")]


def test_experiments_that_differ_by_the_loss_have_rows_drawings_and_pages_of_their_own(project: Path) -> None:
    for place in [*project.glob("results/toy/xml_cnn/*/bce")]:
        shutil.copytree(place, place.with_name("pw"))
    folder = write(project, losses=("bce", "pw"))
    assert {f"learning-toy-xml_cnn-{loss}.svg" for loss in ("bce", "pw")} <= {*os.listdir(folder / "figures")}
    text = (folder / "report.md").read_text(encoding="utf-8")
    for loss in ("bce", "pw"):
        assert f"| toy · {loss} | P@1 | 95.07 | 70.04 | 95.33 | 78.52 |" in text
        assert f"results/toy/xml_cnn/clean/{loss}/explain/lime/document-000.html" in text
    assert text.count("data/toy/encoded/xml\\_cnn") == 1


def test_what_is_absent_is_said_or_its_section_is_not_there(project: Path) -> None:
    for regime in ("clean", "adversarial"):
        shutil.rmtree(project / "results/toy/xml_cnn" / regime / "bce/train")
        shutil.rmtree(project / "results/toy/xml_cnn" / regime / "bce/explain")
    text = (write(project) / "index.html").read_text(encoding="utf-8")
    assert "No learning curve has been recorded" in text
    assert 'id="explanations"' not in text and "One document, and why" not in text


def test_equal_inputs_give_equal_bytes_in_another_process(project: Path, tmp_path: Path) -> None:
    first = write(project)
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]); "
        "import test_render; test_render.write(Path(sys.argv[1]), 'again')"
    )
    folder = str(Path(__file__).parent)
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code, str(project), folder], check=True, env=environment)
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names
    assert [name for name in names if (first / name).read_bytes() != (project / "again" / name).read_bytes()] == []
