"""How far an attack moves the probabilities of the labels that count: the second term of TRADES (Zhang et al. 2019).

What is asked of attacked documents is not their labels, which the clean loss asks for, but what the model says of the
documents as they are (equation 5). Of thousands of labels those count that are true or ranked best.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid

from xmlcore.data.batches import TrueLabels
from xmlcore.models.base import Classifier
from xmlcore.models.token_rows import TokenRows

TOP = 5  # labels of a document that count besides the true ones


def divergence(model: Classifier, batch: TokenRows, attacked: TokenRows, labels: TrueLabels) -> Tensor:
    """Return the Kullback-Leibler divergence from clean to attacked probabilities, summed over documents and labels.

    A label is there or not, each for itself. The gradient goes through both sides.
    """
    clean, moved = model.score_rows(batch), model.score_rows(attacked)
    counting = labels.targets(labels.ids, model.labels) > 0
    counting = counting.scatter(1, clean.detach().topk(min(TOP, model.labels)).indices, True)
    there, moves = clean.sigmoid(), logsigmoid(clean) - logsigmoid(moved)
    return (there * moves + (1 - there) * (moves - clean + moved)).where(counting, 0).sum()
