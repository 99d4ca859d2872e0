"""The whole DAG on a tiny simulated corpus, by `dvc repro` as a user runs it, with libraries that are in memory."""

import json
import runpy
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import torch
from dvc.repo import Repo
from pydantic import BaseModel
from ruamel.yaml import YAML

from workspace import ROOT, Workspace
from xmlcore.config import params as params_module

CORPUS = "simulated-rcv1"
CELL = "simulated-rcv1-xml_cnn-adversarial-bce"
REGIMES = ("clean", "adversarial")
OF_EVERY_CELL = (
    "train/training.json",
    "train/timing.json",
    "train/learning/plots/metrics/validation_P@1.tsv",
    "evaluate/predictions/labels.npy",
    "evaluate/ranking.json",
    "evaluate/label_bins.json",
    "evaluate/fgsm.json",
    "evaluate/relative_sizes.json",
    "evaluate/squeezing.json",
    "evaluate/calibration.json",
    "evaluate/corpus.json",
    "explain/lime/document-000.html",
    "explain/shap/global.svg",
    "explain/ig/document-000.html",
    "explain/study/faithfulness.json",
    "explain/study/stability.json",
    "explain/study/attacked.json",
    "attack_embeddings/checks.json",
    "attack_embeddings/curves.json",
    "attack_embeddings/worst_case.json",
    "certify/certified.json",
    "smooth/smoothed.json",
)
OF_ATTACKED_WORDS = (
    "attack_words/attacks.jsonl",
    "attack_words/summary.json",
    "attack_words/by_frequency.json",
    "attack_words/targets.json",
    "attack_words/clusters.json",
    "explain_attacks/gallery.json",
)
OF_THE_LINEAR_CLASSIFIER = (
    "train/timing.json",
    "certify/certified.json",
    "evaluate/predictions/labels.npy",
    "evaluate/ranking.json",
    "evaluate/label_bins.json",
    "evaluate/calibration.json",
    "evaluate/corpus.json",
    "explain/lime/document-000.html",
    "explain/shap/global.svg",
    "attack_words/attacks.jsonl",
    "attack_words/summary.json",
)


def test_every_stage_leaves_what_it_promises(workspace: Workspace) -> None:
    report = (workspace.folder / "report" / "index.html").read_text(encoding="utf-8")
    data = workspace.folder / "data" / CORPUS
    assert (workspace.folder / "data" / "substitutes" / CORPUS / "substitutes.json").stat().st_size
    for name in ("language/masked_lm.json", "encoded/xml_cnn/vocabulary.txt", "recipes/xml_cnn/architecture.json"):
        assert (data / name).stat().st_size
    for regime in REGIMES:
        place = Path(CORPUS, "xml_cnn", regime, "bce")
        for folder in ("trained", "models"):
            assert (workspace.folder / folder / place / "weights.safetensors").stat().st_size
        assert (workspace.folder / "models" / place / "README.md").stat().st_size
        for name in OF_EVERY_CELL + OF_ATTACKED_WORDS:
            assert (workspace.folder / "results" / place / name).stat().st_size, (place, name)
        assert str(Path("models", place)) in report  # of its provenance
    weights = json.loads((workspace.folder / "stacked" / CORPUS / "weights.json").read_bytes())["weights"]
    assert [*weights] == ["linear", *(f"xml_cnn/{regime}/bce" for regime in REGIMES)]
    assert "stacked, weighted on validation" in report
    linear = Path(CORPUS, "linear", "clean", "squared_hinge")
    for folder in ("trained", "models"):
        assert (workspace.folder / folder / linear / "weights.safetensors").stat().st_size
    for name in OF_THE_LINEAR_CLASSIFIER:
        assert (workspace.folder / "results" / linear / name).stat().st_size, name
    assert not (workspace.folder / "results" / linear / "explain/ig").exists()  # it has no embeddings
    assert not list(workspace.folder.rglob("*.partial"))


