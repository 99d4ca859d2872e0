"""What explainers and word attacks see of a classifier: probabilities of the labels they ask for, for token lists."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from xmlcore.batching import batches, pad
from xmlcore.encoding import EncodedCorpus, load_encoded
from xmlcore.models import Classifier
from xmlcore.models.storage import load_model


class Predictor:
    """A classifier behind its vocabulary. Memory is bounded by `batch_size` documents, whatever is asked."""

    def __init__(self, model: Classifier, corpus: EncodedCorpus, batch_size: int) -> None:
        self.label_names = corpus.label_names
        self._model = model.eval()
        self._corpus = corpus
        self._batch_size = batch_size

    def tokenize(self, text: str) -> list[str]:
        """The tokens of `text` that the model reads; those beyond its maximum are cut off."""
        return self._corpus.tokenize(text)[: self._corpus.max_tokens]

    @torch.inference_mode()
    def scores(self, documents: Sequence[Sequence[str]], labels: Sequence[int]) -> np.ndarray:
        """Sigmoid probabilities (n, len(labels)) float32 of the asked `labels` for `documents` of tokens."""
        encode, max_tokens = self._corpus.vocabulary.encode, self._corpus.max_tokens
        encoded = [np.array(encode(document, max_tokens)) for document in documents]
        out = np.empty((len(documents), len(labels)), np.float32)
        model = self._model.narrow(torch.tensor(labels, dtype=torch.long))
        for chosen in batches(np.array([len(document) for document in encoded]), self._batch_size):
            out[chosen] = model(pad([encoded[i] for i in chosen])).sigmoid()
        return out


def load_predictor(model_dir: Path, encoded_dir: Path, batch_size: int) -> Predictor:
    """The predictor of the model stored in `model_dir`, over the corpus encoded in `encoded_dir`."""
    return Predictor(load_model(model_dir), load_encoded(encoded_dir), batch_size)
