"""What others rely on by name: parameters, stages, scripts, files and metric keys. A change here is a decision."""

import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Union, get_args, get_origin

import numpy as np
from pydantic import BaseModel
from ruamel.yaml import YAML

from toys import LinearClassifier, split_of
from xmlcore.attacks.words.campaign import by_frequency, summary
from xmlcore.common import paths
from xmlcore.config.architectures import Member, XMLCNNNetwork
from xmlcore.config.params import Encode, Generator, Goal, Loss, Params, Regime
from xmlcore.data.dataset import load_encoded, statistics
from xmlcore.data.encoding import encode_corpus
from xmlcore.evaluation.fgsm_sweep import Setting, fgsm_sweep
from xmlcore.evaluation.metrics_table import COLUMNS
from xmlcore.models.registry import build_model, save_model
from xmlcore.ranking.predictions import Predictions, untracked, write_predictions

ROOT = Path(__file__).parents[2]

PARAMETERS = """
baseline.cost
baseline.group
certify.max_change
certify.models
certify.steps
checkpoint.*.hub
checkpoint.*.tiny.body.activation
checkpoint.*.tiny.body.heads
checkpoint.*.tiny.body.inner
checkpoint.*.tiny.body.layers
checkpoint.*.tiny.body.norm_epsilon
checkpoint.*.tiny.body.width
checkpoint.*.tiny.vocabulary
checkpoints
corpora
corpus.*.convert.columns
corpus.*.convert.fields.id
corpus.*.convert.fields.labels
corpus.*.convert.fields.text
corpus.*.convert.files.*
corpus.*.convert.format
corpus.*.convert.label_separator
corpus.*.convert.language
corpus.*.convert.max_features
corpus.*.convert.order
corpus.*.encode.*
corpus.*.fetch.files.*.bytes
corpus.*.fetch.files.*.sha256
corpus.*.fetch.files.*.url
corpus.*.fetch.labels
corpus.*.fetch.license
corpus.*.fetch.simulation.kind
corpus.*.fetch.simulation.labels
corpus.*.fetch.simulation.mean_tokens
corpus.*.fetch.simulation.test_documents
corpus.*.fetch.simulation.train_documents
corpus.*.model.*.*
device
encode.max_tokens
encode.max_vocabulary
encode.min_count
encode.tokenizer
encode.validation_fraction
explain.batch_size
explain.documents
explain.gallery
explain.ig.baseline
explain.ig.steps
explain.labels
explain.lime.samples
explain.shap.evaluations
explain.shap.global_documents
explain.shap.global_evaluations
explain.shap.global_tokens
explain.shap.tokenizer
explain.study.beam
explain.study.documents
explain.study.draws
explain.study.epsilon
explain.study.models
explain.top_tokens
fgsm.bits
fgsm.epsilons
fgsm.relative_sizes
launch
lexicon.*.files.*.bytes
lexicon.*.files.*.sha256
lexicon.*.files.*.url
lexicon.*.simulation.kind
lexicon.*.simulation.labels
lexicon.*.simulation.mean_tokens
lexicon.*.simulation.test_documents
lexicon.*.simulation.train_documents
lexicons
loss.*.class_balance
loss.*.mean_one
loss.*.propensity.a
loss.*.propensity.b
losses
masked_lm.batch_size
masked_lm.epochs
masked_lm.heads
masked_lm.layers
masked_lm.learning_rate
masked_lm.max_windows
masked_lm.width
masked_lm.window
metrics.frequency_bins
model.*.architecture
model.*.embedding.checkpoint
model.*.embedding.dimension
model.*.embedding.kind
model.*.embedding.layers
model.*.embedding.parts
model.*.embedding.vectors
model.*.encode.*
model.*.network.body.activation
model.*.network.body.heads
model.*.network.body.inner
model.*.network.body.layers
model.*.network.body.norm_epsilon
model.*.network.body.positions
model.*.network.body.types
model.*.network.body.width
model.*.network.buckets
model.*.network.candidates
model.*.network.checkpoint
model.*.network.chunks
model.*.network.clusters
model.*.network.dropout
model.*.network.embedding_dropout
model.*.network.encoder.aplc_bert.body.activation
model.*.network.encoder.aplc_bert.body.heads
model.*.network.encoder.aplc_bert.body.inner
model.*.network.encoder.aplc_bert.body.layers
model.*.network.encoder.aplc_bert.body.norm_epsilon
model.*.network.encoder.aplc_bert.body.positions
model.*.network.encoder.aplc_bert.body.types
model.*.network.encoder.aplc_bert.body.width
model.*.network.encoder.aplc_bert.checkpoint
model.*.network.encoder.aplc_bert.clusters
model.*.network.encoder.aplc_bert.dropout
model.*.network.encoder.aplc_bert.factor
model.*.network.encoder.aplc_bert.hidden
model.*.network.encoder.aplc_xlnet.body.activation
model.*.network.encoder.aplc_xlnet.body.heads
model.*.network.encoder.aplc_xlnet.body.inner
model.*.network.encoder.aplc_xlnet.body.layers
model.*.network.encoder.aplc_xlnet.body.norm_epsilon
model.*.network.encoder.aplc_xlnet.body.width
model.*.network.encoder.aplc_xlnet.checkpoint
model.*.network.encoder.aplc_xlnet.clusters
model.*.network.encoder.aplc_xlnet.dropout
model.*.network.encoder.aplc_xlnet.factor
model.*.network.encoder.aplc_xlnet.hidden
model.*.network.encoder.attention_xml.candidates
model.*.network.encoder.attention_xml.dropout
model.*.network.encoder.attention_xml.embedding_dropout
model.*.network.encoder.attention_xml.encoders
model.*.network.encoder.attention_xml.hidden
model.*.network.encoder.attention_xml.lstm
model.*.network.encoder.attention_xml.random_fill
model.*.network.encoder.attention_xml.tree
model.*.network.encoder.bag_of_words.dropout
model.*.network.encoder.bag_of_words.prototype_scale
model.*.network.encoder.bag_of_words.ridge
model.*.network.encoder.xml_cnn.chunks
model.*.network.encoder.xml_cnn.dropout
model.*.network.encoder.xml_cnn.embedding_dropout
model.*.network.encoder.xml_cnn.filters
model.*.network.encoder.xml_cnn.hidden
model.*.network.encoder.xml_cnn.initialisation
model.*.network.encoder.xml_cnn.windows
model.*.network.encoders
model.*.network.factor
model.*.network.filters
model.*.network.hidden
model.*.network.initialisation
model.*.network.layers
model.*.network.linear_share
model.*.network.lstm
model.*.network.members
model.*.network.memory.documents
model.*.network.memory.labels
model.*.network.merge
model.*.network.neighbours
model.*.network.penalty
model.*.network.prototype_scale
model.*.network.random_fill
model.*.network.repetitions
model.*.network.ridge
model.*.network.temperature
model.*.network.tree
model.*.network.windows
model.*.training.averaging_from
model.*.training.averaging_steps
model.*.training.batch_size
model.*.training.epochs
model.*.training.freeze_embedding
model.*.training.gamma
model.*.training.gradient_clip
model.*.training.gradient_sum
model.*.training.learning_rate
model.*.training.loss_reduction
model.*.training.matmul_precision
model.*.training.micro_batches
model.*.training.milestones
model.*.training.output_epsilon
model.*.training.output_learning_rate
model.*.training.patience
model.*.training.prior_bias
model.*.training.refit
model.*.training.selection
model.*.training.shuffle_tokens
model.*.training.sparse_embedding
model.*.training.token_dropout
models
predict.labels
predict.precisions
propensity.a
propensity.b
regime.*.adversarial_loss
regime.*.adversarial_share
regime.*.adversarial_weight
regime.*.attack_objective
regime.*.attack_space
regime.*.attack_steps
regime.*.attribution_weight
regime.*.certified_weight
regime.*.epsilon
regime.*.max_change
regime.*.relative_size
regime.*.squeeze
regime.*.warmup
regime.*.word_substitution
regimes
report.epsilon
robustness.documents
robustness.epsilon
robustness.epsilons
robustness.models
robustness.noise
robustness.restarts
robustness.step_size
robustness.steps
robustness.worst_case.documents
robustness.worst_case.queries
robustness.worst_case.relative_size
robustness.worst_case.steps
seed
smoothing.confidence
smoothing.copies
smoothing.deviation
smoothing.documents
smoothing.kept
smoothing.models
smoothing.sizes
smoothing.words
stacking.corpora
stacking.members
substitutes.corpora
substitutes.cosine
substitutes.count
substitutes.kind
tune.*.network.*.choices
tune.*.network.*.high
tune.*.network.*.log
tune.*.network.*.low
tune.*.training.*.choices
tune.*.training.*.high
tune.*.training.*.log
tune.*.training.*.low
vector.*.files.*.bytes
vector.*.files.*.sha256
vector.*.files.*.url
vector.*.simulation.kind
vector.*.simulation.labels
vector.*.simulation.mean_tokens
vector.*.simulation.test_documents
vector.*.simulation.train_documents
vectors
words.bins
words.candidates
words.cluster_labels
words.corpora
words.encoder
words.generators
words.goals
words.k
words.labels
words.masked_lm
words.max_change
words.models
words.samples
words.scores
words.thresholds
"""

