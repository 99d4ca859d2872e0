import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from substitutions import VOCABULARY, documents, every_substitution, random_substitutes
from xmlcore.config.architectures import XMLCNNNetwork
from xmlcore.models.base import Classifier
from xmlcore.models.token_rows import SubstitutedRows, TokenRows
from xmlcore.models.xml_cnn.bounds import bounded_maxima
from xmlcore.models.xml_cnn.model import XMLCNN
from xmlcore.models.xml_cnn.windows import ConvolvedMax

LABELS, WIDTH = 5, 4


def random_model(seed: int, **changes: object) -> XMLCNN:
    torch.manual_seed(seed)
    given = {"windows": [1, 3], "filters": 3, "chunks": 2, "hidden": 6, "dropout": 0.0}
    model = XMLCNN(torch.randn(VOCABULARY, WIDTH), LABELS, XMLCNNNetwork(**given | changes))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    model.embedding.weight.data[0] = 0
    return model.eval()


@given(st.integers(0, 10**6), documents, st.integers(1, 3))
def test_bounds_hold_for_every_substitution_and_the_upper_ones_are_reached(
    seed: int, document: Tensor, chunks: int
) -> None:
    model, substitutes = random_model(seed, chunks=chunks), random_substitutes(seed)
    batch = model.distinct_with_substitutes(document[None], substitutes)
    found = bounded_maxima(batch, model.kernel, model.windows, chunks, 1.0)
    everything = model.distinct(every_substitution(document, substitutes))
    reached = ConvolvedMax.apply(*everything[:1], model.kernel, None, everything.row_of, model.windows, chunks)
    torch.testing.assert_close(found.high[0], reached.amax(0))
    assert (found.low <= reached + 1e-5).all()
    logits = model.score_rows(everything)
    bounds = model.bounds(batch)
    assert ((bounds.logits().low <= logits + 1e-4) & (logits <= bounds.logits().high + 1e-4)).all()


@given(st.integers(0, 10**6), documents, st.integers(1, 3), st.sampled_from([0.0, 0.25, 0.5, 0.75]))
def test_what_few_substitutions_do_adds_up_to_no_less_than_they_do(
    seed: int, document: Tensor, chunks: int, share: float
) -> None:
    model, substitutes = random_model(seed, chunks=chunks), random_substitutes(seed)
    batch = model.distinct_with_substitutes(functional.pad(document, (0, 2))[None], substitutes)
    bounds = model.bounds(batch, share=share)
    changed = every_substitution(document, substitutes, share)
    where = (changed != document).float()
    inputs = model.bounds(model.distinct_with_substitutes(changed, substitutes[:, :1])).inputs.own  # (n, I)
    moved = inputs - bounds.inputs.own
    down, up = (torch.einsum("nt,ti->ni", where, each[0, : len(document)]) for each in bounds.ways[:2])
    assert (-down - 1e-4 <= moved).all() and (moved <= up + 1e-4).all()
    assert not bounds.ways.down[0, len(document) :].any() and not bounds.ways.up[0, len(document) :].any()
    logits, each = model(changed), torch.arange(LABELS)
    one, other = (pair.flatten() for pair in torch.meshgrid(each, each, indexing="ij"))
    close = bounds.close_margins(0 * one, one, other).view(LABELS, LABELS)
    assert (close <= (logits[:, :, None] - logits[:, None, :]).amin(0) + 1e-3).all()


def test_few_substitutions_of_many_are_bounded_more_closely() -> None:
    model, substitutes = random_model(5), random_substitutes(5)
    tokens = torch.randint(1, VOCABULARY, (1, 40), generator=torch.Generator().manual_seed(0))
    batch = model.distinct_with_substitutes(tokens, substitutes)
    pairs = torch.zeros(4, dtype=torch.int64), torch.tensor([0, 0, 1, 2]), torch.tensor([1, 2, 3, 4])
    found = [model.bounds(batch, share=share).close_margins(*pairs) for share in (1.0, 0.2, 0.1, 0.0)]
    for more, fewer in itertools.pairwise(found):
        assert (more <= fewer + 1e-4).all()
    assert (found[2] > found[0] + 0.1).all()
    logits = model(tokens)[0]
    none = model.bounds(batch, 0.0, 0.5).close_margins(*pairs)
    torch.testing.assert_close(none, logits[pairs[1]] - logits[pairs[2]], rtol=1e-3, atol=1e-3)


