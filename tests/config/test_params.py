from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from xmlcore.common.errors import UserError
from xmlcore.config.architectures import ARCHITECTURES
from xmlcore.config.params import Encode, format_epsilon, load_params

PARAMS = Path(__file__).parents[2] / "params.yaml"
COMPILED_YAML = YAML(typ="safe")
COMPILED_YAML.sort_base_mapping_type_on_output = False
CONTENT = COMPILED_YAML.load(PARAMS)
CORPUS, MODEL = "reuters21578", "xml_cnn"


@pytest.fixture
def changed(tmp_path):
    """changed({"fgsm.bits": 4}) -> a copy of the repository's params.yaml with other values."""

    def changed(changes):
        content = deepcopy(CONTENT)
        for key, value in changes.items():
            *sections, last = key.split("|" if "|" in key else ".")
            section = content
            for name in sections:
                section = section[name]
            if value is None:
                del section[last]
            else:
                section[last] = value
        path = tmp_path / "params.yaml"
        COMPILED_YAML.dump(content, path)
        return path

    return changed


def complaint(path):
    with pytest.raises(UserError) as refusal:
        load_params(path)
    return str(refusal.value)


def test_the_repositorys_own_file():
    params = load_params(PARAMS)
    assert params.corpora
    for corpus in params.corpus:
        for name, model in params.model.items():
            assert isinstance(params.encode_of(corpus, name), Encode)
            assert params.model_of(corpus, name).architecture == model.architecture
            assert isinstance(model.network, ARCHITECTURES[model.architecture].network)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("sed", 7, ["sed", "unknown parameter"]),
        (f"model.{MODEL}.training.learning_rte", 0.1, [f"model.{MODEL}.training.learning_rte", "unknown"]),
        ("seed", "seven", ["seed", "integer", "'seven'"]),
        ("fgsm.epsilons", 0.1, ["fgsm.epsilons", "list", "0.1"]),
        (f"model.{MODEL}.training.refit", "yes", [f"model.{MODEL}.training.refit", "boolean", "'yes'"]),
        (f"model.{MODEL}.training.epochs", 1.5, [f"model.{MODEL}.training.epochs", "integer", "1.5"]),
        (f"model.{MODEL}.training.epochs", -1, [f"model.{MODEL}.training.epochs", "greater than or equal to 0", "-1"]),
        (f"model.{MODEL}.network.dropout", 1.0, [f"model.{MODEL}.network.dropout", "less than 1", "1.0"]),
        ("fgsm.bits", 32, ["fgsm.bits", "16", "32"]),
        ("fgsm.epsilons", [], ["fgsm.epsilons", "at least 1"]),
        ("fgsm.epsilons", [0.1, -0.1], ["fgsm.epsilons.1", "greater than or equal to 0", "-0.1"]),
        ("fgsm.epsilons", [float("inf")], ["fgsm.epsilons.0", "finite", "inf"]),
        ("fgsm.epsilons", [1e-7], ["fgsm", "the same name", "0.00, 0.00"]),
        ("fgsm.epsilons", [0.1, 0.10000001], ["fgsm", "the same name", "0.10, 0.10"]),
        ("regime.adversarial.adversarial_weight", 1.1, ["regime.adversarial.adversarial_weight", "1", "1.1"]),
        ("regime.adversarial.squeeze", "input", ["regime.adversarial.squeeze", "'embeddings'", "'input'"]),
        ("predict.labels", 3, ["predict.labels", "greater than or equal to 5", "3"]),
        ("propensity.b", 0.0, ["propensity.b", "greater than 0", "0.0"]),
        ("metrics.frequency_bins", [], ["metrics.frequency_bins", "at least 1"]),
        ("metrics.frequency_bins", [0, 5], ["metrics.frequency_bins.0", "greater than 0", "0"]),
        ("metrics.frequency_bins", [5, 5], ["metrics", "rising", "[5, 5]"]),
        ("encode.validation_fraction", 0.0, ["encode.validation_fraction", "greater than 0"]),
        ("model.ensemble.embedding.parts", None, ["model.ensemble.embedding", "give `parts`", "side_by_side"]),
        (f"model.{MODEL}.embedding.parts", [{}], [f"model.{MODEL}.embedding", "give `parts`", "side_by_side"]),
        ("model.mach.network.encoder", {}, ["model.mach.network.encoder", "give one of bag_of_words"]),
        ("model.ensemble.network.members", [], ["model.ensemble.network.members", "at least 2 items"]),
        ("seed", None, ["seed", "missing", "add it"]),
        ("corpora", ["reuters"], ["corpora", "'reuters'", "not defined", CORPUS]),
        ("models", ["cnn"], ["models", "'cnn'", MODEL]),
        ("regimes", ["sturdy"], ["regimes", "'sturdy'", "clean, adversarial"]),
        ("regimes", ["clean", "certified"], ["regimes: 'certified'", "list it in substitutes.corpora"]),
        ("regimes", ["clean", "substituted"], ["regimes: 'substituted'", "list it in substitutes.corpora"]),
        ("regimes", ["adversarial_words"], ["regimes: 'adversarial_words'", "list it in substitutes.corpora"]),
        ("certify.models", [MODEL], ["certify.models", "list substitutes.corpora"]),
        ("certify.models", ["cnn"], ["certify.models", "'cnn'", "`models`"]),
        ("stacking", {"corpora": ["simulated-rcv1"], "members": ["linear"]}, ["stacking", "two or more"]),
        ("stacking.corpora", ["tibkat"], ["stacking", "two or more"]),
        ("stacking.members", ["linear", "linear"], ["stacking", "once"]),
        ("stacking.members", ["xml_cnn"], ["stacking", "MODEL/REGIME/LOSS"]),
        (
            "stacking",
            {"corpora": ["simulated-rcv1"], "members": ["linear", "mach/clean/bce"]},
            ["stacking.members", "'mach/clean/bce'", "`models`"],
        ),
        (
            "stacking",
            {"corpora": ["tibkat"], "members": ["linear", "xml_cnn/clean/bce"]},
            ["stacking.corpora", "'tibkat'", "`corpora`"],
        ),
        ("substitutes.corpora", ["reuters"], ["substitutes.corpora", "'reuters'", "`corpora`"]),
        ("substitutes.cosine", 1.5, ["substitutes.cosine", "less than or equal to 1", "1.5"]),
        ("regime.clean.warmup", 2, ["regime.clean", "warmup", "certified_weight"]),
        ("regime.adversarial.relative_size", 0.2, ["regime.adversarial", "relative_size", "epsilon"]),
        ("regime.adversarial.certified_weight", 0.5, ["regime.adversarial", "adversarial_weight of 0"]),
        ("regime.adversarial.max_change", 0.5, ["regime.adversarial", "max_change", "attack_space words"]),
        (
            "regime.adversarial.attack_space",
            "words",
            ["regime.adversarial", "attack_space", "relative_size of 0"],
        ),
        ("regime.clean.attack_space", "words", ["regime.clean", "adversarial_weight above 0"]),
        ("regime.clean.attack_space", "tokens", ["regime.clean.attack_space", "'embeddings' or 'words'", "'tokens'"]),
        ("losses", ["focal"], ["losses", "'focal'", "bce, pw"]),
        ("vectors", ["fasttext"], ["vectors", "'fasttext'", "glove"]),
        ("checkpoint.tiny-xlnet", {"hub": ""}, ["checkpoint.tiny-xlnet.hub", "at least 1 character"]),
        ("loss.pw.propensity.a", 0.0, ["loss.pw.propensity.a", "greater than 0", "0.0"]),
        ("loss.pw.class_balance", 1.0, ["loss.pw.class_balance", "less than 1", "1.0"]),
        (f"model.{MODEL}.network.window", [2], [f"model.{MODEL}.network.window: unknown parameter"]),
        (f"model.{MODEL}.encode", {"max_token": 5}, [f"model.{MODEL}.encode.max_token: unknown parameter"]),
        (
            f"corpus.{CORPUS}.model",
            {MODEL: {"encode": {"max_token": 5}}},
            [f"corpus.{CORPUS}.model.{MODEL}.encode.max_token: unknown parameter"],
        ),
        (f"model.{MODEL}", 5, [f"model.{MODEL}: ", "dictionary", "5"]),
        (
            f"corpus.{CORPUS}.encode",
            {"max_tokens": "many"},
            [f"corpus.{CORPUS}.encode.max_tokens", "integer", "'many'"],
        ),
        (f"corpus.{CORPUS}.encode", {"max_token": 5}, [f"corpus.{CORPUS}.encode.max_token", "unknown parameter"]),
        (
            f"corpus.{CORPUS}.model",
            {MODEL: {"training": {"gamma": -1.0}}},
            [f"corpus.{CORPUS}.model.{MODEL}.training.gamma", "greater than 0", "-1.0"],
        ),
        (f"corpus.{CORPUS}.model", {"cnn": {}}, [f"corpus.{CORPUS}.model", "'cnn'", "not defined", MODEL]),
        (f"corpus.{CORPUS}.fetch", {}, [f"corpus.{CORPUS}.fetch", "either `files` or `simulation`"]),
        (f"corpus.{CORPUS}.convert", {"format": "csv"}, [f"corpus.{CORPUS}.convert.format", "'lyrl2004'", "'csv'"]),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(changed, key, value, words):
    message = complaint(changed({key: value}))
    assert [word for word in words if word not in message] == []


