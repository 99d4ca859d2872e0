import doctest

import pytest
import torch

from xmlcore.common.errors import UserError
from xmlcore.serving import estimator, text_classifier
from xmlcore.serving.text_classifier import AT_ONCE

CORN = "the corn and wheat harvest"


@pytest.mark.parametrize("module", [text_classifier, estimator], ids=lambda module: module.__name__)
def test_the_examples_of_the_documentation(module) -> None:
    failed, tried = doctest.testmod(module)
    assert tried > 3
    assert failed == 0


def test_labels_come_best_first_with_titles(classifier) -> None:
    labels = classifier.predict(CORN, top=2)
    assert (labels[0].name, labels[0].title) == ("grain_prices", "grain prices")
    assert labels[0].probability > labels[1].probability
    assert [label.name for label in classifier.predict([CORN, "harbour strike"], top=1)[1]] == ["ship"]


def test_a_threshold_leaves_out_what_does_not_reach_it(classifier) -> None:
    every = classifier.predict(CORN, top=3)
    middle = (every[0].probability + every[1].probability) / 2
    assert classifier.predict(CORN, threshold=middle) == every[:1]
    assert classifier.predict(CORN, threshold=1.1) == []
    assert classifier.predict(CORN, threshold="micro_f1") == every[:1]
    assert classifier.predict(CORN, threshold="macro_f1") == every[:1]
    with pytest.raises(UserError, match=r"threshold: 'f1' was not fitted.*precision=0\.9"):
        classifier.predict(CORN, threshold="f1")


def test_probabilities_are_those_of_predict_in_the_asked_order(classifier) -> None:
    known = {label.name: label.probability for label in classifier.predict(CORN)}
    assert classifier.predict_proba([CORN]).tolist() == [pytest.approx([known[name] for name in classifier.labels])]
    asked = classifier.predict_proba([CORN, CORN], ["ship", "grain prices"])
    assert asked[1] == pytest.approx([known["ship"], known["grain_prices"]])
    assert classifier.predict_proba([]).shape == (0, 3)
    with pytest.raises(UserError, match="label: none is called 'fish'"):
        classifier.predict_proba([CORN], ["fish"])


def test_a_stream_is_read_no_further_than_it_must(classifier) -> None:
    read = 0

    def texts():
        nonlocal read
        for _ in range(3 * AT_ONCE):
            read += 1
            yield CORN

    stream = classifier.stream(texts(), top=1)
    next(stream)
    assert read == AT_ONCE
    assert sum(1 for _ in stream) == 3 * AT_ONCE - 1


def test_texts_that_say_nothing_have_labels_and_no_explanation(classifier) -> None:
    for text in ("", "   ", "…"):
        assert len(classifier.predict(text)) == 3
        for method in ("lime", "shap", "ig"):
            with pytest.raises(UserError, match="no word"):
                classifier.explain(text, method=method)
        with pytest.raises(UserError, match="no word"):
            classifier.attack(text)


@pytest.mark.parametrize("method", ["lime", "shap", "ig"])
def test_the_words_of_a_label_speak_for_it(classifier, method: str) -> None:
    found = classifier.explain("the corn near the harbour", "grain prices", method, samples=200)
    assert found.label.name == "grain_prices"
    assert found.weights[0][0] in ("corn", "harbour")
    assert dict(found.weights)["corn"] > 0 > dict(found.weights)["harbour"]
    assert classifier.explain("the corn near the harbour", "grain prices", method, samples=200) == found


def test_the_best_labels_are_explained_together(classifier) -> None:
    found = classifier.explain_top(CORN, 2, "shap", samples=50)
    best = classifier.predict(CORN, top=2)
    assert [each.label.name for each in found] == [label.name for label in best]
    assert [each.label.probability for each in found] == pytest.approx([label.probability for label in best], rel=1e-4)


