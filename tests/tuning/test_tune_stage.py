"""The script that tunes a recipe, after the stages that it needs, on a toy corpus."""

import csv
import runpy
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from xmlcore.common import checkpoints, cli
from xmlcore.common.errors import UserError
from xmlcore.common.yaml_edits import set_values
from xmlcore.config.params import load_params

ROOT = Path(__file__).parents[2]
CORPUS, MODEL = "tibkat", "bag_of_words"  # any corpus of params.yaml
TABLE = Path("docs/results/tuning", f"{CORPUS}-{MODEL}-clean-bce.csv")
GOOD = 20.0  # of the prototype's scale; at 0 the classifier is random, and learns nothing at this rate
WORDS = {"farm": "wheat harvest", "sea": "ship port", "air": "plane wing", "law": "court judge"}


def only(corpus: str, params: str) -> str:
    """Return `params` without other corpora before this one, for they take long to read."""
    before, _, corpora = params.partition("\ncorpus:\n")
    _, name, rest = corpora.partition(f"  {corpus}:\n")
    return f"{before}\ncorpus:\n{name}{rest}"


def run_stage(name: str, *arguments: str, **options: Any) -> None:
    runpy.run_path(str(ROOT / "stages" / f"{name}.py"))["main"](*arguments, **options)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose corpus is encoded, and has no test split any more."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "params.yaml").write_text(only(CORPUS, (ROOT / "params.yaml").read_text()))
        model, tune = ("model", MODEL), ("tune", MODEL)
        changes = {
            ("corpora",): [CORPUS],
            ("encode", "min_count"): 1,
            (*model, "embedding", "dimension"): 16,
            (*model, "network", "prototype_scale"): 0.0,
            (*model, "training", "epochs"): 3,
            (*model, "training", "learning_rate"): 1e-8,
            (*model, "training", "output_learning_rate"): 1e-8,
            (*tune, "network"): {"prototype_scale": {"choices": [0.0, GOOD, 0.001]}},
            (*tune, "training"): {},
        }
        set_values(Path("params.yaml"), changes)
        records = Path("data", CORPUS, "records")
        records.mkdir(parents=True)
        rows = [f"{i}\t{label}\t{text}\n" for i, (label, text) in enumerate([*WORDS.items()] * 10)]
        (records / "train.tsv").write_text("".join(rows))
        (records / "test.tsv").write_text(rows[0])
        for stage in ("configure", "encode", "build_embedding"):
            run_stage(stage, CORPUS, MODEL)
        shutil.rmtree(Path("data", CORPUS, "encoded", MODEL, "test"))
        shutil.rmtree(records)
    return folder


