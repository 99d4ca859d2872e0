"""The stages that learn a corpus's language, as `dvc repro` runs them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
CORPUS = "tibkat"  # any corpus of params.yaml


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    change(tmp_path, shrink)
    records = tmp_path / "data" / CORPUS / "records"
    records.mkdir(parents=True)
    rows = [f"{i}\t{'farm' if i % 2 else 'sea'}\t{'Wheat harvest' if i % 2 else 'ship, port'}\n" for i in range(8)]
    (records / "train.tsv").write_text("".join(rows))
    (records / "test.tsv").write_text(rows[0])
    return tmp_path


def shrink(params: dict[str, Any]) -> None:
    params["encode"].update(tokenizer="words", min_count=1)
    params["corpus"][CORPUS]["encode"] = {}
    params["masked_lm"].update(width=8, layers=1, window=8, epochs=1)


def change(project: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Edit the parameters of `project`."""
    yaml, path = YAML(), project / "params.yaml"
    params = yaml.load(path)
    edit(params)
    yaml.dump(params, path)


def run(project: Path, stage: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "stages" / f"{stage}.py"), CORPUS]
    return subprocess.run(command, cwd=project, capture_output=True, text=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_words_then_a_masked_language_model_and_a_failure_that_keeps_them(project: Path) -> None:
    data = project / "data" / CORPUS
    done = run(project, "learn_language")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    language = data / "language"
    vocabulary = (language / "words" / "encoded" / "vocabulary.txt").read_text().split()
    assert set(vocabulary[2:]) == {"wheat", "harvest", "ship", "port"}
    assert np.load(language / "words" / "vectors.npy").shape == (6, 100)
    files = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in (language / "masked_lm").iterdir()} == files
    metrics = json.loads((language / "masked_lm.json").read_text())
    assert metrics["loss"] > 0 and 0 <= metrics["masked_accuracy"] <= 1

    written = contents(data)
    change(project, lambda params: params["corpus"][CORPUS].update(encode={"tokenizer": "tiny-xlnet"}))
    failed = run(project, "learn_language")
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: encode.tokenizer: ") and failed.stderr.count("\n") == 1
    assert contents(data) == written


def test_without_records_the_stage_that_writes_them_is_asked_for(project: Path) -> None:
    shutil.rmtree(project / "data" / CORPUS / "records")
    failed = run(project, "learn_language")
    assert failed.returncode == 1
    assert "run the stage that writes it" in failed.stderr and failed.stderr.count("\n") == 1