@pytest.mark.slow
def test_a_colleague_with_the_remote_uses_the_model_without_training(workspace: Workspace, tmp_path: Path) -> None:
    model = Path("models", CORPUS, "xml_cnn", "adversarial", "bce")
    workspace.run("dvc", "remote", "add", "--local", "--default", "team", str(tmp_path / "remote"))
    workspace.run("dvc", "push", str(model))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("dvc.yaml", "dvc.lock", "params.yaml"):
        (elsewhere / name).write_bytes((workspace.folder / name).read_bytes())

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=elsewhere, env=workspace.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("dvc", "init", "--no-scm")
    run("dvc", "remote", "add", "--default", "team", str(tmp_path / "remote"))
    run("dvc", "pull", str(model))
    assert "probability" in run("xmlcore", "predict", str(model), "a text of anybody")


def test_the_table_has_rows_for_each_epsilon_the_linear_classifier_and_the_stack(
    workspace: Workspace,
) -> None:
    rows = workspace.metrics()
    epsilons = ("0.00", "0.10")
    expected = {f"metrics/{CORPUS}/xml_cnn/{regime}/bce/eps={each}.json" for regime in REGIMES for each in epsilons}
    for name in ("linear", "stacked"):
        row = rows.pop(f"metrics/{CORPUS}/{name}.json")["data"]
        assert [*row] == ["P@1", "P@3", "P@5", "nDCG@3", "nDCG@5"] and 0 < row["P@1"] <= 1
    words = {f"metrics/{CORPUS}/xml_cnn/{regime}/bce.words" for regime in REGIMES}
    words.add(f"metrics/{CORPUS}/linear.words")
    kinds = ("attacked", "certified", "certified_few")
    for attacked, certified, few in ([rows.pop(f"{folder}/{kind}.json")["data"] for kind in kinds] for folder in words):
        assert [*attacked] == [*certified] == [*few] == ["P@1", "P@3", "P@5"]
        assert all(certified[each] <= min(attacked[each], few[each]) for each in attacked)
    assert set(rows) == expected
    for row in rows.values():
        assert [*row["data"]] == ["P@1", "P@3", "P@5", "nDCG@3", "nDCG@5", "gap@1"]
        assert 0 <= row["data"]["P@1"] <= 1
    shown = workspace.run("dvc", "metrics", "show").splitlines()
    assert len(shown) == 3 + len(expected) + len(kinds) * len(words) and max(map(len, shown)) <= 120


def test_a_second_repro_runs_nothing(workspace: Workspace) -> None:
    assert workspace.repro() == set()


def test_a_new_epsilon_runs_evaluation_and_report_alone_and_an_old_one_nothing_that_ran(workspace: Workspace) -> None:
    before = workspace.metrics()
    workspace.edit(lambda params: params["fgsm"].update(epsilons=[0.0, 0.1, 0.2]))
    ran = workspace.repro()
    assert {name.split("@")[0] for name in ran} == {"evaluate", "stack", "report"}
    assert any("eps=0.20" in row for row in workspace.metrics())
    workspace.edit(lambda params: params["fgsm"].update(epsilons=[0.0, 0.1]))
    assert {name.split("@")[0] for name in workspace.repro()} <= {"report"}  # the run cache has the rest
    assert workspace.metrics() == before


def test_other_substitutes_train_no_regime_that_reads_none(workspace: Workspace) -> None:
    stored = workspace.folder / "data" / "substitutes" / CORPUS / "substitutes.json"
    before = stored.read_bytes()
    workspace.edit(lambda params: params["substitutes"].update(count=1))
    trainings = [f"train@{CORPUS}-xml_cnn-{regime}-bce" for regime in REGIMES]
    ran = workspace.run("dvc", "repro", *trainings)
    assert stored.read_bytes() != before
    assert "Running stage 'give_substitutes@" in ran and "Running stage 'train@" not in ran
    workspace.edit(lambda params: params["substitutes"].update(count=4))
    workspace.run("dvc", "repro", *trainings)


