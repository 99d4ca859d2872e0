"""Integrated Gradients of a label's logit, token by token. The only module that knows the `captum` package.

Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", ICML 2017. The gradient is taken with respect to
the embeddings, along the straight line from a baseline to the document; the attribution of a token is the sum over the
D numbers of its embedding.

What is explained is the logit and not the probability: the sigmoid is flat where a model is sure, and of the thousands
of labels of a corpus nearly all are near 0, so that the gradients of a probability vanish along most of the line.

The baseline is, in the place of every token, the unknown word, by which SHAP hides tokens too: a model has met it in
training, and both methods begin at the same score. Zero embeddings, the choice of the original work, are offered. But
no document has them, and a model that divides each embedding by its norm computes the same all along the line from
zero but for a jump at its start, which no number of steps can see.
"""

from collections.abc import Sequence

import torch
from captum import attr

from xmlcore.explain.attributions import PathAttribution
from xmlcore.explain.scorer import Differentiable
from xmlcore.explain.tokens import MASK


def integrated_gradients(
    tokens: Sequence[str], model: Differentiable, labels: Sequence[int], *, baseline: str, steps: int, batch_size: int
) -> list[PathAttribution]:
    """Share the logit of each of `labels` among all occurrences of tokens; `baseline` is `unknown` or `zero`.

    A document without tokens has no attribution; a token beyond the model's maximum has 0. The integral is a
    Gauss-Legendre sum of `steps` points, `batch_size` of them at once, for one label after the other: memory is
    bounded by `batch_size` copies of the document. Their weights sum to the change of the logit from the baseline to
    the document, but for the error of the sum, `delta`. There is no chance in it.
    """
    if not tokens:
        return []
    end = model.embed(tokens)
    start = torch.zeros_like(end) if baseline == "zero" else model.embed([MASK] * len(tokens))
    logits = model.logits(labels)
    with torch.no_grad():
        before, after = (logits(each)[0].cpu().double() for each in (start, end))
    explained = attr.IntegratedGradients(logits)
    attributions = []
    for column, label in enumerate(labels):
        shares = explained.attribute(
            end, start, target=column, n_steps=steps, method="gausslegendre", internal_batch_size=batch_size
        )
        weights = shares[0].cpu().double().sum(1)
        attributions.append(
            PathAttribution(
                label=int(label),
                score=float(after[column].sigmoid()),
                logit=float(after[column]),
                baseline_logit=float(before[column]),
                delta=float(weights.sum() - (after[column] - before[column])),
                tokens=list(tokens),
                weights=weights.tolist() + [0.0] * (len(tokens) - len(weights)),
            )
        )
    return attributions
