"""Explainers measured on a model whose right explanation is known: one decisive word for each label."""

import copy
import json

import numpy as np
import pytest
import torch

from toys import LinearClassifier, random_xml_cnn, split_of
from xmlcore.attacks.embeddings.objectives import cross_entropy
from xmlcore.common.errors import UserError
from xmlcore.config.params import Explain
from xmlcore.data.batches import true_labels
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.tokens import PAD, Vocabulary
from xmlcore.explain.documents import Document, Prediction
from xmlcore.explain.explainers import MEASURED, METHODS, explainers
from xmlcore.explain.study.stability import read_study, stability
from xmlcore.explain.study.study import READING, Study, explanations, gini, shuffled, summary
from xmlcore.explain.study.word_table import WordTable
from xmlcore.models.predictor import Predictor

WORDS = ["grain", "ship", *(f"filler{i}" for i in range(6))]
TEXTS = [
    "grain filler0 filler1 filler2 grain filler3",
    "filler4 ship filler5 filler0 filler1",
    "grain grain",
    "ship filler0",
]
TRUE = [[0], [1], [0], [1]]
OPTIONS = Explain(
    documents=[0],
    lime={"samples": 300},
    shap={"evaluations": 200},
    ig={"steps": 20},
    study={"documents": 4, "draws": 2, "beam": 2},
)


def corpus() -> EncodedCorpus:
    vocabulary = Vocabulary(WORDS)
    test = split_of([vocabulary.encode(text.split()) for text in TEXTS], TRUE)
    return EncodedCorpus(vocabulary, ["of grain", "of ships"], "whitespace", 20, splits={"test": test})


def planted() -> LinearClassifier:
    """Grain speaks for label 0, ships for label 1; the six fillers for neither, each a little off."""
    rng = np.random.default_rng(0)
    table = np.concatenate([np.zeros((2, 2)), 8 * np.eye(2), 0.3 * rng.normal(size=(6, 2))])
    return LinearClassifier(table.astype(np.float32).tolist(), [[1.5, 0.0], [0.0, 1.5]]).eval()


def documents() -> list[Document]:
    predictor = Predictor(planted(), corpus(), 64)
    found = []
    for index, text in enumerate(TEXTS):
        scores = predictor.scores([text.split()], [0, 1])[0]
        best = [Prediction(int(i), corpus().label_names[i], float(scores[i])) for i in np.argsort(-scores)]
        found.append(Document(index, f"d{index}", text, (corpus().label_names[TRUE[index][0]],), tuple(best)))
    return found


@pytest.fixture(scope="module")
def studied():
    study = Study(planted(), corpus(), OPTIONS, 5.0, seed=7)
    return [study.examine(document) for document in documents() if document.index in study.drawn()]


def test_documents_of_one_word_are_not_drawn():
    assert Study(planted(), corpus(), OPTIONS, 5.0, seed=7).drawn() == [0, 1, 3]


@pytest.mark.parametrize("method", [*METHODS, "gradient_x_input"])
def test_every_explainer_finds_the_decisive_word(method):
    predictor, tokens = Predictor(planted(), corpus(), 64), TEXTS[0].split()
    weights = explainers(OPTIONS, 7)[method](tokens, predictor, 0, 0)
    assert max(weights.of_words, key=weights.of_words.get) == "grain"
    assert len(weights.of_tokens) == len(tokens)
    assert list(weights.of_words) == list(dict.fromkeys(tokens))
    if method == "lime":
        assert [weights.of_words[token] for token in tokens] == weights.of_tokens
    else:
        assert weights.of_words["grain"] == pytest.approx(weights.of_tokens[0] + weights.of_tokens[4])


def test_what_is_measured_of_it(studied):
    found = summary(studied)
    assert found["documents"] == 3
    assert list(found["methods"]) == list(MEASURED)
    for method in METHODS:
        figures = found["methods"][method]
        for removal in ("masking", "deletion"):
            assert 0.8 < figures[removal]["naopc"]["mean"] <= 1
            assert figures[removal]["comprehensiveness"] > figures[removal]["sufficiency"]
        assert figures["tau_leave_one_out"] > 0.5
        assert figures["sensitivity"] < 0.5
    assert found["methods"]["random"]["masking"]["naopc"]["mean"] < 0.8
    assert found["methods"]["lime"]["r2"] > 0.5
    assert found["methods"]["ig"]["delta"] < 1e-3
    assert "sensitivity" not in found["methods"]["random"]
    assert len(found["agreement"]) == 10
    assert all(0 <= share <= 1 for share in found["agreement"].values())
    assert list(found["better_than_random"]) == list(READING)
    json.dumps(found, allow_nan=False)


