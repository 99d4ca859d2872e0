"""Learning curves with dvclive: one TSV file a quantity, drawn by `dvc plots show`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from dvclive import Live

from xmlcore.common.distributed import is_writer
from xmlcore.common.files import atomic_directory
from xmlcore.training.loop import Epoch


@contextmanager
def learning_curves(folder: Path) -> Iterator[Callable[[Epoch], None]]:
    """Yield a function that logs epochs into `folder`, which appears at the end; of several processes one logs."""
    if not is_writer():
        yield lambda epoch: None
        return
    with atomic_directory(folder) as temporary, Live(str(temporary), dvcyaml=False, save_dvc_exp=False) as live:
        yield partial(_log, live)


def _log(live: Live, epoch: Epoch) -> None:
    live.step = epoch.number
    live.log_metric("loss", epoch.loss)
    live.log_metric("learning_rate", epoch.learning_rate)
    if epoch.validation_precision is not None:
        live.log_metric("validation_P@1", epoch.validation_precision)
    if epoch.certified_precision is not None:
        live.log_metric("certified_P@1", epoch.certified_precision)
    live.make_summary()
