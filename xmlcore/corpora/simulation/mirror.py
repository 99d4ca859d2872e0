"""Simulated corpora in the official files of real ones, so that the pipeline runs whole without a network.

`rcv1` is a newswire in the files of RCV1-v2, `eurlex` is law in those of the Extreme Classification Repository.
"""

from pathlib import Path

import numpy as np

from xmlcore.common.errors import UserError
from xmlcore.common.files import atomic_directory
from xmlcore.config.params import Simulation
from xmlcore.corpora.simulation.bag_of_words import write_eurlex
from xmlcore.corpora.simulation.legislation import Legislation
from xmlcore.corpora.simulation.lyrl2004 import write_rcv1
from xmlcore.corpora.simulation.newswire import Newswire
from xmlcore.corpora.simulation.thesaurus import Thesaurus
from xmlcore.corpora.simulation.topics import Hierarchy


def write_mirror(corpus: str, simulation: Simulation, seed: int, folder: Path) -> None:
    """Write the official files of a simulated corpus into `folder`/`corpus`, replacing what is there.

    The bytes are a function of `simulation` and `seed` alone.
    Raises UserError where more labels are asked for than the simulation has.
    """
    available = available_labels(simulation.kind)
    if simulation.labels > available:
        raise UserError(
            f"params.yaml: corpus.{corpus}.fetch.simulation.labels is {simulation.labels}, but a simulated "
            f"{simulation.kind} has {available} labels; give {available} or fewer"
        )
    rng = np.random.default_rng(seed)
    sizes = (simulation.train_documents, simulation.test_documents)
    with atomic_directory(folder / corpus) as files:
        if simulation.kind == "rcv1":
            write_rcv1(Newswire(simulation.labels, simulation.mean_tokens), *sizes, rng, files)
        else:
            write_eurlex(Legislation(simulation.labels, simulation.mean_tokens, rng), *sizes, rng, files)


def available_labels(kind: str) -> int:
    """Return the largest number of labels that a simulation of `kind` can have."""
    if kind == "rcv1":
        return len(Hierarchy.of_rcv1().topics)
    return len(Thesaurus.of_eurovoc().descriptor_shares())
