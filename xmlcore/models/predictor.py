"""What explainers and word attacks see of a classifier: probabilities of the labels they ask for, for token lists.

Explainers that need gradients take its two halves instead: `embed` and, of the labels they ask for, `logits`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from xmlcore.data.batches import batches, pad
from xmlcore.data.text_reader import TextReader
from xmlcore.models.base import Classifier, TokenClassifier, with_embeddings


class Predictor:
    """A classifier behind its vocabulary. Memory is bounded by `batch_size` documents, whatever is asked."""

    def __init__(self, model: TokenClassifier, reader: TextReader, batch_size: int) -> None:
        self.label_names = reader.shown_labels
        self._model = model.eval()
        self._reader = reader
        self._batch_size = batch_size

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of `text` that the model reads; those beyond its maximum are cut off."""
        return self._reader.tokenize(text)[: self._reader.max_tokens]

    @torch.inference_mode()
    def scores(self, documents: Sequence[Sequence[str]], labels: Sequence[int]) -> np.ndarray:
        """Return the probabilities (n, K) float32 of the K label ids `labels` for n `documents` of tokens."""
        encode, max_tokens = self._reader.vocabulary.encode, self._reader.max_tokens
        encoded = [np.array(encode(document, max_tokens)) for document in documents]
        out = np.empty((len(documents), len(labels)), np.float32)
        model = self._model.narrow(self._ids(labels))
        for chosen in batches(np.array([len(document) for document in encoded]), self._batch_size):
            out[chosen] = model.probabilities(model(pad([encoded[i] for i in chosen]))).cpu()
        return out

    @property
    def has_embeddings(self) -> bool:
        """Whether the classifier has the halves that gradients need."""
        return isinstance(self._model, Classifier)

    @torch.no_grad()
    def embed(self, tokens: Sequence[str]) -> Tensor:
        """Return the embeddings (1, T, D) of a document of tokens; those beyond the model's maximum are cut off.

        Raises `UserError` where the model has none, as `logits` does.
        """
        ids = self._reader.vocabulary.encode(tokens, self._reader.max_tokens)
        return self._with_embeddings.embed(torch.tensor([ids]))

    def logits(self, labels: Sequence[int]) -> Callable[[Tensor], Tensor]:
        """Return a function from embeddings (B, T, D) without padding to the logits (B, K) of the label ids `labels`.

        Its gradient is that of the embeddings alone: the weights are constants, which also saves computing theirs.
        """
        score = _Score(self._with_embeddings.narrow(self._ids(labels)))
        weights = {name: weight.detach() for name, weight in score.named_parameters()}

        def logits(embeddings: Tensor) -> Tensor:
            mask = torch.ones(embeddings.shape[:2], dtype=torch.bool, device=embeddings.device)
            return functional_call(score, weights, (embeddings, mask))

        return logits

    @property
    def _with_embeddings(self) -> Classifier:
        return with_embeddings(self._model, "explaining by gradients, as ig does")

    def _ids(self, labels: Sequence[int]) -> Tensor:
        return torch.tensor(labels, dtype=torch.long, device=self._model.device)


class _Score(nn.Module):
    """`Classifier.score` as the forward pass of a module, which `functional_call` asks for."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self._model = model

    def forward(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        return self._model.score(embeddings, mask)
