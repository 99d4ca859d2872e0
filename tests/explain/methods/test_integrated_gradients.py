"""Integrated Gradients against closed forms: of a linear, a product and a square model, and of a random XML-CNN."""

import math
from dataclasses import asdict

import numpy as np
import pytest
import torch
from parsed_page import ELEMENTS, HOSTILE, Page
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from toys import LinearClassifier, random_xml_cnn, split_of
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.tokens import Vocabulary
from xmlcore.explain.attributions import as_objects
from xmlcore.explain.methods.integrated_gradients import integrated_gradients
from xmlcore.explain.methods.shap import shap_values
from xmlcore.explain.pages.document_page import ig_page
from xmlcore.explain.tokens import ModelTokens
from xmlcore.models.base import Classifier
from xmlcore.models.modules import shallow_copy
from xmlcore.models.predictor import Predictor

WORDS = ["profit", "share", "rain", "snow"]
# Rows: padding, the unknown word, then WORDS.
TABLE = np.array([[0, 0], [0.5, 1], [2, 0], [1, 3], [0, -2], [-1, 1]])
WEIGHTS = np.array([[1.0, 0, 3], [2, -1, 0]])  # (D, L)
MAX_TOKENS = 12


class Squares(LinearClassifier):
    """Logit of a label: the sum over the document of its weights times the squared embeddings."""

    def score(self, embeddings, mask):
        return (embeddings.square() * mask.unsqueeze(-1)).sum(1) @ self.weights + self.bias

    def narrow(self, labels):
        return Squares(self.embedding_table.tolist(), self.weights[:, labels].tolist())


class Product(Squares):
    """Logit of a label: weight times the product over the document of the first number of each embedding."""

    def score(self, embeddings, mask):
        return embeddings[:, :, 0].prod(1, keepdim=True) * self.weights[0]

    def narrow(self, labels):
        return Product(self.embedding_table.tolist(), self.weights[:, labels].tolist())


