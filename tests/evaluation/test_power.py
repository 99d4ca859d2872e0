from math import comb

import numpy as np
import pytest

from xmlcore.evaluation.attack_checks import LOSS, power


@pytest.mark.parametrize(("documents", "chance"), [(64, 1 / 64), (100, 0.01), (1000, 0.01), (1, 1.0)])
def test_power_is_that_of_counting_losses(documents, chance):
    allowed = int(documents * chance + 1e-9)
    at_most = sum(comb(documents, lost) * LOSS**lost * (1 - LOSS) ** (documents - lost) for lost in range(allowed + 1))
    assert power(documents, chance + 1e-9) == pytest.approx(1 - at_most)


def test_power_as_simulated():
    drops = np.random.default_rng(0).binomial(64, LOSS, 20_000)
    assert power(64, 1 / 64 + 1e-9) == pytest.approx((drops > 1).mean(), abs=0.02) == pytest.approx(0.58, abs=0.01)