def test_the_same_twice(studied):
    study = Study(planted(), corpus(), OPTIONS, 5.0, seed=7)
    again = study.examine(documents()[0])
    assert again.weights == studied[0].weights
    assert again.attacked == studied[0].attacked
    assert again.sensitivity == studied[0].sensitivity
    assert again.faithfulness == studied[0].faithfulness


def test_explanations_are_stable_where_nothing_moves_and_less_so_under_attack(studied):
    clean, attacked = explanations(studied, moved=False), explanations(studied, moved=True)
    itself = stability(clean, clean)
    assert all(figures["rank_correlation"]["mean"] == pytest.approx(1) for figures in itself.values())
    assert all(figures["overlap"]["mean"] == 1 for figures in itself.values())
    moved = stability(clean, attacked)
    assert set(moved) == set(READING)
    assert any(figures["rank_correlation"]["mean"] < 1 for figures in moved.values())


def test_the_gini_index():
    assert gini([1, -1, 1]) == pytest.approx(0)
    assert gini([0, 0, 0, 5]) == pytest.approx(0.75)
    assert gini([1, 2, 3]) == pytest.approx(2 / 9)
    assert np.isnan(gini([0, 0]))


def test_shuffled_weights_are_the_same_numbers_elsewhere_and_the_padding_stays_zero():
    model, _ = random_xml_cnn(4)
    before = copy.deepcopy(model.state_dict())
    other = shuffled(model, 3)
    for name, weight in other.state_dict().items():
        if "embedding" not in name:
            assert torch.equal(weight.flatten().sort().values, before[name].flatten().sort().values)
    assert not other.embedding_table[PAD].any()
    assert not torch.equal(other.kernel, before["kernel"])
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


class TestWordTable:
    tokens = TEXTS[0].split()

    def table(self, model=None, tokens=None):
        return WordTable(model or planted(), corpus(), tokens or self.tokens, 64)

    def test_unmoved_it_is_the_model(self):
        still = torch.zeros(5, 2)
        expected = Predictor(planted(), corpus(), 64).scores([self.tokens, self.tokens[:2]], [1, 0])
        found = self.table().moved(still).scores([self.tokens, self.tokens[:2]], [1, 0])
        np.testing.assert_allclose(found, expected, rtol=1e-6)

    def test_a_word_moves_wherever_it_stands_and_the_mask_does_not(self):
        movement = torch.zeros(5, 2)
        movement[0, 0] = -8.0  # grain becomes nothing
        moved = self.table().moved(movement)
        hidden = ["<unk>" if token == "grain" else token for token in self.tokens]
        plain = Predictor(planted(), corpus(), 64)
        np.testing.assert_allclose(moved.scores([self.tokens], [0, 1]), plain.scores([hidden], [0, 1]), rtol=1e-6)
        np.testing.assert_allclose(moved.scores([hidden], [0, 1]), plain.scores([hidden], [0, 1]), rtol=1e-6)

    def test_fgsm_raises_the_loss_more_than_noise_of_its_size(self):
        model, split = random_xml_cnn(4)
        data = EncodedCorpus(
            Vocabulary([f"w{i}" for i in range(18)]), list("abcd"), "whitespace", 20, splits={"test": split}
        )
        tokens = [data.vocabulary.tokens[i] for i in split.document(3)]
        table = WordTable(model, data, tokens, 64)
        labels = true_labels(split, np.array([3]))
        step = table.fgsm(labels, 0.2)
        noise = [table.noise(0.2, torch.Generator().manual_seed(i)) for i in range(5)]
        assert step.abs().max() == pytest.approx(float(noise[0].abs().max()))

        def loss(movement):
            moved = table.moved(movement)
            logits = moved.logits(range(4))(moved.embed(tokens)).detach()
            return float(cross_entropy(logits, labels.targets(labels.ids, 4)))

        assert loss(step) > max(map(loss, [torch.zeros_like(step), *noise]))

    def test_unknown_and_reserved_words(self):
        tokens = ["grain", "<unk>", "never", "<pad>", "seen"]
        movement = torch.zeros(3, 2)
        movement[1] = 8.0  # the unknown word "never" moves, "seen" does not
        found = self.table(tokens=tokens).moved(movement)
        plain = Predictor(planted(), corpus(), 64)
        np.testing.assert_allclose(found.scores([["seen"]], [0]), plain.scores([["seen"]], [0]))
        assert found.scores([["never"]], [0]) > plain.scores([["never"]], [0])
        np.testing.assert_allclose(found.scores([["<unk>"]], [0]), plain.scores([["<unk>"]], [0]))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"lime": [{"doc_id": "d"}]}', "\udc80"])
def test_a_damaged_study_is_one_line(tmp_path, content):
    path = tmp_path / "clean.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=r"clean\.json: damaged.*run explain again"):
        read_study(path)
