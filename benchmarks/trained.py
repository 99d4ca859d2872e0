"""A recipe trained as the stage `train` does it, but with a seed of its own and nothing written."""

from xmlcore.common import paths
from xmlcore.common.cli import track
from xmlcore.common.device import choose_device
from xmlcore.config.params import Params
from xmlcore.config.recipes import read_architecture, read_training
from xmlcore.data.dataset import EncodedCorpus
from xmlcore.data.vector_tables import load_vectors
from xmlcore.models.base import Classifier
from xmlcore.models.registry import build_model
from xmlcore.training.loop import train


def trained(
    params: Params, data: EncodedCorpus, corpus: str, model: str, regime: str, loss: str, seed: int
) -> Classifier:
    """Return the MODEL of CORPUS, encoded as `data`, trained in REGIME with LOSS, whatever seed `params` has."""
    recipe = paths.recipe(corpus, model)
    architecture, network = read_architecture(recipe)
    return train(
        build=lambda table: build_model(architecture, table, len(data.label_names), network),
        vectors=load_vectors(paths.embedding(corpus, model), data.vocabulary),
        training=data.splits["train"],
        validation=data.splits["validation"],
        options=read_training(recipe),
        regime=params.regime_of(regime),
        loss=params.loss_of(loss),
        seed=seed,
        log=lambda epoch: None,
        track=track,
        device=choose_device(params.device),
    ).model