@pytest.fixture
def project(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, where the test is."""
    folder = tmp_path / "project"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    return folder


class Track:
    """A progress bar that notes the epoch of each batch, and ends the process, as it were, when none are `left`."""

    def __init__(self) -> None:
        self.seen, self.left = list[str](), float("inf")

    def __call__(self, items: Iterable, description: str, total: int | None = None) -> Iterable:
        for item in items:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            self.seen.append(description)
            yield item


@pytest.fixture
def track(monkeypatch: pytest.MonkeyPatch) -> Track:
    track = Track()
    monkeypatch.setattr(cli, "track", track)
    monkeypatch.setattr(checkpoints, "SHARE", float("inf"))  # every epoch is stored
    return track


def table(path: Path = TABLE) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def refusal(*arguments: str, **options: Any) -> str:
    with pytest.raises(UserError) as refused:
        run_stage("tune", *arguments, **options)
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value)


def test_where_optuna_is_missing_a_line_says_how_to_get_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, "xmlcore.tuning.study", raising=False)
    assert refusal(CORPUS, MODEL) == "tuning needs optuna (optuna is missing): pip install 'optuna>=5'"


class TestWithOptuna:
    """Where it is installed."""

    @pytest.fixture(autouse=True)
    def optuna(self) -> None:
        pytest.importorskip("optuna", reason="optuna, which is optional, is not installed")

    def test_the_better_value_is_found_told_and_written(self, project: Path, capsys: pytest.CaptureFixture) -> None:
        before = (project / "params.yaml").read_text()
        run_stage("tune", CORPUS, MODEL, minutes=1.0)
        rows = table()
        assert sorted(float(row["network.prototype_scale"]) for row in rows) == [0.0, 0.001, GOOD]
        assert float(rows[0]["network.prototype_scale"]) == 0.0  # the recipe's own
        best = max(rows, key=lambda row: float(row["validation_P@1"]))
        assert (float(best["network.prototype_scale"]), float(best["validation_P@1"])) == (GOOD, 1.0)
        assert all(row["given_up"] == "no" and row["epochs"] == "3" and row["command"] for row in rows)

        output, lines = capsys.readouterr()
        place = f"corpus.{CORPUS}.model.{MODEL}"
        assert f"params.yaml: network.prototype_scale: {GOOD} written to {place}: validation P@1 1.0000" in output
        assert [line.partition(":")[0] for line in lines.splitlines()] == ["trial 0", "trial 1", "trial 2"]
        added = f"      {MODEL}: {{network: {{prototype_scale: {GOOD}}}}}\n"
        after = (project / "params.yaml").read_text()
        assert added in after and after.replace(added, "") == before
        assert load_params().model_of(CORPUS, MODEL).network.prototype_scale == GOOD

        message = refusal(CORPUS, MODEL)
        assert "not as params.yaml is now" in message and f"stages/configure.py {CORPUS} {MODEL}" in message

    def test_nothing_better_is_told_and_changes_no_parameter(
        self, project: Path, capsys: pytest.CaptureFixture
    ) -> None:
        changes = {("network", "prototype_scale"): GOOD, ("training", "epochs"): 2}
        set_values(Path("params.yaml"), {("model", MODEL, *keys): value for keys, value in changes.items()})
        run_stage("configure", CORPUS, MODEL)
        before = (project / "params.yaml").read_bytes()
        run_stage("tune", CORPUS, MODEL, minutes=1.0)
        assert "nothing was better than the recipe's own values, validation P@1 1.0000" in capsys.readouterr().out
        assert (project / "params.yaml").read_bytes() == before

    @pytest.mark.parametrize("left", [2, 4])  # an epoch is one batch, a trial three
    def test_a_killed_tuning_goes_on_to_the_same_end(
        self, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, track: Track, left: int
    ) -> None:
        shutil.copytree(project, tmp_path / "undisturbed")
        before = Path("params.yaml").read_bytes()
        track.left = left
        with pytest.raises(KeyboardInterrupt):
            run_stage("tune", CORPUS, MODEL)
        assert len(track.seen) == left
        assert not TABLE.exists() and Path("params.yaml").read_bytes() == before
        track.left = float("inf")
        run_stage("tune", CORPUS, MODEL)
        assert track.seen == [f"trial {trial}, epoch {epoch}/3" for trial in range(3) for epoch in (1, 2, 3)]
        assert not [*Path(".journals").rglob("*.safetensors*")]

        killed, changed = table(), Path("params.yaml").read_bytes()
        monkeypatch.chdir(tmp_path / "undisturbed")
        run_stage("tune", CORPUS, MODEL)
        assert [row | {"seconds": ""} for row in killed] == [row | {"seconds": ""} for row in table()]
        assert changed == Path("params.yaml").read_bytes()

    def test_out_of_time_it_keeps_what_it_has_and_goes_on_next_time(
        self, project: Path, track: Track, capsys: pytest.CaptureFixture
    ) -> None:
        assert "the recipe itself was not trained" in refusal(CORPUS, MODEL, minutes=0.0)
        assert track.seen == [] and not TABLE.exists()
        track.left = 5
        with pytest.raises(KeyboardInterrupt):
            run_stage("tune", CORPUS, MODEL)
        run_stage("tune", CORPUS, MODEL, minutes=0.0)
        assert len(table()) == 1 and "nothing was better" in capsys.readouterr().out
        track.left = float("inf")
        run_stage("tune", CORPUS, MODEL)
        assert len(table()) == 3 and len(track.seen) == 9

    def test_a_recipe_without_ranges_is_refused_with_those_that_have_some(self, project: Path) -> None:
        assert refusal(CORPUS, "aplc_xlnet_tiny").startswith("tune: 'aplc_xlnet_tiny' is not defined; known are ")

    def test_a_regime_with_substitutes_is_refused_for_what_it_gives_up(self, project: Path) -> None:
        for name in (name for name, regime in load_params().regime.items() if regime.takes_substitutes):
            assert refusal(CORPUS, MODEL, regime=name).startswith(f"--regime: {name} gives clean P@1")

    def test_what_was_not_prepared_is_asked_for(self, project: Path) -> None:
        shutil.rmtree(project / "data" / CORPUS / "recipes")
        with pytest.raises(OSError) as error:
            run_stage("tune", CORPUS, MODEL)
        assert "run the stage that writes it" in cli.describe(error.value)