def test_an_architecture_is_one_of_those_there_are(changed):
    key, known = f"model.{MODEL}.architecture", ", ".join(ARCHITECTURES)
    assert complaint(changed({key: "xml_cn"})).endswith(f"params.yaml: {key}: one of {known} (is 'xml_cn')")
    assert complaint(changed({key: None})).endswith(f"params.yaml: {key}: missing; add it")


def test_no_recipe_is_called_as_the_linear_classifier_is(changed):
    recipe = CONTENT["model"][MODEL]
    assert "model: 'linear' is what the stage `baseline` fits" in complaint(changed({"model.linear": recipe}))


@pytest.mark.parametrize("name", ["../other", "a/b", ".hidden", ""])
def test_a_name_cannot_leave_its_folder(changed, name):
    assert "a name " in complaint(changed({"corpora": [name]}))


@pytest.mark.parametrize("name", ["my.corpus", "-dash", "vectors", "checkpoints", "glove", "tiny-xlnet"])
def test_a_corpus_has_a_name_that_can_run(changed, name):
    message = complaint(changed({f"corpus|{name}": CONTENT["corpus"][CORPUS]}))
    assert "not begin with '-'" in message if name in ("my.corpus", "-dash") else f"more than one {name!r}" in message


@pytest.mark.parametrize("checksum", ["abc", "Z" * 64])
def test_a_checksum_is_64_hexadecimal_digits(changed, checksum):
    key = f"corpus.{CORPUS}.fetch"
    message = complaint(changed({key: {"files": {"a.txt": {"url": "http://a", "sha256": checksum}}}}))
    assert f"{key}.files.a.txt.sha256" in message