@given(st.integers(0, 10**6), documents)
def test_without_a_radius_the_bounds_are_the_logits(seed: int, document: Tensor) -> None:
    model, substitutes = random_model(seed), random_substitutes(seed)
    tokens = functional.pad(document, (0, 2))[None]
    own, low, high = model.bounds(model.distinct_with_substitutes(tokens, substitutes), 0.0).logits()
    for each in (own, low, high):
        torch.testing.assert_close(each, model(tokens), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("radius", [0.3, 1.0])
def test_maxima_and_gradients_are_those_of_plain_bounds(radius: float) -> None:
    model, substitutes = random_model(1), random_substitutes(1)
    rows, row_of, sets = model.distinct_with_substitutes(
        torch.tensor([[3, 4, 5, 3, 6, 7], [8, 3, 1, 0, 0, 0]]), substitutes
    )
    rows = rows.detach().requires_grad_()
    weights = torch.randn(3, 2, 2, 2, 3)
    found = bounded_maxima(SubstitutedRows(rows, row_of, sets), model.kernel, model.windows, 2, radius)
    expected = plain_bounds(model, rows, row_of, sets, radius)
    gradients = []
    for maxima in (found, expected):
        loss = sum((weight * each).sum() for weight, each in zip(weights, maxima, strict=True))
        to_rows, to_kernel = torch.autograd.grad(loss, [rows, model.kernel])
        gradients.append([to_rows[1:], to_kernel])  # the padding learns nothing
    for each, other in [*zip(found, expected, strict=True), *zip(*gradients, strict=True)]:
        torch.testing.assert_close(each, other)


def plain_bounds(model: XMLCNN, rows: Tensor, row_of: Tensor, sets: Tensor, radius: float) -> list[Tensor]:
    """Return the three maxima (B, W, P, F), one window at a time, by plain autograd."""
    moved = rows[sets[:, :1]] + radius * (rows[sets] - rows[sets[:, :1]])  # (N, K, D)
    pooled: list[list[Tensor]] = [[], [], []]
    for document in (row[row != 0] for row in row_of):
        choices, first = moved[document], 0
        for size in model.windows:
            projected = torch.einsum("tkd,dhf->tkhf", choices, model.kernel[:, first : first + size])
            first += size
            for values, maxima in zip((projected[:, 0], projected.amin(1), projected.amax(1)), pooled, strict=True):
                places = range(len(document))
                sums = [sum(values[t + h, h] for h in range(size) if t + h < len(document)) for t in places]
                edges = [model_chunk * len(document) // 2 for model_chunk in range(3)]
                maxima += [torch.stack(sums[a:b]).amax(0) for a, b in itertools.pairwise(edges)]
    return [torch.stack(each).view(len(row_of), len(model.windows), 2, -1) for each in pooled]


def test_rows_of_a_batch_with_substitutes() -> None:
    model = random_model(0)
    substitutes = torch.arange(VOCABULARY)[:, None].repeat(1, 3)
    substitutes[3, 1:], substitutes[5, 1] = torch.tensor([7, 5]), 2
    rows, row_of, sets = model.distinct_with_substitutes(torch.tensor([[5, 3, 5], [4, 0, 0]]), substitutes)
    table = model.embedding_table
    assert torch.equal(rows[row_of], table[torch.tensor([[5, 3, 5], [4, 0, 0]])])
    assert torch.equal(rows[sets[row_of]], table[substitutes[torch.tensor([[5, 3, 5], [4, 0, 0]])]])
    assert len(rows) == 6 and (row_of == 0).tolist() == [[False] * 3, [False, True, True]]  # 0, 3, 4, 5, 2, 7


def test_dropout_falls_on_a_document_and_its_bounds_alike() -> None:
    model = random_model(2, dropout=0.5).train()
    batch = model.distinct_with_substitutes(torch.tensor([[1, 2, 3]]), torch.arange(VOCABULARY)[:, None])
    own, low, high = model.bounds(batch).features
    assert torch.equal(own, low) and torch.equal(own, high) and (own == 0).any()


def test_an_architecture_without_bounds_says_so() -> None:
    class Unbounded(XMLCNN):
        bounds = Classifier.bounds

    batch = TokenRows(torch.zeros(1, WIDTH), torch.zeros(1, 1, dtype=torch.int64))
    model = Unbounded(torch.randn(VOCABULARY, WIDTH), LABELS, XMLCNNNetwork(windows=[1], filters=1, hidden=2))
    assert model.bounds(SubstitutedRows(*batch, torch.zeros(1, 1, dtype=torch.int64))) is None
