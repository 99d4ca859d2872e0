import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from toys import LinearClassifier, labels_of
from xmlcore.attacks.embeddings.fgsm import gradient_sign
from xmlcore.data.tokens import PAD
from xmlcore.defenses.squeezing import SqueezedEmbeddings, SqueezedOutputs, reduce_bits, squeeze, squeeze_logits
from xmlcore.models.base import Classifier
from xmlcore.models.token_rows import TokenRows

TABLE = [[0.0, 0.0], [1.0, -1.0], [0.25, 0.5], [-0.9, 0.1]]  # the range is [-1, 1]
WEIGHTS = [[1.0, -2.0, 0.5], [-1.0, 1.5, 0.5]]
TOKENS = torch.tensor([[1, 2, 3], [2, PAD, PAD]])
MASK = TOKENS != PAD


class Recording(LinearClassifier):
    """Remembers the embeddings it was asked to score."""

    def score(self, embeddings, mask):
        self.seen = embeddings.detach()
        return super().score(embeddings, mask)


@pytest.fixture
def model():
    return Recording(TABLE, WEIGHTS)


@pytest.mark.parametrize(
    ("bits", "values", "expected"),
    [
        (1, [0.0, 0.4, 0.6, 1.0], [0, 0, 1, 1]),
        (2, [0.1, 0.2, 0.5 + 1e-6, 0.9], [0, 1 / 3, 2 / 3, 1]),
        (8, [0.5 + 1e-6, 1 / 255, 0.001], [128 / 255, 1 / 255, 0]),
    ],
)
def test_equation_16_by_hand(bits, values, expected):
    assert reduce_bits(torch.tensor(values), bits).tolist() == pytest.approx(expected)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50), st.integers(1, 10))
def test_reduced_values_lie_on_the_levels_and_near_their_origin(values, bits):
    x, levels = torch.tensor(values), 2**bits - 1
    reduced = reduce_bits(x, bits)
    assert torch.equal(reduced, torch.round(reduced * levels) / levels)
    assert ((reduced - x).abs() <= 0.5 / levels + 1e-6).all()
    assert torch.equal(reduce_bits(reduced, bits), reduced)