def test_a_missing_file_says_where_to_run(tmp_path):
    assert complaint(tmp_path / "params.yaml").endswith("no such file; run from the folder that holds it")


@pytest.mark.parametrize(
    "text",
    [
        *("corpora: [", "seed: 1\nseed: 2\n", "a\tb: {", "a: 2020-99-99", "a: !!float", "[" * 100, "a: !!int x"),
        "[" * 20_000 + "]" * 20_000,
    ],
    ids=lambda text: text[:20],
)
def test_what_is_not_yaml_is_refused_with_the_file(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    assert "params.yaml: not YAML" in complaint(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    "text", ["a: &a [*a]", "\n".join(["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 99))])]
)
def test_aliases_without_end_are_refused(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    assert "params.yaml: its aliases repeat" in complaint(tmp_path / "params.yaml")


def test_a_long_value_is_shown_in_part(changed):
    assert len(complaint(changed({"seed": "x" * 10**6}))) < 1000


def test_what_is_not_utf8_is_refused_with_the_file(tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"seed: \xff\n")
    assert "params.yaml: not UTF-8" in complaint(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda params: params.encode_of("reuters", MODEL), ["corpus: 'reuters' is not defined", CORPUS]),
        (lambda params: params.encode_of(CORPUS, "cnn"), ["model: 'cnn' is not defined", MODEL]),
        (lambda params: params.model_of(CORPUS, "cnn"), ["model: 'cnn' is not defined", MODEL]),
        (lambda params: params.regime_of("sturdy"), ["regime: 'sturdy' is not defined", "clean, adversarial"]),
        (lambda params: params.loss_of("focal"), ["loss: 'focal' is not defined", "bce, pw"]),
    ],
)
def test_a_name_that_is_not_defined_is_refused_with_those_that_are(ask, words):
    with pytest.raises(UserError) as refusal:
        ask(load_params(PARAMS))
    assert [word for word in words if word not in str(refusal.value)] == []
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["", "- 1\n", "seed\n"])
def test_what_is_no_mapping_is_refused_with_the_file(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    assert "params.yaml: Input should be" in complaint(tmp_path / "params.yaml")


def test_a_corpus_overrides_what_it_names_and_nothing_else(changed):
    override = {"encode": {"max_tokens": 9}, "model": {MODEL: {"training": {"epochs": 1, "milestones": [1]}}}}
    common = load_params(PARAMS)
    params = load_params(changed({f"corpus.{CORPUS}.{key}": value for key, value in override.items()}))
    assert params.encode_of(CORPUS, MODEL) == common.encode.model_copy(update={"max_tokens": 9})
    recipe, usual = params.model_of(CORPUS, MODEL), common.model[MODEL]
    assert recipe.training == usual.training.model_copy(update={"epochs": 1, "milestones": [1]})
    assert (recipe.embedding, recipe.network) == (usual.embedding, usual.network)
    assert params.model[MODEL] == usual


def test_a_model_overrides_the_encoding_of_the_corpus(changed):
    override = {
        f"corpus.{CORPUS}.encode": {"max_tokens": 9, "min_count": 5},
        f"model.{MODEL}.encode": {"max_tokens": 11},
        f"corpus.{CORPUS}.model": {"mach": {"encode": {"max_tokens": 13}}},
    }
    common, params = load_params(PARAMS).encode, load_params(changed(override))
    assert params.encode_of(CORPUS, MODEL) == common.model_copy(update={"max_tokens": 11, "min_count": 5})
    assert params.encode_of(CORPUS, "mach") == common.model_copy(update={"max_tokens": 13, "min_count": 5})
    assert params.encode_of("rcv1", "mach").max_tokens == common.max_tokens


def test_whole_numbers_serve_as_floats(changed):
    assert load_params(changed({"fgsm.epsilons": [0, 1]})).fgsm.epsilons == [0.0, 1.0]


@pytest.mark.parametrize(
    ("epsilon", "name"),
    [
        (0, "0.00"),
        (0.1, "0.10"),
        (0.05, "0.05"),
        (0.125, "0.125"),
        (1, "1.00"),
        (10, "10.00"),
        (1e-6, "0.000001"),
        (0.1 + 0.2, "0.30"),
    ],
)
def test_the_spelling_of_epsilon(epsilon, name):
    assert format_epsilon(epsilon) == name


@given(st.integers(0, 10**8))
def test_the_spelling_of_epsilon_is_the_number(millionths):
    name = format_epsilon(millionths / 10**6)
    assert round(float(name) * 10**6) == millionths
    assert len(name.partition(".")[2]) >= 2


@pytest.mark.parametrize(
    ("key", "value", "complaint_is"),
    [
        (f"tune.{MODEL}.encode", {"max_tokens": {}}, f"tune.{MODEL}.encode: unknown parameter"),
        (f"tune.{MODEL}.network.filter", {"low": 1, "high": 2}, f"tune.{MODEL}.network.filter: unknown parameter"),
        (f"tune.{MODEL}.network.dropout", {"low": 0.5}, f"tune.{MODEL}.network.dropout: `low` and `high`"),
        (f"tune.{MODEL}.network.dropout", {"low": 0.5, "high": 0.5}, f"tune.{MODEL}.network.dropout: `low` and `high`"),
        (f"tune.{MODEL}.network.dropout", {"low": 0.5, "high": 1.5}, f"tune.{MODEL}.network.dropout: Input should be"),
        (f"tune.{MODEL}.network.dropout", {"low": 0.5, "hi": 0.6}, f"tune.{MODEL}.network.dropout.hi: unknown"),
        (f"tune.{MODEL}.network.dropout", {"low": "a", "high": 1}, f"tune.{MODEL}.network.dropout.low."),
        (f"tune.{MODEL}.network.dropout", {}, f"tune.{MODEL}.network.dropout: give either `choices`, or `low`"),
        (f"tune.{MODEL}.network.dropout", {"choices": [0.5]}, f"tune.{MODEL}.network.dropout.choices: List should"),
        (f"tune.{MODEL}.network.dropout", {"low": 0, "high": 0.5, "log": True}, f"tune.{MODEL}.network.dropout: `log`"),
        (f"tune.{MODEL}.network.filters", {"low": 8, "high": 9.5}, f"tune.{MODEL}.network.filters: Input should be"),
        (f"tune.{MODEL}.network.filters", {"choices": [8, "many"]}, f"tune.{MODEL}.network.filters: Input should be"),
        (f"tune.{MODEL}.network.windows", {"low": 1, "high": 2}, f"tune.{MODEL}.network.windows: Input should be"),
        (f"tune.{MODEL}.training.prior_bias", {"low": 0, "high": 1}, f"tune.{MODEL}.training.prior_bias: Input should"),
        (f"tune.{MODEL}.training.refit", {"choices": [True, False]}, f"tune.{MODEL}.training.refit: tuning looks at"),
        ("tune.cnn", {"network": {}}, "tune: 'cnn' is not defined; known are"),
    ],
)
def test_a_range_of_what_a_recipe_cannot_be_is_refused(changed, key, value, complaint_is):
    message = complaint(changed({key: value}))
    assert message.partition("params.yaml: ")[2].startswith(complaint_is)
    assert len(message.splitlines()) == 1


def test_a_recipe_is_tuned_where_it_has_ranges(changed):
    ranges = {"network": {"windows": {"choices": [[1], [2, 4]]}}, "training": {"epochs": {"low": 1, "high": 9}}}
    params = load_params(changed({f"tune.{MODEL}": ranges, "tune.mach": {}}))
    assert [*params.tune_of(MODEL).ranges] == ["network.windows", "training.epochs"]
    with pytest.raises(UserError, match="tune.mach: no ranges; give one"):
        params.tune_of("mach")
    with pytest.raises(UserError, match="tune: 'ensemble' is not defined; known are xml_cnn"):
        params.tune_of("ensemble")