STAGES = {
    "trace_imports": "trace_imports.py",
    "fetch": "fetch.py",
    "fetch_vectors": "fetch.py",
    "fetch_lexicon": "fetch.py",
    "fetch_checkpoint": "fetch.py",
    "convert": "convert.py",
    "baseline": "baseline.py",
    "configure": "configure.py",
    "encode": "encode.py",
    "build_embedding": "build_embedding.py",
    "learn_language": "learn_language.py",
    "choose_substitutes": "choose_substitutes.py",
    "give_substitutes": "give_substitutes.py",
    "train": "train.py",
    "evaluate": "evaluate.py",
    "stack": "stack.py",
    "explain": "explain.py",
    "explain_linear": "explain.py",
    "attack_embeddings": "attack_embeddings.py",
    "certify": "certify.py",
    "certify_linear": "certify.py",
    "smooth": "smooth.py",
    "attack_words": "attack_words.py",
    "attack_words_linear": "attack_words.py",
    "explain_attacks": "explain_attacks.py",
    "report": "report.py",
}


def key_paths(annotation: object) -> Iterator[str]:
    """Dotted paths of the values in a section; `*` is any name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from (f"{name}.{rest}".rstrip(".") for rest in key_paths(field.annotation))
    elif get_origin(annotation) is dict:
        yield from (f"*.{rest}".rstrip(".") for rest in key_paths(get_args(annotation)[1]))
    elif get_origin(annotation) is Annotated:
        yield from key_paths(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            if member is not types.NoneType:
                yield from key_paths(member)
    else:
        yield ""


def dvc_stages() -> dict[str, dict]:
    return YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_parameters():
    assert sorted(set(key_paths(Params))) == PARAMETERS.split()


def test_parameters_of_the_members_of_an_ensemble():
    encoders = {path.removeprefix("model.*.network.") for path in PARAMETERS.split() if ".network.encoder." in path}
    assert set(key_paths(Member)) == {"width", "trained"} | encoders


def test_stages_and_their_scripts():
    assert {name: stage["cmd"].split()[1] for name, stage in dvc_stages().items()} == {
        name: f"stages/{script}" for name, script in STAGES.items()
    }


def test_stages_with_a_model_run_as_launch_says():
    launched = {name for name, stage in dvc_stages().items() if stage["cmd"].startswith("${launch} ")}
    names = "train evaluate explain attack_embeddings certify smooth attack_words explain_attacks"
    assert launched == {*names.split(), "explain_linear", "certify_linear", "attack_words_linear"}


def test_scripts():
    by_hand = {"tune.py"}  # changes params.yaml, which stages read
    assert {path.name for path in (ROOT / "stages").glob("*.py")} == {*STAGES.values(), *by_hand}


def test_matrix_order_makes_stage_names_such_as_train_rcv1_xml_cnn_adversarial_bce():
    stages = dvc_stages()
    names = "train evaluate explain attack_embeddings certify smooth attack_words explain_attacks"
    for name in names.split():
        assert [*stages[name]["matrix"]] == ["corpus", "model", "regime", "loss"]
    for name in ("configure", "encode", "build_embedding"):
        assert [*stages[name]["matrix"]] == ["corpus", "model"]
    assert [*stages["give_substitutes"]["matrix"]] == ["corpus", "regime"]
    of_linear = ("baseline", "explain_linear", "certify_linear", "attack_words_linear")
    for name in ("fetch", "convert", *of_linear, "stack", "learn_language", "choose_substitutes"):
        assert [*stages[name]["matrix"]] == ["corpus"]


def test_every_stage_says_what_it_is():
    assert all(stage["desc"] for stage in dvc_stages().values())


def test_every_regime_and_loss_has_all_its_keys():
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    assert {tuple(regime) for regime in params["regime"].values()} == {tuple(Regime.model_fields)}
    assert {tuple(loss) for loss in params["loss"].values()} == {tuple(Loss.model_fields)}


def test_regimes():
    assert [*YAML(typ="safe").load(ROOT / "params.yaml")["regime"]] == [
        "clean",
        "adversarial",
        "pgd",
        "stable",
        "squeezed",
        "substituted",
        "adversarial_words",
        "certified",
    ]
    assert [*Regime.model_fields] == [
        "epsilon",
        "relative_size",
        "warmup",
        "adversarial_weight",
        "adversarial_share",
        "attack_space",
        "attack_objective",
        "attack_steps",
        "adversarial_loss",
        "max_change",
        "attribution_weight",
        "word_substitution",
        "certified_weight",
        "squeeze",
    ]


def test_word_attacks():
    assert get_args(Goal) == ("positive", "negative", "negative_clustered", "non_targeted")
    assert get_args(Generator) == ("masked_lm", "neighbours", "synonyms", "substitutes", "gradient", "deletion")
    row = {"clean": True, "success": True, "similarity": 0.9, "change_rate": 0.1, "queries": 3}
    rows = [row | {"goal": "positive", "generator": "gradient", "bin": {"lowest": 1, "highest": 4}}]
    figures = "samples clean_accuracy success_rate accuracy_under_attack success_rate@0.80"
    assert (
        " ".join(summary(rows, ["positive"], [0.8])["positive"]["gradient"])
        == f"{figures} similarity change_rate queries"
    )
    assert " ".join(by_frequency(rows, [0.8])[0]) == f"goal generator lowest highest {figures}"


def test_losses():
    assert [*YAML(typ="safe").load(ROOT / "params.yaml")["loss"]] == ["bce", "pw", "pw_cb", "pw_mean", "pw_cb_mean"]
    assert [*Loss.model_fields] == ["propensity", "class_balance", "mean_one"]


def test_metric_keys():
    model = LinearClassifier([[0.0], [1.0]], [[1.0, 0.0]])
    (result,) = fgsm_sweep(model, split_of([[1]], [[0]]), epsilons=[], settings=[Setting("none", "aware")], bits=8)
    assert " ".join(result.metrics) == "P@1 P@3 P@5 nDCG@1 nDCG@3 nDCG@5 gap@1 gap@3 gap@5"


def test_columns_of_the_table_across_epsilon():
    assert " ".join(COLUMNS) == "P@1 P@3 P@5 nDCG@3 nDCG@5 gap@1"


def test_places():
    cell = ("rcv1", "xml_cnn", "clean", "bce")
    assert [
        path.as_posix()
        for path in (
            paths.raw("rcv1"),
            paths.records("rcv1"),
            paths.encoded("rcv1", "xml_cnn"),
            paths.embedding("rcv1", "xml_cnn"),
            paths.VECTORS,
            paths.CHECKPOINTS,
            paths.LEXICONS,
            paths.substitutes("rcv1"),
            paths.given_substitutes("rcv1", "clean"),
            paths.language("rcv1"),
            paths.recipe("rcv1", "xml_cnn"),
            paths.model(*cell),
            paths.predictions(*cell),
            paths.metrics(*cell),
            paths.word_metrics(*cell),
            paths.results(*cell, "explain"),
            paths.stacked("rcv1"),
            paths.REPORT,
        )
    ] == [
        "data/rcv1/raw",
        "data/rcv1/records",
        "data/rcv1/encoded/xml_cnn",
        "data/rcv1/embeddings/xml_cnn",
        "data/vectors",
        "data/checkpoints",
        "data/lexicons",
        "data/substitutes/rcv1",
        "data/rcv1/substitutes/clean",
        "data/rcv1/language",
        "data/rcv1/recipes/xml_cnn",
        "models/rcv1/xml_cnn/clean/bce",
        "results/rcv1/xml_cnn/clean/bce/evaluate/predictions",
        "metrics/rcv1/xml_cnn/clean/bce",
        "metrics/rcv1/xml_cnn/clean/bce.words",
        "results/rcv1/xml_cnn/clean/bce/explain",
        "stacked/rcv1",
        "report",
    ]


def test_files_of_an_encoded_corpus(tmp_path):
    records, encoded = tmp_path / "records", tmp_path / "encoded"
    records.mkdir()
    encoded.mkdir()
    for name in ("train", "test"):
        (records / f"{name}.tsv").write_text("1\tC15\tprofit\n2\tC15\tprofit\n")
    options = Encode(validation_fraction=0.5)
    encode_corpus(records, encoded, options, 0, untracked)
    sizes = statistics(load_encoded(encoded))
    arrays = ("label_offsets.bin", "labels.bin", "token_offsets.bin", "tokens.bin")
    expected = [f"{split}/{array}" for split in ("test", "train", "validation") for array in arrays]
    assert files_of(encoded) == sorted(["labels.tsv", "text.json", "vocabulary.txt", *expected])
    assert json.loads((encoded / "text.json").read_text()) == {"tokenizer": "words", "max_tokens": 500}
    assert " ".join(sizes) == (
        "train_documents validation_documents test_documents vocabulary labels labels_per_document "
        "documents_per_label tokens_per_train_document tokens_per_test_document"
    )


def test_files_of_a_model(tmp_path):
    network = XMLCNNNetwork(windows=[2], filters=1, chunks=1, hidden=2)
    model = build_model("xml_cnn", np.zeros((3, 4), np.float32), 2, network)
    save_model(tmp_path, model, "xml_cnn", network)
    assert files_of(tmp_path) == ["config.json", "weights.safetensors"]
    assert [*model.state_dict()] == [
        *("kernel", "bias", "embedding.weight"),
        *("bottleneck.weight", "bottleneck.bias", "output.weight", "output.bias"),
    ]


def test_files_of_predictions(tmp_path):
    write_predictions(tmp_path, Predictions(np.zeros((1, 2), np.int32), np.zeros((1, 2), np.float32)))
    assert files_of(tmp_path) == ["labels.npy", "scores.npy"]
