import numpy as np
import pytest

from planted import VOCABULARY, encoded, planted_model
from xmlcore.attacks.words.language import Language
from xmlcore.attacks.words.victim import Victim


@pytest.fixture
def victim() -> Victim:
    return Victim(planted_model(), encoded(), batch_size=7)


@pytest.fixture
def language() -> Language:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((len(VOCABULARY), 4)).astype(np.float32)
    vectors[0] = 0
    vectors[VOCABULARY.encode(["filler1"])[0]] = 1.001 * vectors[VOCABULARY.encode(["filler0"])[0]]
    return Language(vocabulary=VOCABULARY, idf=np.ones(len(VOCABULARY), np.float32), vectors=vectors)