class Recurrent(LinearClassifier):
    """A bidirectional LSTM, dropout, the mean over the document and a linear output."""

    def __init__(self, table, weights):
        super().__init__(table, weights)
        torch.manual_seed(0)
        width = len(table[0])
        self.lstm = nn.LSTM(width, 4, bidirectional=True, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(8, self.labels)

    def score(self, embeddings, mask):
        lengths = mask.sum(1)
        packed = pack_padded_sequence(embeddings, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.output(self.dropout(states).sum(1) / lengths[:, None])

    def narrow(self, labels):
        narrowed = shallow_copy(self)
        narrowed.output = nn.Linear(8, len(labels))
        narrowed.output.load_state_dict({name: each[labels] for name, each in self.output.state_dict().items()})
        return narrowed


class Recorded:
    """What a `Predictor` offers, with the shapes of all embeddings that were scored."""

    def __init__(self, predictor):
        self.shapes = []
        self.embed = predictor.embed
        self._logits = predictor.logits

    def logits(self, labels):
        logits = self._logits(labels)

        def recorded(embeddings):
            self.shapes.append(tuple(embeddings.shape))
            return logits(embeddings)

        return recorded


def predictor_of(model: Classifier, words=WORDS):
    names = [f"label {i}" for i in range(model.labels)]
    empty = dict.fromkeys(("train", "validation", "test"), split_of([], []))
    return Predictor(model, EncodedCorpus(Vocabulary(words), names, "words", MAX_TOKENS, splits=empty), batch_size=4)


def xml_cnn(labels=6):
    """A random XML-CNN and its predictor. Without biases it would be linear along a line from zero."""
    model, _ = random_xml_cnn(labels)
    for bias in (model.bias, model.bottleneck.bias):
        torch.nn.init.normal_(bias)
    return model, predictor_of(model, [f"w{i}" for i in range(18)])


def explain(tokens, model, labels=(0, 1, 2), baseline="zero", steps=50, batch_size=8):
    return integrated_gradients(tokens, model, labels, baseline=baseline, steps=steps, batch_size=batch_size)


def rows(tokens):
    """The embeddings (T, D) of known words."""
    return TABLE[[2 + WORDS.index(token) for token in tokens]]


TOKENS = ["profit", "rain", "share", "profit", "snow"]
DOCUMENT = ["w3", "w7", "w1", "w3", "unheard", "w12", "w0", "w5"]


@pytest.mark.parametrize(("baseline", "start"), [("zero", TABLE[0]), ("unknown", TABLE[1])])
def test_a_linear_model_gives_weights_times_the_difference_from_the_baseline(baseline, start):
    predictor = predictor_of(LinearClassifier(TABLE.tolist(), WEIGHTS.tolist()))
    expected = (rows(TOKENS) - start) @ WEIGHTS / len(TOKENS)  # (T, L)
    for label, found in enumerate(explain(TOKENS, predictor, baseline=baseline)):
        assert found.tokens == TOKENS
        assert found.weights == pytest.approx(expected[:, label], abs=1e-6)
        assert found.baseline_logit == pytest.approx(start @ WEIGHTS[:, label])
        assert found.logit == pytest.approx(rows(TOKENS).mean(0) @ WEIGHTS[:, label])
        assert found.score == pytest.approx(1 / (1 + math.exp(-found.logit)))
        assert found.delta == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("baseline", "start"), [("zero", TABLE[0]), ("unknown", TABLE[1])])
def test_a_sum_of_squares_gives_the_differences_of_the_squares(baseline, start):
    predictor = predictor_of(Squares(TABLE.tolist(), WEIGHTS.tolist()))
    expected = (rows(TOKENS) ** 2 - start**2) @ WEIGHTS
    for label, found in enumerate(explain(TOKENS, predictor, baseline=baseline)):
        assert found.weights == pytest.approx(expected[:, label], abs=1e-5)


def test_a_product_is_shared_evenly_among_its_factors():
    predictor = predictor_of(Product(TABLE.tolist(), WEIGHTS.tolist()))
    found = explain(["profit", "share", "snow"], predictor, labels=[2])[0]
    assert found.weights == pytest.approx([-2 * 3 / 3] * 3, abs=1e-5)  # 3 is the label's weight, 2 * 1 * -1 the product


def test_the_unknown_word_is_worth_nothing_from_the_unknown_baseline():
    first, second, _ = explain(["unheard", "profit", "unheard"], xml_cnn()[1], baseline="unknown")
    assert [first.weights[i] for i in (0, 2)] == [second.weights[i] for i in (0, 2)] == [0, 0]
    for found in explain(["unheard"] * 3, xml_cnn()[1], baseline="unknown"):
        assert (found.weights, found.delta, found.logit) == ([0, 0, 0], 0, found.baseline_logit)


@pytest.mark.parametrize("baseline", ["zero", "unknown"])
def test_weights_sum_to_the_change_of_the_logit_the_better_the_more_steps(baseline):
    _, predictor = xml_cnn()
    deltas = {}
    for steps in (2, 300):
        found = explain(DOCUMENT, predictor, range(6), baseline, steps, batch_size=512)
        for label in found:
            assert math.fsum(label.weights) - label.delta == pytest.approx(label.logit - label.baseline_logit, abs=1e-6)
        deltas[steps] = max(abs(label.delta) for label in found)
    assert deltas[300] < 0.01 * max(abs(label.logit - label.baseline_logit) for label in found)
    assert deltas[300] < deltas[2] / 10


def test_each_label_has_its_own_attributions_in_the_asked_order():
    _, predictor = xml_cnn()
    together = explain(DOCUMENT, predictor, [4, 1, 0])
    assert [found.label for found in together] == [4, 1, 0]
    for found, label in zip(together, [4, 1, 0], strict=True):
        (alone,) = explain(DOCUMENT, predictor, [label])
        assert found.weights == pytest.approx(alone.weights, abs=1e-6)
        assert found.score == pytest.approx(predictor.scores([DOCUMENT], [label])[0, 0], rel=1e-5)
    assert together[0].weights != pytest.approx(together[1].weights, abs=1e-2)


def test_the_unknown_baseline_is_where_shap_begins():
    _, predictor = xml_cnn()
    (found,) = explain(DOCUMENT, predictor, [2], baseline="unknown")
    (shap,) = shap_values(ModelTokens(DOCUMENT), predictor, [2], evaluations=20, seed=0, batch_size=8)
    assert 1 / (1 + math.exp(-found.baseline_logit)) == pytest.approx(shap.base_value, rel=1e-5)


def test_a_document_has_a_weight_a_token_and_none_for_padding():
    model = Recorded(xml_cnn()[1])
    for tokens in (["w1"], DOCUMENT):
        model.shapes.clear()
        found = explain(tokens, model)
        assert [len(label.weights) for label in found] == [len(tokens)] * 3
        assert {length for _, length, _ in model.shapes} == {len(tokens)}


def test_tokens_that_the_model_does_not_read_have_no_weight():
    _, predictor = xml_cnn()
    read, beyond = ["w1", "w2"] * (MAX_TOKENS // 2), ["w3", "w4"]
    (found,) = explain(read + beyond, predictor, [0])
    assert found.tokens == read + beyond
    assert found.weights == explain(read, predictor, [0])[0].weights + [0, 0]


@pytest.mark.parametrize("batch_size", [1, 7, 50, 1000])
def test_never_more_than_a_batch_of_copies_is_scored_and_the_answer_is_the_same(batch_size):
    model = Recorded(xml_cnn()[1])
    found = explain(DOCUMENT, model, [0, 3], batch_size=batch_size)
    sizes = [size for size, _, _ in model.shapes]
    assert max(sizes) == min(batch_size, 50)
    assert sum(sizes) == 2 + 2 * 50  # the document and the baseline once, the steps for each label
    for one, other in zip(found, explain(DOCUMENT, model, [0, 3], batch_size=50), strict=True):
        assert one.weights == pytest.approx(other.weights, abs=1e-5)


def test_only_the_asked_labels_are_computed():
    model, predictor = xml_cnn()
    logits = predictor.logits([5, 2])
    embeddings = predictor.embed(DOCUMENT)
    assert logits(embeddings).shape == (1, 2)
    expected = model.score(embeddings, torch.ones(1, len(DOCUMENT), dtype=torch.bool))[:, [5, 2]]
    assert torch.allclose(logits(embeddings), expected)


def test_the_model_is_left_as_it_was():
    model, predictor = xml_cnn()
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    gradient = torch.ones_like(model.kernel)
    model.kernel.grad = gradient
    explain(DOCUMENT, predictor)
    assert model.kernel.grad is gradient and torch.equal(gradient, torch.ones_like(gradient))
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name]) and parameter.requires_grad
        assert parameter.grad is None or parameter is model.kernel
    assert not model.training