def test_the_gradient_passes_straight_through():
    x = torch.rand(10, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for squeezed in (reduce_bits(x, 2), squeeze_logits(x, 2)):
        (gradient,) = torch.autograd.grad(squeezed.sum(), x)
        assert torch.equal(gradient, torch.ones(10))


def test_embeddings_are_quantised_over_the_range_of_the_table(model):
    SqueezedEmbeddings(model, bits=1).score(model.embed(TOKENS), MASK)
    assert model.seen[0].tolist() == [[1, -1], [1, 1], [-1, 1]]


def test_vectors_side_by_side_have_ranges_of_their_own(model):
    class Parts(Recording):
        part_widths = (1, 1)

    small = Parts([[0.0, 0.0], [1.0, 0.01], [-0.5, -0.01], [0.2, 0.006]], WEIGHTS)
    SqueezedEmbeddings(small, bits=2).score(small.embed(TOKENS), MASK)
    torch.testing.assert_close(small.seen[0], torch.tensor([[1.0, 0.01], [-0.5, -0.01], [0.0, 0.01 / 3]]))
    alike = Recording([[0.0, 0.0]] + [[0.5, 0.5]] * 3, WEIGHTS)
    alike.embedding.weight.data[0] = 0.5
    SqueezedEmbeddings(alike, bits=8).score(alike.embed(TOKENS), MASK)
    assert torch.equal(alike.seen[0], torch.full((3, 2), 0.5))


def test_padding_stays_zero(model):
    # A zero is no level of one bit over [-1, 1], so that squeezing would move it.
    SqueezedEmbeddings(model, bits=1).score(model.embed(TOKENS), MASK)
    assert not model.seen[~MASK].any()


def test_what_lies_outside_the_range_is_clipped_and_still_gives_a_gradient(model):
    embeddings = (model.embed(TOKENS) * 1000).detach().requires_grad_()
    SqueezedEmbeddings(model, bits=8).score(embeddings, MASK).sum().backward()
    assert float(model.seen.min()) == pytest.approx(-1)
    assert float(model.seen.max()) == pytest.approx(1)
    assert embeddings.grad[MASK].abs().all()


def test_eight_bits_move_an_embedding_by_half_a_level_at_most(model):
    SqueezedEmbeddings(model, bits=8).score(model.embed(TOKENS), MASK)
    assert (model.seen - model.embed(TOKENS)).abs().max().item() <= (1 - -1) / 255 / 2 + 1e-6


@given(st.lists(st.floats(-60, 60, width=32), min_size=1, max_size=400), st.integers(1, 4))
def test_outputs_have_no_more_values_than_bits_can_tell_apart(logits, bits):
    squeezed = squeeze_logits(torch.tensor(logits), bits)
    assert len(squeezed.unique()) <= 2**bits
    assert squeezed.isfinite().all()


def test_squeezed_outputs_keep_the_order_of_what_they_still_tell_apart(model):
    bare = torch.linspace(-9, 9, 200)
    assert (squeeze_logits(bare, 8).diff() >= 0).all()
    inner = (bare.sigmoid() > 0.01) & (bare.sigmoid() < 0.99)
    difference = squeeze_logits(bare, 8).sigmoid() - bare.sigmoid()
    assert float(difference[inner].abs().max()) <= 0.5 / 255 + 1e-6


def test_squeezing_nothing_is_the_model_itself(model):
    assert squeeze(model, "none", 8) is model


def test_both_is_one_after_the_other(model):
    embeddings = model.embed(TOKENS)
    expected = squeeze_logits(SqueezedEmbeddings(model, 2).score(embeddings, MASK), 2)
    assert torch.equal(squeeze(model, "both", 2).score(embeddings, MASK), expected)
    assert isinstance(squeeze(model, "embeddings", 2), SqueezedEmbeddings)
    assert isinstance(squeeze(model, "outputs", 2), SqueezedOutputs)


@pytest.mark.parametrize("where", ["embeddings", "outputs", "both"])
def test_rows_are_squeezed_like_the_embeddings_they_stand_for(model, where):
    defended = squeeze(model, where, 2)
    batch = model.distinct(TOKENS)
    expected = defended.score(model.embed(TOKENS), MASK)
    torch.testing.assert_close(defended.score_rows(batch), expected)
    still = torch.zeros(*TOKENS.shape, 2)
    torch.testing.assert_close(defended.score_steps(batch, still, [0.0, 1.0]), [expected, expected])
    probe = torch.zeros(1, 3, 2, requires_grad=True)
    defended.score_rows(batch, probe)[0, 0].backward()
    embeddings = model.embed(TOKENS).detach().requires_grad_()
    defended.score(embeddings, MASK)[0, 0].backward()
    torch.testing.assert_close(probe.grad[0], embeddings.grad[0])


@pytest.mark.parametrize("where", ["embeddings", "outputs", "both"])
def test_substitutions_are_squeezed_and_scored_as_the_model_inside_does(model, where, monkeypatch):
    asked = []

    def in_its_own_way(*arguments):
        asked.append(arguments)
        return Classifier.score_substitutions(model, *arguments)

    monkeypatch.setattr(model, "score_substitutions", in_its_own_way)
    defended = squeeze(model, where, 2)
    rows, index = model.distinct(TOKENS[0])
    document = TokenRows(defended.precompute(rows), index)
    found = defended.score_substitutions(document, torch.tensor([0, 2]), torch.tensor([3, 1]))
    assert torch.equal(found, defended(torch.tensor([[3, 2, 3], [1, 2, 1]])))
    assert len(asked) == 1


@pytest.mark.parametrize("where", ["embeddings", "outputs", "both"])
def test_a_defence_is_a_classifier(model, where):
    defended = squeeze(model, where, 8)
    assert defended.labels == 3
    assert defended.embedding_table is model.embedding_table
    assert torch.equal(defended.embed(TOKENS), model.embed(TOKENS))
    assert torch.equal(defended(TOKENS), defended.score(model.embed(TOKENS), MASK))
    assert torch.equal(defended.narrow(torch.tensor([2, 0]))(TOKENS), defended(TOKENS)[:, [2, 0]])
    defended.initialise_output(torch.tensor([1.0, 2.0, 3.0]))
    assert model.bias.tolist() == [1, 2, 3]


def test_an_attacker_who_knows_of_the_squeezing_aims_through_it():
    # 0.2 is squeezed to 1. Without a true label the gradient is p(x) - p(0.8 - x): negative at 0.2, positive at 1.
    model = LinearClassifier([[0.0], [0.2], [1.0], [-1.0]], [[1.0, -1.0]])
    model.initialise_output(torch.tensor([0.0, 0.8]))
    tokens, nothing = torch.tensor([[1]]), labels_of([])
    unaware, aware = (
        gradient_sign(attacked, attacked.distinct(tokens), nothing).item()
        for attacked in (model, squeeze(model, "embeddings", 1))
    )
    assert (unaware, aware) == (-1, 1)
