"""What `test_distributed.py` starts in one process and in several."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save

from planted import DECISIVE, FILLERS, VOCABULARY, Listed, encoded, options, planted_model
from planted import LABELS as LABEL_NAMES
from toys import random_xml_cnn
from xmlcore.attacks.words.campaign import GROUP, Campaign
from xmlcore.attacks.words.language import Language
from xmlcore.attacks.words.sampling import Bin, Sample
from xmlcore.attacks.words.similarity import CorpusEncoder
from xmlcore.attacks.words.texts import Text
from xmlcore.attacks.words.victim import Victim
from xmlcore.common.cli import run
from xmlcore.common.distributed import is_writer, map_shared, rank, share
from xmlcore.common.journal import Journal
from xmlcore.config.params import Loss, Regime, Training
from xmlcore.data.vector_tables import InitialVectors
from xmlcore.evaluation.fgsm_sweep import Setting, fgsm_sweep
from xmlcore.explain.methods.lime import lime_surrogates
from xmlcore.models.xml_cnn.model import XMLCNN
from xmlcore.ranking.predictions import predict, untracked
from xmlcore.training.loop import Epoch, train

LABELS = 5
CLEAN = Regime(epsilon=0.0, adversarial_weight=0.0, adversarial_share=1.0, squeeze="none")
BCE = Loss()
ADVERSARIAL = Regime(epsilon=1.0, adversarial_weight=0.3, adversarial_share=0.5, squeeze="none")


class Words:
    """Scores that depend on the words left, as a predictor's do."""

    def scores(self, documents, labels):
        return np.array([[len(document) + label for label in labels] for document in documents], np.float32)


def trained(regime: Regime, micro_batches: int, **changes: Any) -> bytes:
    """Weights and log of a training whose last batch has one document."""
    _, split = random_xml_cnn(LABELS)
    options = Training(epochs=2, batch_size=29, micro_batches=micro_batches, token_dropout=0.2, **changes)
    table = np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32)
    log: list[Epoch] = []

    def build(vectors: np.ndarray) -> XMLCNN:
        model, _ = random_xml_cnn(LABELS)
        return model

    outcome = train(
        build,
        InitialVectors(table, table),
        split,
        split,
        options=options,
        regime=regime,
        loss=BCE,
        seed=0,
        log=log.append,
        track=untracked,
    )
    return save(outcome.model.state_dict(), {"log": repr(log)})


def predicted() -> bytes:
    model, split = random_xml_cnn(LABELS)
    found = predict(model, split, 3, batch_size=4)
    return found.labels.tobytes() + found.scores.tobytes()


def evaluated() -> bytes:
    model, split = random_xml_cnn(LABELS)
    settings = [Setting("none", "aware"), Setting("both", "aware")]
    return repr(fgsm_sweep(model, split, epsilons=[0.0, 0.5], settings=settings, bits=4, batch_size=4)).encode()


def explained() -> bytes:
    def explain(document: list[str]) -> list:
        return lime_surrogates(document, Words(), [0, 2], samples=20, top_tokens=3, seed=[0], batch_size=8)

    return repr(map_shared(explain, [["a", "b"], ["c"], ["d", "e", "f"]])).encode()


def attacked() -> bytes:
    """Outcomes of attacks, of which a run that was killed had stored those of the first group."""
    words = Listed(["filler0", "gold"])
    victim = Victim(planted_model(), encoded(), batch_size=7)
    vectors = np.random.default_rng(0).standard_normal((len(VOCABULARY), 4)).astype(np.float32)
    encoder = CorpusEncoder(Language(VOCABULARY, np.ones(len(VOCABULARY), np.float32), vectors))
    texts = {i: Text(f"{i}", " ".join([word, *FILLERS]), (i,)) for i, word in enumerate(DECISIVE)}
    samples = [Sample("positive", i % len(texts), (i % len(texts),), Bin(1, 4)) for i in range(3 * GROUP + 1)]
    campaign = Campaign(victim, encoder, texts, LABEL_NAMES, options(k=1))
    attack = partial(campaign.run, {"neighbours": words}, track=lambda items, description: items)
    journal = Journal(Path("journal"), "mine")
    attack(samples[:GROUP], journal)
    rows = attack(samples, journal)
    return json.dumps([rows, len(journal), Path("journal").read_text().count("\n")]).encode()


WORKS = {
    "train_clean": lambda: trained(CLEAN, 4),
    "train_sparsely": lambda: trained(CLEAN, 4, sparse_embedding=True),
    "train_adversarially": lambda: trained(ADVERSARIAL, 4),
    "train_with_all_reduce": lambda: trained(CLEAN, 4, gradient_sum="all_reduce"),
    "train_sparsely_with_all_reduce": lambda: trained(CLEAN, 4, gradient_sum="all_reduce", sparse_embedding=True),
    "predict": predicted,
    "evaluate": evaluated,
    "explain": explained,
    "attack_words": attacked,
}


def main(works: list[str]) -> None:
    """Write the result of each of `works` into a file of its name, and what share of 0 to 4 this process does."""
    Path(f"rank-{rank()}.txt").write_text(" ".join(map(str, share(range(5)))))
    for work in works:
        result = WORKS[work]() if work in WORKS else trained(CLEAN, micro_batches=1)
        if is_writer():
            Path(work).write_bytes(result)


if __name__ == "__main__":
    run(main)
