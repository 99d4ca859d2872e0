import numpy as np
import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from xmlcore.common import bfloat16
from xmlcore.config.architectures import XMLCNNNetwork
from xmlcore.data.batches import pad
from xmlcore.data.tokens import PAD, UNK
from xmlcore.models.base import Classifier
from xmlcore.models.token_rows import TokenRows
from xmlcore.models.xml_cnn import substituted_windows
from xmlcore.models.xml_cnn.model import XMLCNN
from xmlcore.models.xml_cnn.padded_windows import padded_maxima

LABELS, WIDTH, VOCABULARY = 4, 5, 7


def network(**changes: object) -> XMLCNNNetwork:
    return XMLCNNNetwork(**{"windows": [2, 3], "filters": 3, "chunks": 2, "hidden": 6, "dropout": 0.0, **changes})


def random_model(shape: XMLCNNNetwork, seed: int = 0) -> XMLCNN:
    """A float64 model all of whose parameters are random, biases too."""
    torch.manual_seed(seed)
    model = XMLCNN(torch.zeros(VOCABULARY, WIDTH), LABELS, shape).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    model.embedding.weight.data[PAD] = 0
    return model


def gradients(logits: Tensor, weights: Tensor, wanted: list[Tensor]) -> list[Tensor]:
    return [gradient.to_dense() for gradient in torch.autograd.grad((logits * weights).sum(), wanted)]


def assert_all_close(ours: list[Tensor], plain: list[Tensor]) -> None:
    for mine, theirs in zip(ours, plain, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-10)


shapes = st.builds(
    network,
    windows=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    filters=st.integers(1, 4),
    chunks=st.integers(1, 5),
)
documents = st.lists(st.lists(st.integers(UNK, VOCABULARY - 1), min_size=1, max_size=9), min_size=1, max_size=4)
seeds = st.integers(0, 1000)


@given(shapes, documents, seeds)
def test_forward_and_all_its_gradients_are_those_of_the_plain_convolution(shape, documents, seed):
    model = random_model(shape, seed)
    tokens = pad([np.array(document) for document in documents])
    ours, plain = model(tokens), reference.logits(model, model.embed(tokens), tokens != PAD)
    weights, parameters = torch.randn_like(plain), list(model.parameters())
    assert_all_close([ours], [plain])
    assert_all_close(gradients(ours, weights, parameters), gradients(plain, weights, parameters))


@given(shapes, documents, seeds)
def test_score_and_the_gradient_at_every_position_are_those_of_the_plain_convolution(shape, documents, seed):
    model = random_model(shape, seed)
    tokens = pad([np.array(document) for document in documents])
    mask = tokens != PAD
    # Positions differ even where tokens repeat, as under attack, so that no two windows tie.
    embeddings = torch.randn(*tokens.shape, WIDTH, dtype=torch.float64, requires_grad=True)
    ours, plain = model.score(embeddings, mask), reference.logits(model, embeddings, mask)
    wanted = [embeddings, *(p for name, p in model.named_parameters() if not name.startswith("embedding"))]
    weights = torch.randn_like(plain)
    assert_all_close([ours], [plain])
    assert_all_close(gradients(ours, weights, wanted), gradients(plain, weights, wanted))


@given(shapes, documents, seeds)
def test_with_padding_it_is_the_plain_convolution_too(shape, documents, seed):
    model = random_model(shape, seed)
    tokens = pad([np.array(document) for document in documents], 12)
    mask = tokens != PAD
    embeddings = torch.randn(*tokens.shape, WIDTH, dtype=torch.float64, requires_grad=True)
    ours = model._head(padded_maxima(embeddings, mask, model.kernel, model.windows, model.chunks))
    plain = reference.logits(model, embeddings, mask)
    wanted = [embeddings, *(p for name, p in model.named_parameters() if not name.startswith("embedding"))]
    weights = torch.randn_like(plain)
    assert_all_close([ours], [plain])
    assert_all_close(gradients(ours, weights, wanted), gradients(plain, weights, wanted))


@given(shapes, documents, seeds, st.floats(0, 1))
def test_the_probe_takes_the_gradient_at_every_position_of_the_first_documents(shape, documents, seed, share):
    model = random_model(shape, seed)
    tokens = pad([np.array(document) for document in documents])
    batch = model.distinct(tokens)
    probe = batch.rows.new_zeros(round(share * len(tokens)), tokens.shape[1], WIDTH, requires_grad=True)
    embeddings = model.embed(tokens).detach().requires_grad_()
    ours, plain = model.score_rows(batch, probe), reference.logits(model, embeddings, tokens != PAD)
    weights = torch.randn_like(plain)
    assert_all_close([ours], [plain])
    mask = (tokens != PAD).unsqueeze(-1)
    (mine,), (theirs,) = gradients(ours, weights, [probe]), gradients(plain, weights, [embeddings])
    assert_all_close([mine * mask[: len(probe)]], [theirs[: len(probe)]])


