"""What every architecture promises, whichever it is: one row in `small_architectures` for each."""

import pytest
import torch

from small_architectures import ARCHITECTURES, LABELS, SPLIT
from xmlcore.attacks.embeddings.fgsm import gradient_sign
from xmlcore.config import architectures
from xmlcore.config.params import Training
from xmlcore.data.batches import pad, true_labels
from xmlcore.data.tokens import PAD
from xmlcore.defenses.squeezing import SqueezedEmbeddings
from xmlcore.models.registry import build_model, load_model, save_model
from xmlcore.models.token_rows import TokenRows

DOCUMENTS = range(len(SPLIT))
TOKENS = pad([SPLIT.document(i) for i in DOCUMENTS])
MASK = TOKENS != PAD
TRUE = true_labels(SPLIT, DOCUMENTS)
SHARED = ("mach", "sentence_encoder")  # what tells a label is no output of its own, or not that alone
WITHOUT_PRIOR = "ensemble_with_ridge"  # a ridge regression knows it
OWN_OUTPUTS = [
    name for name, (architecture, _) in ARCHITECTURES.items() if architecture not in SHARED and name != WITHOUT_PRIOR
]


@pytest.fixture(params=ARCHITECTURES)
def recipe(request):
    architecture, network = ARCHITECTURES[request.param]
    return architecture, architectures.ARCHITECTURES[architecture].network.model_validate(network)


@pytest.fixture
def model(recipe):
    torch.manual_seed(0)
    vectors = torch.randn(16, 6)
    vectors[PAD] = 0
    model = build_model(recipe[0], vectors.numpy(), LABELS, recipe[1])
    model.prepare(SPLIT, seed=0)
    model.initialise_output(torch.linspace(-3, 0, LABELS))
    return model.eval()


def test_the_ways_to_score_agree(model):
    logits = model.score(model.embed(TOKENS), MASK)
    assert logits.shape == (len(SPLIT), LABELS)
    assert logits.isfinite().all()
    torch.testing.assert_close(model(TOKENS), logits)
    torch.testing.assert_close(model.score_rows(TokenRows.one_each(model.embed(TOKENS), MASK)), logits)


def test_steps_along_a_direction_are_scores_there(model):
    direction = torch.randn(*TOKENS.shape, model.embedding_table.shape[1]) * MASK.unsqueeze(-1)
    found = model.score_steps(model.distinct(TOKENS), direction, [0.0, 0.7])
    for step, logits in zip([0.0, 0.7], found, strict=True):
        torch.testing.assert_close(logits, model.score(model.embed(TOKENS) + step * direction, MASK))


@pytest.mark.parametrize("document", [2, 3], ids=["one token", "seven tokens"])
def test_substitutions_are_scores_of_the_substituted_documents(model, document):
    tokens = torch.from_numpy(SPLIT.document(document)).long()
    positions = torch.tensor([0, 2, 2, 6, 3, 2, 0]) % len(tokens)
    substitutes = torch.tensor([15, 1, 9, 4, 9, 1, int(tokens[0])])
    copies = tokens.repeat(len(positions), 1)
    copies[torch.arange(len(positions)), positions] = substitutes
    batch = model.distinct(torch.cat([tokens, substitutes])[None])
    index, substitutes = batch.row_of[0].split([len(tokens), len(substitutes)])
    for asked in (model, model.narrow(torch.tensor([18, 0, 3]))):
        expected = torch.cat([asked(copy[None]) for copy in copies])
        document = TokenRows(asked.precompute(batch.rows), index)
        torch.testing.assert_close(asked.score_substitutions(document, positions, substitutes), expected)


def test_padding_and_neighbours_do_not_matter(model):
    logits = model(TOKENS)
    torch.testing.assert_close(model(torch.nn.functional.pad(TOKENS, (0, 3))), logits)
    alone = torch.cat([model(pad([SPLIT.document(i)])) for i in DOCUMENTS])
    torch.testing.assert_close(alone, logits)


def test_narrowed_logits_are_those_of_the_asked_labels(model):
    asked = torch.tensor([18, 0, 3])
    torch.testing.assert_close(model.narrow(asked)(TOKENS), model(TOKENS)[:, asked])
    torch.testing.assert_close(model.narrow(asked).narrow(torch.tensor([2]))(TOKENS), model(TOKENS)[:, [3]])
    assert model.narrow(asked).labels == 3
    assert model.labels == LABELS


def test_the_gradient_of_the_embeddings_is_that_of_the_probe_in_evaluation_mode(model):
    embeddings = model.embed(TOKENS).detach().requires_grad_()
    (expected,) = torch.autograd.grad(model.loss(TokenRows.one_each(embeddings, MASK), TRUE), embeddings)
    batch = model.distinct(TOKENS)
    probe = torch.zeros_like(embeddings, requires_grad=True)
    (found,) = torch.autograd.grad(model.loss(batch, TRUE, probe), probe)
    torch.testing.assert_close(found[MASK], expected[MASK])
    few = torch.zeros_like(embeddings[:2], requires_grad=True)
    (found,) = torch.autograd.grad(model.loss(batch, TRUE, few), few)
    torch.testing.assert_close(found[MASK[:2]], expected[:2][MASK[:2]])
    assert expected[MASK].abs().sum(1).all()


