"""Binary cross-entropy, plain and rebalanced for rare and often missing labels (PW and PW-cb of Qaraei and Babbar)."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from xmlcore.config.params import Loss
from xmlcore.data.dataset import Split
from xmlcore.data.propensity import label_frequencies, propensities


def binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the binary cross-entropy of `logits` (B, M) with `targets` (B, M), summed over both dimensions.

    There is a column for each label, or for what a model predicts in place of labels. A target is 0, or the weight of
    missing what is true (Qaraei and Babbar, eq. 4.6). Logits of less precision than the targets are taken to theirs.
    """
    positive, logits = targets > 0, logits.to(torch.promote_types(logits.dtype, targets.dtype))
    return functional.binary_cross_entropy_with_logits(
        logits, positive.to(logits.dtype), torch.where(positive, targets, 1), reduction="sum"
    )


def label_weights(loss: Loss, split: Split, labels: int) -> Tensor:
    """Return the weights (L,) float32 of positive labels, C_j W_j of Qaraei and Babbar, eq. 4.6; 1 if `loss` has none.

    W_j = 2 / p_j - 1 compensates for labels that annotators missed, p_j being the propensity of Jain et al. 2016. With
    `class_balance` β, C_j = (1 - β) / (1 - β^n_j) of Cui et al. 2019; n_j documents of `split` have the label. With
    `mean_one` they are divided by their mean over the labels, as in the authors' code for AttentionXML: the loss keeps
    its scale, and so do the steps of the first epochs.
    """
    weights = np.ones(labels)
    frequencies = label_frequencies(split, labels=labels)
    if loss.propensity:
        weights *= 2 / propensities(frequencies, len(split), loss.propensity.a, loss.propensity.b) - 1
    if loss.class_balance:
        weights *= (1 - loss.class_balance) / (1 - loss.class_balance ** np.maximum(frequencies, 1))
    if loss.mean_one:
        weights /= weights.mean()
    return torch.from_numpy(weights).float()


def label_prior(split: Split, labels: int) -> Tensor:
    """Return the logit (L,) of each label's share of the documents, smoothed by half a document.

    It is computed in double precision: the last bits of `torch.logit` depend on where its input lies in memory.
    """
    with_label = label_frequencies(split, labels=labels) + 0.5
    return torch.from_numpy(np.log(with_label / (len(split) + 1 - with_label))).float()
