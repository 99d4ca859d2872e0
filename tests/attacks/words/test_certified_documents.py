"""Word attacks and certificates meet: with the same substitutes no attack takes a label that is certified."""

from pathlib import Path

import numpy as np
import pytest
import torch

from planted import VOCABULARY, encoded
from toys import split_of
from xmlcore.attacks.words.generators.substitutes import StoredSubstitutes
from xmlcore.attacks.words.goals import Target
from xmlcore.attacks.words.search import substitute_words
from xmlcore.attacks.words.victim import Victim
from xmlcore.config.architectures import ARCHITECTURES
from xmlcore.data.substitutes import table_of_substitutes, write_substitutes
from xmlcore.data.tokens import UNK
from xmlcore.models.base import Classifier
from xmlcore.models.registry import build_model
from xmlcore.ranking.certificates import certified_hits
from xmlcore.ranking.metrics import KS

LABELS, DOCUMENTS = 6, 40
WORDS = VOCABULARY.tokens[UNK + 1 :]


def alike(architecture: str, network: dict[str, object], apart: float) -> Classifier:
    """A random model whose tokens are so alike that some labels are certain and others fall."""
    torch.manual_seed(4)
    shape = ARCHITECTURES[architecture].network.model_validate(network)
    model = build_model(architecture, np.zeros((len(VOCABULARY), 8), np.float32), LABELS, shape)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    table = model.embedding_table.data
    table[1:] = table[1] + apart * table[1:]
    table[0] = 0
    return model.eval()


@pytest.mark.parametrize(
    "model",
    [
        alike("xml_cnn", {"windows": [1, 3], "filters": 8, "hidden": 8}, 0.2),
        alike("bag_of_words", {}, 0.6),
        alike("mach", {"repetitions": 2, "buckets": 4, "encoder": {"bag_of_words": {}}}, 1.0),
    ],
    ids=["xml_cnn", "bag_of_words", "mach"],
)
def test_no_word_attack_takes_a_certified_label(model: Classifier, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    substitutes = {word: [*rng.permutation([each for each in WORDS if each != word])[:3]] for word in WORDS[:-1]}
    write_substitutes(tmp_path, substitutes)
    table, generator = table_of_substitutes(substitutes, VOCABULARY), StoredSubstitutes(tmp_path)
    victim = Victim(model, encoded(), batch_size=16)
    documents = [[*rng.choice(WORDS, 4)] for _ in range(DOCUMENTS)]
    fell, stood = 0, 0
    for column, k in enumerate(KS[:2]):
        labels = [int(rng.choice(victim.best(words, k))) for words in documents]
        split = split_of([VOCABULARY.encode(words) for words in documents], [[label] for label in labels])
        certain = certified_hits(model, split, table)[:, column] > 0
        targets = [Target(i, "positive", (label,), (True,)) for i, label in enumerate(labels)]
        attacks = substitute_words(
            victim, generator, [*zip(targets, documents, strict=True)], k=k, candidates=48, max_change=1.0
        )
        assert all(attack.clean for attack in attacks)
        taken = np.array([attack.success for attack in attacks])
        assert not (taken & certain).any()
        fell, stood = fell + taken.sum(), stood + certain.sum()
    assert fell and stood
