import numpy as np

from xmlcore.predictions import Predictions, read_predictions, write_predictions


def test_predictions_come_back_as_written(tmp_path):
    labels = np.array([[3, 1], [0, 2]], np.int32)
    scores = np.array([[0.9, 0.1], [0.8, 0.7]], np.float32)
    write_predictions(tmp_path, Predictions(labels, scores))
    found = read_predictions(tmp_path)
    assert isinstance(found.labels, np.memmap)
    for name, written in (("labels", labels), ("scores", scores)):
        read = getattr(found, name)
        assert read.dtype == written.dtype
        assert np.array_equal(read, written)