def test_a_recurrent_model_is_explained_and_can_be_trained_afterwards():
    model = Recurrent(TABLE.tolist(), WEIGHTS.tolist())
    predictor = predictor_of(model)
    before = predictor.scores([TOKENS], [0, 2])
    for found in explain(TOKENS, predictor, [0, 2], "unknown", steps=20, batch_size=3):
        assert max(map(abs, found.weights)) > 1e-3
        assert found.delta == pytest.approx(0, abs=1e-4)
    assert np.array_equal(predictor.scores([TOKENS], [0, 2]), before)
    assert all(parameter.grad is None for parameter in model.parameters())
    model(torch.tensor([[2, 3, 4]])).sum().backward()
    assert all(parameter.grad is not None for parameter in (*model.lstm.parameters(), model.embedding_table))


def test_weights_take_no_part_in_the_gradient():
    _, predictor = xml_cnn()
    embeddings = predictor.embed(DOCUMENT)
    logits = predictor.logits([0])
    assert not embeddings.requires_grad and not logits(embeddings).requires_grad
    assert logits(embeddings.requires_grad_()).requires_grad


def test_same_bits_every_time():
    first, again = (explain(DOCUMENT, xml_cnn()[1], baseline="unknown") for _ in range(2))
    assert [asdict(one) for one in first] == [asdict(one) for one in again]


def test_empty_document_has_no_explanation():
    assert explain([], xml_cnn()[1]) == []


def page_of(document, tokens):
    attributions = explain(tokens, xml_cnn()[1], document.top_labels(3))
    return attributions, ig_page("corpus/model/clean/bce", document, ModelTokens(tokens), attributions, 5)


def test_page_says_what_was_explained_and_how_well(document):
    attributions, html = page_of(document, DOCUMENT)
    page = Page(html)
    for words in ("Integrated Gradients", "Logit", "Baseline logit", "Convergence delta", "C15", "GWEA", "n7", "w12"):
        assert words in page.text
    for found in attributions:
        assert {f"{value:.4f}" for value in (found.logit, found.baseline_logit, found.delta)} <= set(page.words)


def test_page_shows_hostile_text_as_text(document):
    _, html = page_of(document, HOSTILE)
    page = Page(html)
    assert page.elements <= ELEMENTS
    assert not {name for name in page.attributes if name.startswith("on") or name in ("src", "href")}
    assert "\x00" not in html and "\u202e" not in html
    assert all(word in page.text for word in HOSTILE[:7])


def test_page_of_a_document_without_tokens_says_so(document):
    assert "no token" in Page(page_of(document, [])[1]).text


def test_stored_objects_have_the_figures_that_the_report_reads(document):
    (first, *_) = as_objects(document, explain(DOCUMENT, xml_cnn()[1], document.top_labels(3)))
    assert [*first] == [
        *("document", "doc_id", "true_labels", "label_name", "label", "score"),
        *("logit", "baseline_logit", "delta", "tokens", "weights"),
    ]