def test_a_line_changed_in_mach_trains_no_xml_cnn_and_one_in_xml_cnn_does(workspace: Workspace) -> None:
    for module, retrains in (("mach.py", False), ("xml_cnn/model.py", True)):
        path = workspace.folder / "xmlcore" / "models" / module
        before = path.read_bytes()
        path.write_bytes(before + b"# changed\n")
        workspace.run("dvc", "repro", "configure@simulated-rcv1-xml_cnn")
        stale = workspace.run("dvc", "status", "train@simulated-rcv1-xml_cnn-clean-bce", "--json")
        assert bool(json.loads(stale)) is retrains, module
        path.write_bytes(before)
    workspace.run("dvc", "repro", "configure@simulated-rcv1-xml_cnn")


def test_the_same_run_gives_the_same_metrics(workspace: Workspace) -> None:
    before = workspace.metrics()
    for stage in ("train", "evaluate"):
        workspace.run("dvc", "repro", "--force", "--single-item", f"{stage}@simulated-rcv1-xml_cnn-adversarial-bce")
    assert workspace.metrics() == before


def test_two_processes_give_the_same_results(workspace: Workspace) -> None:
    place = Path("results", "simulated-rcv1", "xml_cnn", "adversarial", "bce")
    names = [name for name in OF_EVERY_CELL if "timing" not in name]
    before = {name: (workspace.folder / place / name).read_bytes() for name in names}
    workspace.edit(lambda params: params.update(launch="torchrun --nproc-per-node 2"))
    for stage in ("train", "attack_embeddings", "explain"):
        said = workspace.run(
            "dvc", "repro", "--force", "--single-item", f"{stage}@simulated-rcv1-xml_cnn-adversarial-bce"
        )
        assert f"> torchrun --nproc-per-node 2 stages/{stage}.py" in said
    workspace.edit(lambda params: params.update(launch="python"))
    for name, content in before.items():
        assert (workspace.folder / place / name).read_bytes() == content, name


DAG: dict[str, dict[str, Any]] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def script_of(stage: dict[str, Any]) -> str:
    (script,) = (word for word in stage["cmd"].split() if word.startswith("stages/"))
    return script.removeprefix("stages/").removesuffix(".py")


@pytest.mark.parametrize("name", [name for name in DAG if name != "trace_imports"])  # which names the whole library
def test_a_stage_names_its_script_and_what_that_imports(name: str) -> None:
    script = script_of(DAG[name])
    assert DAG[name]["deps"][:2] == [f"stages/{script}.py", f"imports/{script}.json"]


@pytest.mark.parametrize("script", sorted({script_of(stage) for stage in DAG.values()}))
def test_a_stage_has_imported_no_more_than_what_was_traced(workspace: Workspace, script: str) -> None:
    """The modules of `xmlcore` that its process had when it ended are those of its script or of its architecture."""
    imports = workspace.folder / "imports"
    traced = set(json.loads((imports / f"{script}.json").read_bytes()))
    if any(dep.endswith("architecture.json") for dep in DAG[script]["deps"]):
        traced |= set(json.loads((imports / "architectures.json").read_bytes()))
    files = (workspace.imported / f"{script}.txt").read_text().splitlines()
    imported = {Path(file).relative_to(workspace.folder.resolve()).as_posix() for file in files}
    assert "xmlcore/common/cli.py" in imported
    assert imported <= traced


def test_a_stage_that_shares_its_imports_ends_as_one_alone(workspace: Workspace, tmp_path: Path) -> None:
    """With its own exit code, or, where the process that stands for it is killed, at once."""
    (tmp_path / "stages").mkdir()
    script = tmp_path / "stages" / "sleeping.py"
    script.write_text("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n")
    command = ["python", "stages/sleeping.py"]
    with subprocess.Popen(command, cwd=tmp_path, env=workspace.environment, stdout=subprocess.PIPE) as client:
        assert client.stdout
        process = int(client.stdout.readline())
        client.kill()
        for _ in range(1000):
            if not Path("/proc", str(process)).exists():
                break
            time.sleep(0.01)
        else:
            pytest.fail("it goes on")
    script.write_text("import sys\nsys.exit(3)\n")
    assert subprocess.run(command, cwd=tmp_path, env=workspace.environment).returncode == 3


