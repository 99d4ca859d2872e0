import json
import shutil
from pathlib import Path

import pytest

from xmlcore.common.errors import UserError
from xmlcore.report.collect import collect, nearest_epsilon
from xmlcore.report.results import Results


def collect_toy(project: Path, epsilon: float = 0.1) -> Results:
    return collect(project, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce"], epsilon)


def test_everything_of_a_chosen_corpus_is_found(project: Path) -> None:
    run = collect_toy(project).experiments[0].robust
    assert run is not None
    assert [evaluation["epsilon"] for evaluation in run.evaluations] == [0.0, 0.05, 0.1]
    assert run.training is not None and run.training["best_epoch"] == 11
    assert run.seconds == {"train": 63.14, "evaluate": 7.0}
    assert len(run.squeezing) == 14
    assert run.learning[:2] == ((0, 0.5), (1, 1 - 1 / 3))
    assert [len(run.explained(method)) for method in ("lime", "shap")] == [1, 1]  # the skipped document is none
    assert [entry["token"] for entry in run.explanations["shap"].importances][0] == "profit"


def test_what_is_not_listed_is_not_shown(project: Path) -> None:
    results = collect_toy(project)
    assert [(e.corpus, e.base is None, e.robust is None) for e in results.experiments] == [("toy", False, False)]
    assert results.corpora == ["toy"]
    assert "other" in {path.name for path in (project / "results").iterdir()}


def test_sizes_and_simulations_are_known_by_corpus(project: Path) -> None:
    results = collect(project, ["toy", "other"], ["xml_cnn"], ["clean"], ["bce"], 0.0, ["toy"])
    sizes = results.statistics["toy", "xml_cnn"]
    assert sizes is not None and sizes["labels"] == 12345
    assert results.statistics["other", "xml_cnn"] is None  # its evaluation has not told them
    assert results.simulated == {"toy"}


def renamed(project: Path, *parts: str) -> None:
    """Put another training of `toy` beside the ones that are there."""
    shutil.copytree(project / "results/toy/xml_cnn/clean/bce", project.joinpath("results", "toy", *parts))


@pytest.mark.parametrize(
    ("models", "losses", "title"),
    [
        (["xml_cnn"], ["bce"], "toy"),
        (["xml_cnn", "seed"], ["bce"], "toy · xml_cnn"),
        (["xml_cnn"], ["bce", "pw"], "toy · bce"),
        (["xml_cnn", "seed"], ["bce", "pw"], "toy · xml_cnn · bce"),
    ],
)
def test_the_title_names_the_model_and_the_loss_only_where_there_are_several(
    project: Path, models: list[str], losses: list[str], title: str
) -> None:
    renamed(project, "seed", "clean", "bce")
    renamed(project, "xml_cnn", "clean", "pw")
    results = collect(project, ["toy"], models, ["clean"], losses, 0.1)
    assert results.title(results.experiments[0]) == title


def test_every_loss_is_an_experiment_of_its_own(project: Path) -> None:
    place = project / "results" / "toy" / "xml_cnn" / "clean"
    (place / "bce").rename(place / "pw")
    results = collect(project, ["toy"], ["xml_cnn"], ["clean", "adversarial"], ["bce", "pw"], 0.1)
    assert [(e.corpus, e.loss, e.base is None, e.robust is None) for e in results.experiments] == [
        ("toy", "bce", True, False),
        ("toy", "pw", False, True),
    ]


def test_a_regime_that_was_not_chosen_is_left_out(project: Path) -> None:
    assert collect(project, ["toy"], ["xml_cnn"], ["clean"], ["bce"], 0.1).experiments[0].robust is None


def test_an_epsilon_outside_the_sweep_is_refused_for_a_chosen_corpus(project: Path) -> None:
    with pytest.raises(UserError, match=r"report\.epsilon is 0\.2.*0\.0, 0\.05, 0\.1.*fgsm\.epsilons"):
        collect_toy(project, epsilon=0.2)


def test_a_sweep_without_the_clean_evaluation_is_refused(project: Path) -> None:
    path = project / "results/toy/xml_cnn/clean/bce/evaluate/fgsm.json"
    path.write_text(json.dumps(json.loads(path.read_text())[1:]))
    with pytest.raises(UserError, match=r"toy/xml_cnn/clean/bce/evaluate/fgsm\.json: no clean evaluation.*dvc repro"):
        collect_toy(project)


ATTACKED = {f"{name}@{k}": 0.5 for name in ("P", "nDCG") for k in (1, 3, 5)} | {"attack": "magic", "norm": "l2"}


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("results/toy/xml_cnn/clean/bce/evaluate/fgsm.json", "{", r"fgsm\.json: Invalid JSON"),
        ("results/toy/xml_cnn/clean/bce/evaluate/fgsm.json", '[{"P@1": NaN}]', r"fgsm\.json: 0\.P@1: "),
        ("results/toy/xml_cnn/clean/bce/train/training.json", '{"epochs": "many"}', r"training\.json: epochs: "),
        ("results/toy/xml_cnn/clean/bce/evaluate/corpus.json", "[]", r"corpus\.json: "),
        ("results/toy/xml_cnn/clean/bce/train/timing.json", '{"seconds": null}', r"timing\.json: seconds: "),
        ("results/toy/xml_cnn/clean/bce/train/timing.json", '{"second": 1}', r"timing\.json: seconds: Field required"),
        (
            "results/toy/xml_cnn/clean/bce/train/learning/plots/metrics/validation_P@1.tsv",
            "step\tvalidation_P@1\n0\t" + 200_000 * "0",
            r"P@1\.tsv: line 2",
        ),
        (
            "results/toy/xml_cnn/clean/bce/train/learning/plots/metrics/validation_P@1.tsv",
            "no header",
            r"P@1\.tsv: line 1",
        ),
        (
            "results/toy/xml_cnn/clean/bce/evaluate/squeezing.json",
            '[{"epsilon": 0.1}]',
            r"squeezing\.json: 0\.squeeze: ",
        ),
        (
            "results/toy/xml_cnn/clean/bce/explain/lime/explanations.json",
            '[{"document": 0}]',
            r"explanations\.json: 0\.",
        ),
        ("results/toy/xml_cnn/clean/bce/explain/shap/global.json", '[{"token": 3}]', r"global\.json: 0\.token: "),
        (
            "results/toy/xml_cnn/clean/bce/attack_embeddings/checks.json",
            '{"checks": {}}',
            r"checks\.json: threat_model: ",
        ),
        ("results/toy/xml_cnn/clean/bce/explain/study/faithfulness.json", "[]", r"faithfulness\.json: "),
        (
            "results/toy/xml_cnn/clean/bce/explain/study/stability.json",
            '{"documents": 50, "attacked": {"tea_leaves": {}}}',
            r"stability\.json: attacked\.tea_leaves",
        ),
        (
            "results/toy/xml_cnn/clean/bce/attack_embeddings/curves.json",
            json.dumps([ATTACKED]),
            r"curves\.json: 0\.attack: ",
        ),
        (
            "results/toy/xml_cnn/clean/bce/explain_attacks/gallery.json",
            '[{"document": -1}]',
            r"gallery\.json: 0\.document: ",
        ),
        (
            "results/toy/xml_cnn/clean/bce/train/learning/plots/metrics/validation_P@1.tsv",
            "step\tP@1\n0\thalf\n",
            r"P@1\.tsv: line 2",
        ),
    ],
)
def test_a_broken_file_is_named_with_the_mend(trusted: Path, name: str, content: str, complaint: str) -> None:
    (trusted / name).write_text(content)
    with pytest.raises(UserError, match=rf"{complaint}.*`dvc repro`"):
        collect_toy(trusted)


def test_weights_must_match_tokens(project: Path) -> None:
    path = project / "results/toy/xml_cnn/clean/bce/explain/lime/explanations.json"
    entries = json.loads(path.read_text())
    entries[0]["weights"].pop()
    path.write_text(json.dumps(entries))
    with pytest.raises(UserError, match=r"explanations\.json: as many weights as tokens"):
        collect_toy(project)


@pytest.mark.parametrize(
    ("epsilons", "wanted", "nearest"),
    [([0.0, 0.05, 0.1], 0.1, 0.1), ([0.0, 0.05], 0.1, 0.05), ([0.05, 0.15], 0.1, 0.15), ([0.0], 0.1, 0.0)],
)
def test_the_report_shows_the_nearest_attack(epsilons: list[float], wanted: float, nearest: float) -> None:
    assert nearest_epsilon(epsilons, wanted) == nearest