@given(shapes, documents, seeds, st.lists(st.floats(-2, 2), min_size=1, max_size=3))
def test_steps_along_a_direction_are_the_plain_convolution_of_each_step(shape, documents, seed, steps):
    model = random_model(shape, seed)
    tokens = pad([np.array(document) for document in documents])
    mask = tokens != PAD
    direction = torch.randn(*tokens.shape, WIDTH, dtype=torch.float64) * mask.unsqueeze(-1)
    plain = [reference.logits(model, model.embed(tokens) + step * direction, mask) for step in steps]
    assert_all_close(model.score_steps(model.distinct(tokens), direction, steps), plain)


@given(shapes, st.integers(1, 30), st.integers(1, 40), st.sampled_from([1, 300, 2**21]), seeds)
def test_substitutions_are_the_plain_convolution_of_the_substituted_documents(shape, length, count, at_once, seed):
    model = random_model(shape, seed)
    rows = torch.randn(12, WIDTH, dtype=torch.float64).index_fill(0, torch.tensor([0]), 0)
    index, substitutes = (torch.randint(1, len(rows), (size,)) for size in (length, count))
    positions = torch.randint(length, (count,))
    copies = index.repeat(count, 1).scatter(1, positions[:, None], substitutes[:, None])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(substituted_windows, "NUMBERS_AT_ONCE", at_once)
        ours = model.score_substitutions(TokenRows(model.precompute(rows), index), positions, substitutes)
    assert_all_close([ours], [reference.logits(model, rows[copies], copies != 0)])


@given(shapes, documents, seeds)
def test_forward_is_score_of_embed(shape, documents, seed):
    model = random_model(shape, seed)
    tokens = pad([np.array(document) for document in documents])
    assert_all_close([model(tokens)], [model.score(model.embed(tokens), tokens != PAD)])


@pytest.mark.parametrize("document", [[UNK], [UNK, UNK, UNK], [3], [3, 3, 3, 3, 3, 3]])
def test_documents_of_one_token_or_of_one_repeated_token(document):
    model = random_model(network(windows=[2, 4, 8], chunks=3))
    tokens = torch.tensor([document])
    assert_all_close([model(tokens)], [reference.logits(model, model.embed(tokens), tokens != PAD)])


@pytest.mark.parametrize("width", [4, 20])
def test_padding_and_company_change_nothing(width):
    model = random_model(network(windows=[2, 4, 8], chunks=3))
    alone, company = np.array([2, 3, 4]), np.array([6, 5, 4, 2])
    assert_all_close([model(pad([alone, company], width))[:1]], [model(pad([alone]))])


def test_the_window_that_wins_takes_the_whole_gradient():
    model = random_model(network(windows=[1], filters=1, chunks=2, hidden=1))
    for parameter in model.parameters():
        parameter.data.fill_(1)
    embeddings = torch.tensor([[1.0, 3.0, 2.0, 5.0]]).double()[:, :, None].repeat(1, 1, WIDTH).requires_grad_()
    model.score(embeddings, torch.ones(1, 4, dtype=torch.bool))[0, 0].backward()
    assert embeddings.grad[0, :, 0].tolist() == [0, 1, 0, 1]


def test_order_matters_once_the_kernel_is_not_an_average():
    model = random_model(network())
    assert not torch.allclose(model(torch.tensor([[2, 3, 4]])), model(torch.tensor([[4, 3, 2]])))


def test_padding_row_receives_no_gradient():
    model = random_model(network())
    model(torch.tensor([[2, 3, PAD, PAD], [4, 5, 6, 2]])).sum().backward()
    gradient = model.embedding.weight.grad.to_dense()
    assert not gradient[PAD].any()
    assert gradient[2].any()


def test_the_prior_is_where_the_output_begins():
    model = random_model(network())
    prior = torch.arange(LABELS).double()
    model.initialise_output(prior)
    assert torch.equal(model.output.bias, prior)


