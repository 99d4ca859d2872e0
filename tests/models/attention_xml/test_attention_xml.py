import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from toys import split_of
from xmlcore.config.architectures import AttentionXMLNetwork
from xmlcore.data.batches import TrueLabels
from xmlcore.data.tokens import PAD
from xmlcore.models.attention_xml.model import UNREACHED, AttentionXML

TOKENS = torch.tensor([[1, 2, 3, 4, 5], [6, 7, 6, PAD, PAD], [8, PAD, PAD, PAD, PAD]])
MASK = TOKENS != PAD
LABELS = 16


def attention(**network) -> AttentionXML:
    torch.manual_seed(0)
    vectors = torch.randn(10, 6)
    vectors[PAD] = 0
    return AttentionXML(vectors, LABELS, AttentionXMLNetwork(lstm=4, hidden=[5, 3], **network)).eval()


def true(*labels: list[int]) -> TrueLabels:
    return TrueLabels(torch.tensor(labels), (torch.tensor(labels) >= 0).float())


def test_states_are_those_of_a_bidirectional_lstm_over_packed_documents():
    model = attention()
    reference = nn.LSTM(6, 4, batch_first=True, bidirectional=True)
    (encoder,) = model.encoders
    for name, parameter in encoder.onward.named_parameters():
        getattr(reference, name).data = parameter.data
    for name, parameter in encoder.backward.named_parameters():
        getattr(reference, f"{name}_reverse").data = parameter.data
    packed = pack_padded_sequence(model.embed(TOKENS), MASK.sum(1), batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(reference(packed)[0], batch_first=True)
    torch.testing.assert_close(encoder(model.embed(TOKENS), MASK), expected)


def test_logits_are_equations_1_to_3_one_label_and_document_at_a_time():
    model = attention()
    (states,), (level,) = model._states(model.embed(TOKENS), MASK), model.levels
    for document, length in enumerate(MASK.sum(1)):
        own = states[document, :length]
        for label in range(LABELS):
            weights = functional.softmax(own @ level.queries[label], 0)
            features = weights @ own
            for layer in level.shared:
                features = torch.relu(layer(features))
            expected = level.output(features)[0] + level.bias[label]
            torch.testing.assert_close(model(TOKENS)[document, label], expected)


@pytest.mark.parametrize("encoders", ["shared", "one_a_level"])
def test_a_label_of_the_tree_has_the_product_of_the_probabilities_on_its_path(encoders):
    model = attention(tree=[2, 8], candidates=8, encoders=encoders)
    model.prepare(split_of([[1, 2], [3, 4], [5, 6]], [[3, 9], [0], [15]]), seed=0)
    states = model._states(model.embed(TOKENS), MASK)
    every = [level(read, MASK).sigmoid() for level, read in zip(model.levels, states, strict=True)]
    place = model.tree.position
    for label in range(LABELS):
        p = every[0][:, place[label] // 8] * every[1][:, place[label] // 2] * every[2][:, place[label]]
        torch.testing.assert_close(model(TOKENS)[:, label].sigmoid(), p)


def test_the_search_looks_below_the_best_groups_alone():
    model = attention(tree=[8], candidates=3)
    groups = model.levels[0](model._states(model.embed(TOKENS), MASK)[0], MASK)
    logits = model(TOKENS)
    for document, best in enumerate(groups.topk(3).indices.tolist()):
        reached = [label for label in range(LABELS) if label // 2 in best]
        others = [label for label in range(LABELS) if label // 2 not in best]
        torch.testing.assert_close(logits[document, reached], model.narrow(torch.tensor(reached))(TOKENS)[document])
        bounds = functional.logsigmoid(groups[document, [label // 2 for label in others]]) + UNREACHED
        torch.testing.assert_close(logits[document, others], bounds, atol=1e-4, rtol=1e-4)


def test_true_labels_are_learned_wherever_the_search_would_have_gone():
    """The group of the true label is the least likely, and its members are in the loss all the same."""
    model = attention(tree=[8], candidates=2)
    model.levels[0].bias.data = torch.arange(8.0) * 3
    batch = model.distinct(TOKENS)
    labels = true([0], [1], [-1])
    states = model._states(model.embed(TOKENS), MASK)
    groups, members = (level(read, MASK) for level, read in zip(model.levels, states, strict=True))
    targets = torch.zeros(3, 8)
    targets[0, 0] = targets[1, 0] = 1
    expected = functional.binary_cross_entropy_with_logits(groups, targets, reduction="sum")
    for document, chosen in enumerate([[0, 7], [0, 7], [6, 7]]):
        looked_at = [member for group in chosen for member in (2 * group, 2 * group + 1)]
        wanted = torch.zeros(4)
        if document < 2:
            wanted[document] = 1
        expected += functional.binary_cross_entropy_with_logits(members[document, looked_at], wanted, reduction="sum")
    torch.testing.assert_close(model.loss(batch, labels), expected)


def test_a_tree_as_large_as_the_label_set_is_flat():
    assert len(attention(tree=[16]).levels) == 1
    assert len(attention(tree=[8, 32]).levels) == 2


def test_gradients_reach_every_label_of_a_family_once():
    """In families of unequal size a member stands in for those that are missing; it must not count twice."""
    torch.manual_seed(0)
    vectors = torch.randn(10, 6)
    model = AttentionXML(vectors, 5, AttentionXMLNetwork(lstm=4, hidden=[5], tree=[2], candidates=2)).eval()
    embeddings = model.embed(TOKENS).detach().requires_grad_()
    asked = model.narrow(torch.arange(5))
    for label in range(5):
        (found,) = torch.autograd.grad(model.score(embeddings, MASK)[:, label].sum(), embeddings)
        (expected,) = torch.autograd.grad(asked.score(embeddings, MASK)[:, label].sum(), embeddings)
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("tree", [[], [8]])
def test_dropout_acts_in_training_alone(tree):
    model = attention(tree=tree)
    assert torch.equal(model(TOKENS), model(TOKENS))
    model.train()
    assert not torch.equal(model(TOKENS), model(TOKENS))


def test_with_an_encoder_for_each_level_no_level_teaches_that_of_another():
    model = attention(tree=[4], candidates=2, encoders="one_a_level")
    model.levels[1].requires_grad_(False)
    model.levels[1].output.weight.data.zero_()
    model.loss(model.distinct(TOKENS), true([0], [1], [-1])).backward()
    above, below = (any(each.grad.any() for each in encoder.parameters()) for encoder in model.encoders)
    assert above
    assert not below


def test_in_training_random_labels_fill_up_small_families():
    """Seven labels in four groups: the last has one, beside which a random label is looked at, or none."""
    torch.manual_seed(0)
    network = AttentionXMLNetwork(lstm=4, hidden=[5], tree=[4], candidates=1, random_fill=True, dropout=0)
    model = AttentionXML(torch.randn(10, 6), 7, network.model_copy(update={"embedding_dropout": 0.0})).eval()
    model.levels[0].bias.data = torch.tensor([0.0, 0, 0, 9])
    batch, none = model.distinct(TOKENS), true([-1], [-1], [-1])
    losses = [model.loss(batch, none).item() for _ in range(2)]
    model.train()
    filled = [model.loss(batch, none).item() for _ in range(4)]
    assert losses[0] == losses[1]
    assert len({*filled}) > 1
    assert min(filled) > losses[0]
