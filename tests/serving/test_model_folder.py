import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from xmlcore.common.errors import UserError
from xmlcore.serving.model_folder import load_model_folder
from xmlcore.serving.text_classifier import load_classifier

ASKED = "the corn harvest and a tanker"


def test_it_stands_alone_in_an_empty_folder_and_another_process(folder: Path, classifier, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "elsewhere" / "copy")
    code = (
        "import json; from xmlcore.serving.text_classifier import load_classifier; "
        f"print(json.dumps(load_classifier('copy').predict({ASKED!r})))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path / "elsewhere", capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [list(label) for label in classifier.predict(ASKED)]
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == ["copy"]


def test_what_is_in_it(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "calibration.json",
        "config.json",
        "defence.json",
        "labels.tsv",
        "text.json",
        "vocabulary.txt",
        "weights.safetensors",
    ]
    assert "grain_prices\tgrain prices\n" in (folder / "labels.tsv").read_text()
    assert json.loads((folder / "defence.json").read_text()) == {"squeeze": "none", "bits": 8}


def test_the_card_has_front_matter_and_figures(folder: Path) -> None:
    from ruamel.yaml import YAML

    _, front, body = (folder / "README.md").read_text().split("---\n", 2)
    matter = YAML(typ="safe").load(front)
    assert matter["pipeline_tag"] == "text-classification"
    (metric, *_) = matter["model-index"][0]["results"][0]["metrics"]
    assert metric["type"] == "P@1"
    assert f"| 0.0 | {100 * metric['value']:.1f} |" in body


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: shutil.rmtree(folder), "no model there"),
        (lambda folder: (folder / "calibration.json").unlink(), "lacks calibration.json: a folder of an older version"),
        (lambda folder: (folder / "calibration.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "defence.json").write_text('{"squeeze": "all"}'), "damaged"),
        (lambda folder: (folder / "labels.tsv").write_text("a\t\nb\t\n"), "of different models"),
        (lambda folder: (folder / "labels.tsv").write_text("a\t\na\t\nb\t\n"), "repeated line"),
        (lambda folder: (folder / "vocabulary.txt").write_text("<pad>\n<unk>\n"), "of different models"),
        (lambda folder: (folder / "weights.safetensors").write_bytes(b"weights"), "damaged"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused_by_one_line(folder: Path, tmp_path: Path, damage, message: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    damage(copy)
    with pytest.raises(UserError, match=message) as error:
        load_model_folder(copy)
    assert "\n" not in str(error.value)


def test_a_model_without_a_card_works(folder: Path, classifier, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "README.md").unlink()
    again = load_classifier(copy)
    assert again.card == ""
    assert again.predict(ASKED) == classifier.predict(ASKED)
