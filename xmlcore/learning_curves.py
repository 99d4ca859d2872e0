"""Learning curves with dvclive: one TSV file a quantity, drawn by `dvc plots show`."""

import shutil
from pathlib import Path

from dvclive import Live

from xmlcore.training import Epoch


class LearningCurves:
    """Logs epochs into `folder`, which begins empty."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self._live = Live(str(folder), dvcyaml=False, save_dvc_exp=False)

    def __enter__(self) -> "LearningCurves":
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.__exit__(*error)

    def log(self, epoch: Epoch) -> None:
        self._live.step = epoch.number
        self._live.log_metric("loss", epoch.loss)
        self._live.log_metric("learning_rate", epoch.learning_rate)
        if epoch.validation_precision is not None:
            self._live.log_metric("validation_P@1", epoch.validation_precision)
        self._live.make_summary()