@pytest.mark.parametrize("initialisation", XMLCNNNetwork.model_fields["initialisation"].annotation.__args__)
def test_the_network_as_initialised_is_seeded_and_finite(initialisation):
    def build() -> XMLCNN:
        torch.manual_seed(3)
        vectors = torch.nn.functional.normalize(torch.randn(VOCABULARY, WIDTH))
        return XMLCNN(vectors, LABELS, network(initialisation=initialisation))

    first, second = build(), build()
    tokens = torch.tensor([[2, 3, 4, 5], [6, 2, PAD, PAD]])
    assert torch.equal(first(tokens), second(tokens))
    assert first(tokens).isfinite().all()
    assert first(tokens).std() > 0


def test_dropout_acts_in_training_only():
    model = random_model(network(hidden=64, dropout=0.5))
    tokens = torch.tensor([[2, 3, 4]])
    assert not torch.equal(model.train()(tokens), model(tokens))
    assert torch.equal(model.eval()(tokens), model(tokens))


def test_embeddings_are_dropped_position_by_position_in_training():
    """With one filter that adds up its token, equal tokens of a document differ as soon as each is dropped alone."""
    model = random_model(network(windows=[1], chunks=3, filters=64, embedding_dropout=0.5, dropout=0))
    pooled = []
    model._head = lambda maxima: pooled.append(maxima) or maxima
    tokens = torch.tensor([[2, 2, 2]])
    model.eval()(tokens)
    model.train()(tokens)
    whole, dropped = (maxima[0, 0] for maxima in pooled)
    assert torch.equal(whole[0], whole[1])
    assert not torch.equal(dropped[0], dropped[1])
    assert dropped.isfinite().all()


def test_an_attack_moves_embeddings_before_they_are_dropped():
    model = random_model(network(embedding_dropout=0.5)).train()
    batch = model.distinct(torch.tensor([[2, 3, 4, 2]]))
    probe = torch.zeros(1, 4, WIDTH, requires_grad=True)
    model.score_rows(batch, probe).sum().backward()
    kept = probe.grad != 0
    assert 0.1 < kept.float().mean() < 0.9


def test_a_narrowed_model_has_the_logits_of_the_asked_labels_in_the_asked_order():
    model, asked = random_model(network()), torch.tensor([3, 0])
    tokens = torch.tensor([[2, 3, 4], [5, PAD, PAD]])
    narrowed = model.narrow(asked)
    assert narrowed.labels == 2
    assert torch.equal(narrowed(tokens), model(tokens)[:, asked])
    assert narrowed.embedding_table is model.embedding_table
    assert model(tokens).shape == (2, LABELS)


@pytest.fixture
def medium_precision(monkeypatch):
    monkeypatch.setattr(bfloat16, "CPU_HAS_BFLOAT16", True)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    yield
    torch.set_float32_matmul_precision(before)


def test_bfloat16_gives_nearly_the_same_logits_and_gradients(medium_precision):
    shape = network(windows=[2, 4, 8], filters=16, hidden=32)
    exact, rough = random_model(shape), random_model(shape).float()
    tokens = torch.randint(UNK, VOCABULARY, (16, 30), generator=torch.Generator().manual_seed(0))
    logits = [model(tokens) for model in (exact, rough)]
    for each in logits:
        each.square().sum().backward()
    pairs = zip(exact.parameters(), rough.parameters(), strict=True)
    gradients = [(a.grad.to_dense(), b.grad.to_dense()) for a, b in pairs]
    for one, other in [logits, *gradients]:
        assert other.dtype == torch.float32
        assert functional.cosine_similarity(one.flatten(), other.flatten().double(), dim=0) > 0.99
    assert not torch.equal(logits[0].float(), logits[1])


def test_substitutions_in_bfloat16_are_as_near_as_the_ordinary_way(medium_precision):
    shape = network(windows=[2, 4, 8], filters=16, hidden=32)
    exact, rough = random_model(shape), random_model(shape).float()
    batch = rough.distinct(torch.randint(UNK, VOCABULARY, (1, 30), generator=torch.Generator().manual_seed(0)))
    document = batch._replace(row_of=batch.row_of[0])
    asked = torch.arange(30), torch.arange(30) % (len(batch.rows) - 1) + 1
    expected = exact.score_substitutions(document._replace(rows=exact.precompute(document.rows.double())), *asked)
    ordinary = Classifier.score_substitutions(rough, document, *asked)
    found = rough.score_substitutions(document._replace(rows=rough.precompute(document.rows)), *asked)
    assert found.dtype == torch.float32
    error, usual = ((each - expected).abs().mean() for each in (found, ordinary))
    assert 0 < error < 1.2 * usual