def leaves(section: Any, path: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield every parameter: the section that holds it, its name there, and its dotted path."""
    for name, value in section.items() if isinstance(section, dict) else section:
        here = f"{path}.{name}" if path else name
        if isinstance(value, (BaseModel, dict)) and value:
            yield from leaves(value, here)
        elif isinstance(section, BaseModel):
            yield here, section, name


STUDIED = [
    f"{stage}@{CELL}"
    for stage in [
        "train",
        "evaluate",
        "explain",
        "attack_embeddings",
        "certify",
        "smooth",
        "attack_words",
        "explain_attacks",
    ]
] + [
    "encode@simulated-rcv1-xml_cnn",
    "build_embedding@simulated-rcv1-xml_cnn",
    "baseline@simulated-rcv1",
    "stack@simulated-rcv1",
    "explain_linear@simulated-rcv1",
    "certify_linear@simulated-rcv1",
    "attack_words_linear@simulated-rcv1",
    "learn_language@simulated-rcv1",
    "choose_substitutes@simulated-rcv1",
    "give_substitutes@simulated-rcv1-adversarial",
]
# Read to be checked against one another, whatever a stage asks for; or read by dvc.yaml alone.
CHECKED = ("corpora", "models", "vectors", "checkpoints", "lexicons", "launch")


@pytest.mark.parametrize("name", STUDIED)
def test_a_stage_names_every_parameter_that_it_looks_up(
    workspace: Workspace, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage is run with parameters that remember who asked for them."""
    stage = next(stage for stage in Repo(str(workspace.folder)).index.stages if stage.name == name)
    named = {key for dep in stage.params for key in dep.params}
    monkeypatch.chdir(workspace.folder)
    asked: set[str] = set()
    load = params_module.load_params

    def watched(*args: Any) -> Any:
        params = load(*args)
        known = {(id(section), key): path for path, section, key in leaves(params)}
        sections = {id(section): section for _, section, _ in leaves(params)}
        plain = BaseModel.__getattribute__

        def remember(self: Any, key: str) -> Any:
            if (id(self), key) in known and sections[id(self)] is self:
                asked.add(known[id(self), key])
            return plain(self, key)

        monkeypatch.setattr(params_module.Section, "__getattribute__", remember)
        return params

    monkeypatch.setattr(params_module, "load_params", watched)
    monkeypatch.setattr(sys, "argv", shlex.split(stage.cmd)[1:])
    precision = torch.get_float32_matmul_precision()
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(sys.argv[0], run_name="__main__")
    torch.set_float32_matmul_precision(precision)  # training has set it for the process
    assert stopped.value.code in (0, None)
    unnamed = {
        path
        for path in asked
        if path not in CHECKED and not any(path == key or path.startswith(f"{key}.") for key in named)
    }
    assert unnamed == set(), f"{name} reads parameters that dvc.yaml does not name"
    assert asked, f"{name} was not watched"


OF_SECTION = {
    "substitutes": {"choose_substitutes"},
    "certify": {"certify", "certify_linear"},
    "smoothing": {"smooth"},
}
BEHIND_DEFENCES = {
    "evaluate",
    "attack_embeddings",
    "certify",
    "certify_linear",
    "smooth",
    "attack_words",
    "attack_words_linear",
}


def changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value / 2 + 0.001 if isinstance(value, float) else None


def test_a_changed_parameter_makes_stale_what_names_it_and_nothing_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every number in params.yaml is changed once, in memory, and DVC is asked which stages are stale."""
    stages = [stage for stage in Repo(str(workspace.folder)).index.stages if stage.params]
    content = YAML(typ="safe").load(workspace.folder / "params.yaml")

    def look_up(fs: Any, path: str, keys: list[str], flatten: bool = True) -> dict[str, Any]:
        return {key: reduce(lambda section, part: section[part], key.split("."), content) for key in keys}

    monkeypatch.setattr("dvc.dependency.param.read_param_file", look_up)
    for place in list(numbers(content)):
        holder = reduce(lambda section, part: section[part], place[:-1], content)
        value, parameter = holder[place[-1]], ".".join(place)
        holder[place[-1]] = changed(value)
        stale = {stage.name for stage in stages if any(dep.workspace_status() for dep in stage.params)}
        holder[place[-1]] = value
        kinds = {name.split("@")[0] for name in stale}
        if parameter.startswith("model.xml_cnn."):
            assert stale == {"configure@simulated-rcv1-xml_cnn"}, parameter
        elif parameter.startswith("model."):
            assert not stale, parameter
        elif parameter.startswith("regime.adversarial."):
            given = place[-1] in ("word_substitution", "certified_weight")
            own = {f"give_substitutes@{CORPUS}-adversarial"} if given else set()
            assert stale == {f"train@{CELL}", f"evaluate@{CELL}"} | own, parameter  # whose card tells the regime
        elif place[0] == "regime":
            kinds -= {"give_substitutes"}
            assert kinds <= {"train", "evaluate"} and not [name for name in stale if "adversarial" in name], parameter
        elif place[0] == "fgsm":
            assert kinds == (BEHIND_DEFENCES if place[1] == "bits" else {"evaluate"})
        elif place[0] in OF_SECTION:
            assert kinds == OF_SECTION[place[0]], parameter
        elif place[0] in ("propensity", "metrics"):
            assert kinds == {"baseline", "evaluate", "stack"}, parameter
        elif place[0] == "predict":
            assert kinds - {"baseline", "stack"} == {"evaluate"}, parameter
        elif place[0] == "baseline":
            assert kinds == {"baseline"}, parameter
        elif place[0] == "masked_lm":
            assert kinds == {"learn_language"}, parameter
        elif place[:2] == ("explain", "study"):
            assert kinds == {"explain"}, parameter
        elif parameter == "seed":
            assert kinds >= {"fetch", "encode", "build_embedding", "train", "explain", "attack_words"}
        elif place[0] == "corpus":
            assert kinds <= {"fetch", "convert", "configure"} and all(place[1] in name for name in stale), parameter
        elif place[0] in ("robustness", "words", "explain", "encode"):
            assert kinds, parameter


def numbers(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the place of every number in nested mappings."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from numbers(each, (*place, key))
    elif changed(value) is not None:
        yield place


def test_an_experiment_sets_a_parameter_from_the_command_line(workspace: Workspace) -> None:
    workspace.run("git", "add", "--all")
    workspace.run("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "--message", "run")
    cell = "evaluate@simulated-rcv1-xml_cnn-clean-bce"
    workspace.run("dvc", "exp", "run", "--set-param", "fgsm.epsilons=[0.0,0.05]", cell)
    assert f"metrics/{CORPUS}/xml_cnn/clean/bce/eps=0.05.json" in workspace.metrics()
    assert "fgsm.epsilons" in workspace.run("dvc", "params", "diff")


def test_every_other_architecture_is_trained_and_evaluated_by_changing_parameters(workspace: Workspace) -> None:
    models = ["attention_xml", "mach", "aplc_xlnet_tiny"]

    def others(params: Any) -> None:
        changes = {"corpora": ["simulated-eurlex"], "models": models, "regimes": ["adversarial"], "losses": ["pw_cb"]}
        for key, names in (changes | {"checkpoints": ["tiny-xlnet"]}).items():
            params[key][:] = names
        studies = map(params.get, ("robustness", "words", "certify", "smoothing"))
        for section in (*studies, params["explain"]["study"]):
            section["models"][:] = []
        for section in (params["words"], params["substitutes"], params["stacking"]):
            section["corpora"][:] = []

    workspace.edit(others)
    workspace.run("dvc", "repro", *(f"evaluate@simulated-eurlex-{model}-adversarial-pw_cb" for model in models))
    for model in models:
        place = Path("simulated-eurlex", model, "adversarial", "pw_cb")
        assert (workspace.folder / "results" / place / "evaluate" / "ranking.json").stat().st_size
        assert {path.name for path in (workspace.folder / "metrics" / place).iterdir()} >= {"eps=0.00.json"}