def test_an_attack_moves_every_token_and_leaves_no_gradient(model):
    sign = gradient_sign(model, model.distinct(TOKENS), TRUE)
    assert sign[MASK].abs().sum(1).all()
    assert not sign[~MASK].any()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_squeezing_leaves_levels_to_each_of_the_vectors_that_lie_side_by_side(model):
    assert sum(model.part_widths) == model.embedding_table.shape[1]
    last = model.part_widths[-1]
    with torch.no_grad():
        model.embedding_table[:, -last:] *= 1e-3
    seen = []
    squeezed = SqueezedEmbeddings(model, bits=8)
    model.score = lambda embeddings, mask: seen.append(embeddings) or embeddings
    squeezed.score(model.embed(TOKENS), MASK)
    moved = (seen[0] - model.embed(TOKENS))[..., -last:].abs().max()
    assert moved <= model.embedding_table[:, -last:].abs().max() / 255 * 1.01


def test_weights_and_arrangement_survive_storage(model, recipe, tmp_path):
    save_model(tmp_path, model, *recipe)
    assert torch.equal(load_model(tmp_path)(TOKENS), model(TOKENS))


def test_the_losses_within_no_distance_are_the_loss_if_there_are_bounds(model):
    found = model.losses_within(model.distinct_with_substitutes(TOKENS, torch.arange(16)[:, None]), TRUE, 1.0)
    bounded = model.bounds(model.distinct_with_substitutes(TOKENS, torch.arange(16)[:, None])) is not None
    assert (found is not None) == bounded
    for each in found or ():
        torch.testing.assert_close(each, model.loss(model.distinct(TOKENS), TRUE))


def test_the_worst_loss_is_no_less_than_that_of_a_substitution_if_there_are_bounds(model):
    substitutes = torch.stack([torch.arange(16), torch.arange(16).roll(1)], 1)
    substitutes[:2] = torch.tensor([[0, 0], [1, 7]])
    found = model.losses_within(model.distinct_with_substitutes(TOKENS, substitutes), TRUE, 1.0)
    if found:
        for tokens in (TOKENS, substitutes[TOKENS, 1]):
            assert model.loss(model.distinct(tokens), TRUE).item() <= found[1].item() * (1 + 1e-5)


def test_every_parameter_but_a_frozen_one_learns(model):
    model.loss(model.distinct(TOKENS), TRUE).backward()
    still = {name for name, each in model.named_parameters() if each.requires_grad and each.grad is None}
    assert not still
    output = {id(parameter) for parameter in model.output_parameters}
    assert output <= {id(parameter) for parameter in model.parameters()}
    assert id(model.embedding_table) not in output


def test_the_loss_hides_nothing_from_an_attack_that_the_scores_depend_on(model):
    """FGSM follows the loss: a part of the embeddings that it left out would only seem robust."""
    batch = model.eval().distinct(TOKENS)
    (of_loss,) = torch.autograd.grad(model.loss(batch, TRUE), batch.rows, retain_graph=True)
    (of_scores,) = torch.autograd.grad(model.score_rows(batch).square().sum(), batch.rows)
    assert of_scores.any()
    assert of_loss.any(0)[of_scores.any(0)].all()


def test_a_heavier_label_has_a_larger_loss(model):
    with torch.no_grad():
        once = model.loss(model.distinct(TOKENS), TRUE)
        thrice = model.loss(model.distinct(TOKENS), TRUE._replace(weights=3 * TRUE.weights))
    assert float(thrice) > float(once)


@pytest.mark.parametrize("recipe", OWN_OUTPUTS, indirect=True)
def test_the_prior_is_where_a_model_begins(recipe):
    """Nothing of the document counts when the output weights are zero; MACH has the prior of buckets, see its tests."""
    torch.manual_seed(0)
    model = build_model(recipe[0], torch.zeros(16, 6).numpy(), LABELS, recipe[1]).eval()
    prior = torch.linspace(-6, -3, LABELS)
    model.prepare(SPLIT, seed=0)
    model.initialise_output(prior)
    for name, parameter in model.named_parameters():
        if name.endswith("output.weight"):
            torch.nn.init.zeros_(parameter)
    torch.testing.assert_close(model(TOKENS)[0], prior, atol=0.02, rtol=0)


def test_training_lowers_the_loss(model):
    optimizer = torch.optim.Adam(model.parameters(), Training().learning_rate * 20)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = model.loss(model.distinct(TOKENS), TRUE)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
