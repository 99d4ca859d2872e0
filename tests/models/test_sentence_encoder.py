"""A frozen encoder: votes and regression by hand, and vectors that were computed before."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch.nn import functional

from toys import split_of
from xmlcore.common.errors import UserError
from xmlcore.config.architectures import SentenceEncoderNetwork
from xmlcore.data.batches import pad
from xmlcore.data.dataset import UNSEEN_LABEL
from xmlcore.data.tokens import PAD
from xmlcore.models.losses import label_prior
from xmlcore.models.registry import build_model, load_model, save_model
from xmlcore.models.sentence_encoder import PRIOR, SentenceEncoder

LABELS, WIDTH = 4, 8
BODY = {"width": WIDTH, "layers": 2, "heads": 2, "inner": 12, "positions": 12}
SPLIT = split_of([[1, 2, 3], [4, 5], [6], [2, 2, 7, 8], [9, 1]], [[0, 2], [1], [2, UNSEEN_LABEL], [], [3, 0]])
TRUTH = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 1]])
TOKENS = pad([SPLIT.document(i) for i in range(len(SPLIT))])
RATE = torch.tensor([0.4, 0.2, 0.4, 0.2])


def network(**changes: object) -> SentenceEncoderNetwork:
    given = {"checkpoint": "none", "layers": 2, "body": BODY, "neighbours": 3, "linear_share": 0.0}
    return SentenceEncoderNetwork.model_validate(given | changes)


def build(**changes: object) -> SentenceEncoder:
    torch.manual_seed(0)
    table = torch.randn(10, WIDTH)
    table[PAD] = 0
    model = build_model("sentence_encoder", table.numpy(), LABELS, network(**changes))
    model.special.data.normal_()
    return model.eval()


def prepared(split=SPLIT, **changes: object) -> SentenceEncoder:
    model = build(**changes)
    model.prepare(split, seed=0)
    model.initialise_output(RATE.logit())
    return model


def vectors(model: SentenceEncoder) -> torch.Tensor:
    return model.vectors(model.embed(TOKENS), TOKENS != PAD)


def test_a_document_is_the_mean_state_of_its_tokens_and_the_special_ones() -> None:
    model = build()
    document = model.embed(TOKENS[:1])[0]
    enclosed = torch.stack([model.special[1], *document[:3], model.special[0]]).unsqueeze(0)
    expected = functional.normalize(model.body(inputs_embeds=enclosed).last_hidden_state.mean(1))
    torch.testing.assert_close(vectors(model)[:1], expected)


def test_the_nearest_documents_vote_by_their_cosines() -> None:
    model = prepared()
    memory = vectors(model)
    for own, found in zip(memory, model(TOKENS).sigmoid(), strict=True):
        cosines, nearest = (memory @ own).sort(descending=True)
        weights = (cosines[:3] / 0.1).softmax(0)
        expected = (weights @ TRUTH[nearest[:3]] + PRIOR * RATE) / (1 + PRIOR)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_the_linear_head_is_the_logistic_regression_of_each_label() -> None:
    model = prepared(linear_share=1.0, penalty=0.5)
    memory, prior = vectors(model).detach().double(), label_prior(SPLIT, LABELS).double()
    for label, own in enumerate(TRUTH.T.double().numpy()):

        def loss(weights: np.ndarray, label: int = label, own: np.ndarray = own) -> float:
            logits = memory.numpy() @ weights + prior[label].item()
            return float(np.logaddexp(0, np.where(own, -logits, logits)).sum() + 0.25 * weights @ weights)

        expected = minimize(loss, np.zeros(WIDTH), method="BFGS").x
        assert model.output.weight[label].detach().numpy() == pytest.approx(expected, abs=2e-3)


def test_labels_are_regressed_in_parts_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = prepared().output.weight
    monkeypatch.setattr("xmlcore.models.sentence_encoder.AT_ONCE", 3 * len(SPLIT))
    torch.testing.assert_close(prepared().output.weight, whole, atol=1e-3, rtol=1e-3)


def test_both_are_mixed_in_their_shares() -> None:
    votes, linear, both = (prepared(linear_share=share)(TOKENS).sigmoid() for share in (0.0, 1.0, 0.25))
    torch.testing.assert_close(both, 0.75 * votes + 0.25 * linear)


def test_embeddings_have_a_gradient_and_the_body_learns_nothing() -> None:
    model = prepared(linear_share=0.5)
    embeddings = model.embed(TOKENS).detach().requires_grad_()
    model.score(embeddings, TOKENS != PAD).sum().backward()
    assert embeddings.grad is not None
    assert (embeddings.grad.norm(dim=2)[TOKENS != PAD] > 0).all()
    assert not any(parameter.requires_grad for parameter in model.body.parameters())
    precise, mask = model.double(), TOKENS[:1] != PAD
    document = embeddings[:1].detach().double().requires_grad_()
    assert torch.autograd.gradcheck(lambda embeddings: precise.score(embeddings, mask), document)


def test_stored_vectors_take_the_place_of_reading() -> None:
    stored = vectors(build()).detach().numpy()
    model, other = prepared(replace(SPLIT, vectors=stored)), prepared()
    assert np.array_equal(model.memory.numpy(), stored)
    torch.testing.assert_close(model(TOKENS), other(TOKENS))


@pytest.mark.parametrize("wrong", ["others", "narrow"])
def test_vectors_of_another_encoder_are_refused(wrong: str) -> None:
    stored = vectors(build()).detach().numpy()
    with pytest.raises(UserError, match=r"embedding\.layers: .*network\.layers, 2"):
        prepared(replace(SPLIT, vectors=stored[::-1] if wrong == "others" else stored[:, :4]))


def test_a_document_beyond_the_positions_is_refused() -> None:
    with pytest.raises(UserError, match=r"encode\.max_tokens: a document of 11 tokens for a BERT that reads 10"):
        build().prepare(split_of([[1] * 11], [[0]]), seed=0)


def test_a_stored_model_remembers_its_documents(tmp_path) -> None:
    model = prepared(linear_share=0.5)
    save_model(tmp_path, model, "sentence_encoder", network(linear_share=0.5))
    loaded = load_model(tmp_path)
    assert torch.equal(loaded(TOKENS), model(TOKENS))
    asked = torch.tensor([3, 1])
    torch.testing.assert_close(loaded.narrow(asked)(TOKENS), model(TOKENS)[:, asked])
    torch.testing.assert_close(loaded.narrow(asked).narrow(torch.tensor([1]))(TOKENS), model(TOKENS)[:, [1]])