def test_an_attack_drives_a_label_out_of_the_best_and_another_in(classifier) -> None:
    text = "corn harvest and a report of the day from the wheat market in a long text of other words"
    out = classifier.attack(text, k=1, max_change=0.5)
    assert out.success
    assert out.label.name == "grain_prices" == out.labels_before[0].name
    assert out.labels_after[0].name != "grain_prices"
    assert out.changes and 0 < out.similarity < 1
    words = out.before.split(" ")
    assert [words[position] for position in out.positions] == [word for word, _ in out.changes]
    for position, (_, substitute) in zip(out.positions, out.changes, strict=True):
        words[position] = substitute
    assert " ".join(words) == out.after
    brought = classifier.attack(text, "ship", "negative", k=1, max_change=0.5)
    assert brought.labels_after[0].name == "ship"
    assert classifier.attack(text, k=1, max_change=0.0).changes == []


def test_substitutes_of_a_masked_language_model_and_of_lists(classifier, tmp_path) -> None:
    from transformers import BertConfig, BertForMaskedLM, BertTokenizer

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "corn", "harbour", "cargo", "vessel", "near", "the"]
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    torch.manual_seed(0)
    BertForMaskedLM(BertConfig(vocab_size=len(pieces), **sizes)).save_pretrained(tmp_path / "bert")
    BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)}).save_pretrained(tmp_path / "bert")
    (tmp_path / "synonyms.txt").write_text("corn cargo\nwheat vessel\n")
    for substitutes, source, known in (
        ("masked_lm", tmp_path / "bert", {*pieces[5:]}),
        ("synonyms", tmp_path, {"cargo", "vessel"}),
        ("synonyms", tmp_path / "synonyms.txt", {"cargo", "vessel"}),
    ):
        found = classifier.attack("corn wheat", substitutes=substitutes, source=source, k=1, max_change=1.0)
        assert found.changes and {substitute for _, substitute in found.changes} <= known
    with pytest.raises(UserError, match=r"masked_lm needs a masked language model; give it as source"):
        classifier.attack("corn wheat", substitutes="masked_lm", k=1)
    for source in (tmp_path / "none", tmp_path):
        with pytest.raises(
            UserError, match=f"^source: '{source}' is no masked language model with its tokenizer; give"
        ):
            classifier.attack("corn wheat", substitutes="masked_lm", source=source, k=1)
    with pytest.raises(UserError, match="none: no list of synonyms, which has `synonyms` in its name; put one there"):
        classifier.attack("corn wheat", substitutes="synonyms", source=tmp_path / "none", k=1)
    with pytest.raises(UserError, match="^source: deletion has its words from the model itself; leave it out"):
        classifier.attack("corn wheat", substitutes="deletion", source=tmp_path, k=1)


@pytest.mark.parametrize("substitutes", ["gradient", "neighbours", "deletion"])
def test_substitutes_of_every_kind(classifier, substitutes: str) -> None:
    found = classifier.attack(
        "corn wheat harvest near the tanker in the harbour", substitutes=substitutes, k=1, max_change=0.9
    )
    assert found.success


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"goal": "neutral"}, "goal: one of"),
        ({"substitutes": "none", "k": 1}, "substitutes: one of"),
        ({"label": "ship", "k": 1}, "'ship' is not among the best 1.*negative"),
        ({"label": "grain prices", "goal": "negative", "k": 1}, "is among the best 1.*positive"),
        ({"goal": "negative", "k": 5}, "every label is among the best 5"),
    ],
)
def test_an_attack_that_makes_no_sense_is_refused(classifier, options, message: str) -> None:
    with pytest.raises(UserError, match=message):
        classifier.attack(CORN, **options)


def test_an_unknown_method_is_refused(classifier) -> None:
    with pytest.raises(UserError, match="method: one of lime, shap, ig"):
        classifier.explain(CORN, method="guess")


def test_probabilities_are_calibrated(classifier) -> None:
    tokens = classifier.stored.reader.vocabulary.encode(classifier.tokens(CORN))
    raw = classifier.stored.classifier(torch.tensor([tokens])).sigmoid().detach().numpy()
    calibrated = classifier.stored.calibration.probabilities(raw)
    assert classifier.stored.calibration.temperature != 1
    assert classifier.predict_proba([CORN]) == pytest.approx(calibrated, rel=1e-4)
