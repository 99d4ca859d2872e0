import time

import numpy as np

from xmlcore.common.timing import measured


def test_seconds_and_memory_are_those_of_the_work():
    with measured() as before:
        pass
    with measured() as cost:
        held = np.ones(300 * 2**20, np.uint8)
        time.sleep(0.3)
    assert 0.2 < cost["seconds"] < 5
    assert before["peak_memory_gib"] > 0.02
    assert cost["peak_memory_gib"] >= held.nbytes / 2**30
