"""Several processes against one, one thread each: `python benchmarks/processes.py reuters21578`.

Runs the stages twice in folders of their own, with few epochs and as many micro-batches as processes; prints a table,
writes benchmarks/CORPUS-MODEL-SUM-processes.json, and fails where the two leave different bytes behind. With
`--gradient-sum all_reduce` it trains alone, against one process whose batches are whole, and digits may differ.
"""

import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from xmlcore.common import paths
from xmlcore.common.cli import run, track
from xmlcore.common.errors import UserError
from xmlcore.common.files import write_json
from xmlcore.config.params import load_params

LOSS = "bce"
TRAININGS = [("train", "clean"), ("train", "adversarial")]
OTHERS = [(stage, "adversarial") for stage in ("evaluate", "explain")]
ROOT = Path(__file__).resolve().parents[1]


def prepare(folder: Path, corpus: str, model: str, **training: object) -> None:
    """Make a workspace with this one's data, with such settings for the `training` of `model` on `corpus`."""
    folder.mkdir()
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    overrides = params["corpus"][corpus]["model"].setdefault(model, {}).setdefault("training", {})
    overrides.update(training)
    yaml.dump(params, folder / "params.yaml")
    shutil.copytree(ROOT / "data" / corpus, folder / "data" / corpus)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "stages" / "configure.py"), corpus, model]
    subprocess.run(command, cwd=folder, env=environment, check=True)


def seconds(folder: Path, launcher: Sequence[str], stage: str, *cell: str) -> tuple[float, float]:
    """Wall-clock time of a stage in `folder`, its start included, and that of its work alone."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [*launcher, str(ROOT / "stages" / f"{stage}.py"), *cell]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{' '.join(command)}: {done.stderr}")
    total = time.perf_counter() - started
    timing = json.loads((folder / paths.results(*cell, stage) / "timing.json").read_text())
    return total, timing["seconds"]


def differing(one: Path, other: Path) -> list[str]:
    """Return the files that are not the same in both folders; times and what was there before do not count."""
    names = {path.relative_to(each) for each in (one, other) for path in each.rglob("*") if path.is_file()}
    kept = [
        str(name)
        for name in sorted(names)
        if name.name != "timing.json" and name.parts[0] not in ("data", "params.yaml")
    ]
    _, mismatch, errors = filecmp.cmpfiles(one, other, kept, shallow=False)
    return mismatch + errors


def main(
    corpus: str,
    processes: Annotated[int, typer.Option(min=2)] = 2,
    epochs: Annotated[int, typer.Option(min=1)] = 3,
    model: Annotated[str, typer.Option(help="the recipe")] = "xml_cnn",
    gradient_sum: Annotated[str, typer.Option(help="ordered or all_reduce")] = "ordered",
) -> None:
    """Compare one process with several on CORPUS, whose vectors have been built."""
    load_params().model_of(corpus, model)
    exact = gradient_sum == "ordered"
    several = [str(Path(sys.executable).with_name("torchrun")), "--nproc-per-node", str(processes)]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folders = Path(scratch, "one"), Path(scratch, "several")
        for folder, parts in zip(folders, (processes if exact else 1, processes), strict=True):
            settings = {"epochs": epochs, "milestones": [], "micro_batches": parts, "gradient_sum": gradient_sum}
            prepare(folder, corpus, model, **settings)
        for stage, regime in track([*TRAININGS, *(OTHERS if exact else ())], "stages"):
            pairs = zip(folders, ([sys.executable], several), strict=True)
            (alone, work_alone), (together, work_together) = (
                seconds(folder, launcher, stage, corpus, model, regime, LOSS) for folder, launcher in pairs
            )
            rows.append(
                {
                    "stage": f"{stage} {regime}",
                    "one": alone,
                    "several": together,
                    "ratio": alone / together,
                    "ratio_of_the_work": work_alone / work_together,
                }
            )
        different = differing(*folders) if exact else []
    if different:
        raise UserError(f"one process and {processes} differ in {', '.join(different)}")

    columns = ["one", "several", "ratio", "ratio_of_the_work"]
    names = ["one, s", f"{processes}, s", "ratio", "without the start"]
    table = Table("stage", *names, title=f"{corpus}, {model}, one thread a process")
    for row in rows:
        table.add_row(row["stage"], *(f"{row[column]:.2f}" for column in columns))
    Console().print(table)
    write_json(Path("benchmarks", f"{corpus}-{model}-{gradient_sum}-processes.json"), rows)


if __name__ == "__main__":
    run(main)
