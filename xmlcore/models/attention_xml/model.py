"""AttentionXML (You et al. 2019): a BiLSTM, an attention of its own for every label, layers that all labels share.

With a label tree, attention is paid to groups of labels level by level and then only to the labels of the best groups.
The levels share the BiLSTM, or have one each, and are trained together; the paper trains a network for each level, one
after another, which begins from that of the level above.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from xmlcore.common.bfloat16 import may_round
from xmlcore.config.architectures import AttentionXMLNetwork
from xmlcore.data.batches import TrueLabels
from xmlcore.data.dataset import Split
from xmlcore.data.label_clustering import order_by_similarity
from xmlcore.models.attention_xml.label_tree import LabelTree
from xmlcore.models.base import Distinct
from xmlcore.models.losses import binary_cross_entropy
from xmlcore.models.modules import Modules
from xmlcore.models.table import TableClassifier
from xmlcore.models.token_rows import TokenRows

UNREACHED = -20.0  # log-probability of a label, given its group, where the search left the group out


class AttentionXML(TableClassifier):
    """Level by level: attention (n, 2H) over the states of the tokens, shared layers, one logit for each of n nodes."""

    def __init__(self, vectors: Tensor, labels: int, network: AttentionXMLNetwork) -> None:
        super().__init__(vectors, labels)
        self.candidates = network.candidates
        self.random_fill = network.random_fill
        self.tree = LabelTree(labels, [groups for groups in network.tree if groups < labels])
        encoders = len(self.tree.sizes) if network.encoders == "one_a_level" else 1
        self.encoders = Modules[_BiLSTM](_BiLSTM(vectors.shape[1], network.lstm) for _ in range(encoders))
        states = 2 * network.lstm
        self.levels = Modules[_LabelAttention](
            _LabelAttention(states, nodes, network.hidden) for nodes in self.tree.sizes
        )
        self.embedding_dropout = nn.Dropout(network.embedding_dropout)
        self.dropout = nn.Dropout(network.dropout)

    @property
    def output_parameters(self) -> Sequence[nn.Parameter]:
        return [parameter for level in self.levels for parameter in (level.queries, level.bias)]

    def prepare(self, split: Split, seed: int, distinct: Distinct | None = None) -> None:
        if len(self.tree.sizes) > 1:
            self.tree.arrange(order_by_similarity(split, self.labels, seed))

    def initialise_output(self, prior: Tensor) -> None:
        """Let a group begin at the probability that one of its labels is there, and a label at its share of that."""
        nodes = self.tree.node_log_probabilities(functional.logsigmoid(prior))
        with torch.no_grad():
            for number, (level, log_probability) in enumerate(zip(self.levels, nodes, strict=True)):
                if number:
                    log_probability = log_probability - nodes[number - 1][self.tree.parents(number)]
                level.bias.copy_(_logit(log_probability))

    def score(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        states = self._states(embeddings, mask)
        if self.asked is not None:
            return self._score_asked(states, mask, self.asked)
        logits = self.levels[0](states[0], mask)
        if len(self.levels) == 1:
            return logits
        reached = functional.logsigmoid(logits)
        for number, level in enumerate(self.levels[1:], start=1):
            nodes, valid = self.tree.families(reached.topk(min(self.candidates, reached.shape[1])).indices, number)
            found = functional.logsigmoid(level.some(states[number], mask, nodes))
            inherited = reached[:, self.tree.parents(number)]
            below = torch.full_like(inherited, UNREACHED).scatter(1, nodes, torch.where(valid, found, found.detach()))
            reached = inherited + below
        return _logit(reached)[:, self.tree.position]

    def _score_asked(self, states: Sequence[Tensor], mask: Tensor, labels: Tensor) -> Tensor:
        """Return the logits (B, K) of the asked label ids `labels` (K,), whether or not the search would reach them.

        The probability of a label is the product along its path in the tree.
        """
        paths = [self.tree.nodes_of(labels, number).expand(len(mask), -1) for number in range(len(self.levels))]
        levels = zip(self.levels, states, paths, strict=True)
        logits = [level.some(read, mask, nodes) for level, read, nodes in levels]
        return logits[0] if len(logits) == 1 else _logit(reduce(torch.add, map(functional.logsigmoid, logits)))

    def loss(self, batch: TokenRows, labels: TrueLabels, probe: Tensor | None = None) -> Tensor:
        """Return the cross-entropy summed over the levels, each over the nodes that it looks at.

        Below the first level these are the children of true nodes, then of the best others.
        """
        if self.asked is not None:
            return super().loss(batch, labels, probe)
        mask = batch.mask
        states = self._states(batch.embeddings(probe), mask)
        logits = self.levels[0](states[0], mask)
        targets = labels.targets(self.tree.nodes_of(labels.ids, 0), self.tree.sizes[0])
        total = binary_cross_entropy(logits, targets)
        scores = logits.detach()
        for number, level in enumerate(self.levels[1:], start=1):
            first = torch.where(targets > 0, torch.inf, scores)
            nodes, valid = self.tree.families(first.topk(min(self.candidates, first.shape[1])).indices, number)
            if self.random_fill and self.training:
                nodes = torch.where(valid, nodes, torch.randint_like(nodes, self.tree.sizes[number]))
                valid = torch.ones_like(valid)
            found = level.some(states[number], mask, nodes)
            targets = labels.targets(self.tree.nodes_of(labels.ids, number), self.tree.sizes[number])
            wanted = targets.gather(1, nodes)
            total = total + binary_cross_entropy(found[valid], wanted[valid])
            scores = torch.full_like(targets, -torch.inf).scatter(1, nodes, found.detach())
        return total

    def _states(self, embeddings: Tensor, mask: Tensor) -> list[Tensor]:
        """Return for each level the states (B, T, 2H) that it reads."""
        embeddings = self.embedding_dropout(embeddings)
        states = [self.dropout(encoder(embeddings, mask)) for encoder in self.encoders]
        return states if len(states) == len(self.levels) else states * len(self.levels)


class _BiLSTM(nn.Module):
    """States (B, T, 2H) of both directions; padding comes last and has no part in either."""

    def __init__(self, width: int, units: int) -> None:
        super().__init__()
        self.onward = nn.LSTM(width, units, batch_first=True)
        self.backward = nn.LSTM(width, units, batch_first=True)

    def forward(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        reversing = _reversing(mask)
        places = reversing.unsqueeze(-1)
        turned = embeddings.gather(1, places.expand_as(embeddings))
        onward, backward = self._run(self.onward, embeddings), self._run(self.backward, turned)
        return torch.cat([onward, backward.gather(1, places.expand_as(backward))], 2) * mask.unsqueeze(-1)

    def train(self, mode: bool = True) -> Self:
        """Stay in training mode, which changes nothing here: in evaluation mode cuDNN has no backward pass."""
        return super().train(True)

    def _run(self, lstm: nn.LSTM, inputs: Tensor) -> Tensor:
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=may_round(inputs)):
            return lstm(inputs)[0].to(inputs.dtype)


def _reversing(mask: Tensor) -> Tensor:
    """Return the places (B, T) that reverse each document and leave its padding where it is; they undo themselves."""
    places = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    return torch.where(mask, mask.sum(1, keepdim=True) - 1 - places, places)


class _LabelAttention(nn.Module):
    """Equations 1 to 3 of the paper for n nodes: softmax over the tokens, mean of their states, shared layers."""

    def __init__(self, states: int, nodes: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.queries = nn.Parameter(nn.init.xavier_uniform_(torch.empty(nodes, states)))
        self.bias = nn.Parameter(torch.zeros(nodes))
        widths = [states, *hidden]
        self.shared = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))
        self.output = nn.Linear(widths[-1], 1, bias=False)
        for layer in (*self.shared, self.output):
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return the logits (B, n) of every node for `states` (B, T, S)."""
        return self._logits(states @ self.queries.t(), states, mask) + self.bias

    def some(self, states: Tensor, mask: Tensor, nodes: Tensor) -> Tensor:
        """Return the logits (B, C) of `nodes` (B, C), which may be others in every document."""
        queries = functional.embedding(nodes, self.queries)
        return self._logits(states @ queries.transpose(1, 2), states, mask) + self.bias[nodes]

    def _logits(self, affinities: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """Return the logits (B, n) of nodes, without their bias, from the tokens' `affinities` (B, T, n) to them."""
        attention = affinities.masked_fill(~mask.unsqueeze(-1), -torch.inf).softmax(1)
        features = attention.transpose(1, 2) @ states
        for layer in self.shared:
            features = torch.relu(layer(features))
        return self.output(features).squeeze(-1)


def _logit(log_probability: Tensor) -> Tensor:
    smallest = torch.finfo(log_probability.dtype).tiny
    return log_probability - torch.log(-torch.expm1(log_probability.clamp(max=-smallest)))
