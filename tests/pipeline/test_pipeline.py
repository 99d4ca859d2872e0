"""The whole DAG on two tiny simulated corpora, by `dvc repro` as a user runs it."""

import json
from pathlib import Path

import pytest
from workspace import CORPORA, Workspace

REGIMES = ("clean", "adversarial")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    workspace = Workspace.scaled_down(tmp_path_factory.mktemp("pipeline"))
    ran = workspace.repro()
    assert {f"train@{corpus}-xml_cnn-{regime}-bce" for corpus in CORPORA for regime in REGIMES} <= ran
    return workspace


def test_every_stage_leaves_what_it_promises(workspace: Workspace) -> None:
    report = (workspace.folder / "report" / "index.html").read_text(encoding="utf-8")
    for corpus in CORPORA:
        assert (workspace.folder / "data" / corpus / "encoded" / "xml_cnn" / "vocabulary.txt").stat().st_size
        assert (workspace.folder / "metrics" / corpus / "xml_cnn" / "corpus.json").stat().st_size
        for regime in REGIMES:
            place = Path(corpus, "xml_cnn", regime, "bce")
            for path in (
                Path("models", place, "weights.safetensors"),
                Path("predictions", place, "labels.npy"),
                Path("metrics", place, "fgsm", "eps=0.10.json"),
                Path("metrics", place, "ranking.json"),
                Path("plots", place, "label_bins.json"),
                Path("metrics", place, "words.json"),
                Path("attacks", place, "attacks.jsonl"),
                Path("metrics", place, "sanity.json"),
                Path("plots", place, "attacks.json"),
                Path("metrics", place, "faithfulness.json"),
                Path("metrics", place, "stability.json"),
                Path("explanations", place, "study", "attacked.json"),
                Path("explanations", place, "gallery.json"),
                Path("explanations", place, "lime", "document-000.html"),
                Path("explanations", place, "shap", "global.svg"),
                Path("explanations", place, "ig", "document-000.html"),
            ):
                assert (workspace.folder / path).stat().st_size, path
            assert str(Path("models", place)) in report  # of its provenance
    assert not list(workspace.folder.rglob("*.partial"))


def test_metrics_have_a_row_for_each_corpus_regime_and_epsilon(workspace: Workspace) -> None:
    rows = workspace.metrics()
    for corpus in CORPORA:
        for regime in REGIMES:
            for epsilon in ("0.00", "0.10"):
                row = rows[f"metrics/{corpus}/xml_cnn/{regime}/bce/fgsm/eps={epsilon}.json"]["data"]
                assert 0 <= row["P@1"] <= 1
                assert {"P@1", "P@3", "P@5", "nDCG@1", "nDCG@3", "nDCG@5", "gap@1", "gap@3", "gap@5"} <= row.keys()


def test_a_second_repro_runs_nothing(workspace: Workspace) -> None:
    assert workspace.repro() == set()


def test_a_new_epsilon_runs_evaluation_and_report_alone(workspace: Workspace) -> None:
    workspace.edit(lambda params: params["fgsm"].update(epsilons=[0.0, 0.1, 0.2]))
    ran = workspace.repro()
    assert {name.split("@")[0] for name in ran} == {"evaluate_fgsm", "report"}
    assert any("eps=0.20" in row for row in workspace.metrics())


def test_a_change_to_one_corpus_leaves_the_other_alone(workspace: Workspace) -> None:
    workspace.edit(lambda params: params["corpus"]["simulated-rcv1"]["encode"].update(max_tokens=15))
    changed = set(json.loads(workspace.run("dvc", "status", "--json")))
    workspace.edit(lambda params: params["corpus"]["simulated-rcv1"]["encode"].pop("max_tokens"))
    assert changed == {"encode@simulated-rcv1-xml_cnn", "encode_words@simulated-rcv1", "report"}


def test_the_same_run_gives_the_same_metrics(workspace: Workspace) -> None:
    before = workspace.metrics()
    workspace.run("dvc", "repro", "--force", "--single-item", "train@simulated-rcv1-xml_cnn-adversarial-bce")
    workspace.run("dvc", "repro", "--force", "--single-item", "evaluate_fgsm@simulated-rcv1-xml_cnn-adversarial-bce")
    assert workspace.metrics() == before


def test_two_processes_give_the_same_metrics(workspace: Workspace) -> None:
    before = workspace.metrics()
    workspace.edit(lambda params: params.update(launch="torchrun --nproc-per-node 2"))
    for stage in ("train", "predict", "evaluate_fgsm", "evaluate_attacks", "measure_explanations", "explain_shap"):
        said = workspace.run(
            "dvc", "repro", "--force", "--single-item", f"{stage}@simulated-rcv1-xml_cnn-adversarial-bce"
        )
        assert f"> torchrun --nproc-per-node 2 stages/{stage}.py" in said
    assert workspace.metrics() == before
    workspace.edit(lambda params: params.update(launch="python"))


def test_an_experiment_sets_a_parameter_from_the_command_line(workspace: Workspace) -> None:
    workspace.run("git", "add", "--all")
    workspace.run("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "--message", "run")
    workspace.run("dvc", "exp", "run", "--set-param", "fgsm.epsilons=[0.0,0.05]")
    assert any("eps=0.05" in row for row in workspace.metrics())
    assert not any("eps=0.10" in row for row in workspace.metrics())
    assert "fgsm.epsilons" in workspace.run("dvc", "params", "diff")


def test_every_other_architecture_runs_by_changing_parameters(workspace: Workspace) -> None:
    models = ["attention_xml", "mach", "aplc_xlnet_tiny"]
    changes = {"corpora": ["simulated-eurlex"], "models": models, "regimes": ["adversarial"], "losses": ["pw_cb"]}
    workspace.edit(lambda params: params.update(**changes, checkpoints=["tiny-xlnet"]))
    workspace.repro()
    report = (workspace.folder / "report" / "index.html").read_text(encoding="utf-8")
    for model in models:
        place = Path("simulated-eurlex", model, "adversarial", "pw_cb")
        for path in (
            Path("metrics", place, "ranking.json"),
            *(Path("metrics", place, f"{name}.json") for name in ("words", "sanity", "faithfulness", "stability")),
            Path("metrics", place, "fgsm", "eps=0.05.json"),
            *(Path("explanations", place, method, "document-000.html") for method in ("lime", "shap", "ig")),
        ):
            assert (workspace.folder / path).stat().st_size, path
        assert str(Path("models", place)) in report
