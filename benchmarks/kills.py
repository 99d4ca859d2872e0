"""Every stage killed at random moments, and run again: `python benchmarks/kills.py --kills 3`.

In a folder of its own with a tiny pipeline, every stage of dvc.yaml is run undisturbed, then in another folder killed
with all its processes, every other time while it writes, then run to its end. Whenever it is killed, each output is
absent, or whole, old or new, and nothing else is left but under names that git and DVC ignore. In the end every output
but its timing.json is byte for byte that of the undisturbed run, and nothing temporary is left. Then `dvc repro`
itself is killed, and run again. Ends with exit code 1 at the first difference.

`--trainings 30` kills the trainings instead, of each architecture and of the masked language model, so many times each.
Their processes begin with all libraries imported, so that every kill falls into the training itself.
"""

import os
import random
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import networkx
import typer
from dvc.repo import Repo
from rich.console import Console
from rich.table import Table

from workspace import Workspace

CORPUS = "simulated-rcv1"
OLD = b"old\n"
TIMING = "timing.json"
IGNORED = (".journals", ".dvc", ".git", "__pycache__")
TRAININGS = ("train", "learn_language")
EPOCHS = 10  # of a training that is killed
SERVER = get_context("forkserver")
LIBRARIES = ("torch._dynamo", "transformers.models.bert.modeling_bert", "dvclive", "xmlcore.training.loop")
TRIES = 20  # for one kill: the stage may end before the moment comes

Content = dict[str, bytes]  # of an output by path below it; "." is itself, where it is a file


class Stage(NamedTuple):
    name: str
    command: list[str]
    outputs: list[Path]  # relative to the workspace
    persistent: bool  # its outputs are added to, file by file


def one_corpus(params: Any) -> None:
    """One corpus, and the checkpoint that is made here."""
    params["corpora"][:] = params["words"]["corpora"][:] = [CORPUS]
    params["checkpoints"][:] = ["tiny-xlnet"]


def stages_of(workspace: Workspace, only: Sequence[str] = ()) -> list[Stage]:
    """Those of dvc.yaml, or of the kinds `only`, with those that they depend on, which come first."""
    graph = Repo(str(workspace.folder)).index.graph  # from a stage to what it depends on
    asked = [stage for stage in graph if not only or kind(stage.name) in only]
    needed = {*asked}.union(*(networkx.descendants(graph, stage) for stage in asked))
    found = networkx.topological_sort(graph.subgraph(needed))
    return [
        Stage(
            stage.name,
            shlex.split(stage.cmd),
            [Path(out.fs_path).relative_to(workspace.folder.resolve()) for out in stage.outs],
            any(out.persist for out in stage.outs),
        )
        for stage in reversed([*found])
    ]


def kind(stage: str) -> str:
    return stage.split("@")[0]


def read(path: Path) -> Content | None:
    """Return an output without the time that it took, None where there is none."""
    if path.is_file():
        return {".": path.read_bytes()}
    files = (
        each
        for each in path.rglob("*")
        if each.is_file() and each.name != TIMING and not is_temporary(each.relative_to(path))
    )
    return {str(each.relative_to(path)): each.read_bytes() for each in files} if path.is_dir() else None


def is_temporary(path: Path) -> bool:
    return any(part.endswith(".partial") for part in path.parts)


def differing(first: Path, second: Path, outputs: Sequence[Path]) -> list[str]:
    """Return the outputs that differ between two workspaces."""
    return [str(each) for each in outputs if read(first / each) != read(second / each)]


class Trial:
    """One stage in a workspace where all before it have run; `reference` is a workspace where it has run too."""

    def __init__(self, workspace: Workspace, reference: Workspace, stage: Stage, seconds: float, seed: int) -> None:
        self._workspace, self._stage, self._seconds = workspace, stage, seconds
        self._random = random.Random(f"{seed} {stage.name}")
        self._wanted = {each: read(reference.folder / each) for each in stage.outputs}
        self._before = set(self._files())

    def kill(self, writing: bool) -> None:
        """Run the stage, kill it at a random moment, or at one when it is `writing`, and look."""
        for attempt in range(TRIES):
            old = not self._stage.persistent and self._random.random() < 0.5
            self._begin(old)
            if self._killed(writing and attempt < TRIES // 2):
                self._check(old)
                return
        raise AssertionError(f"{self._stage.name} ends before it can be killed")

    def finish(self) -> None:
        """Run the stage to its end, and compare."""
        self._workspace.run(*self._stage.command)
        for output, wanted in self._wanted.items():
            found = read(self._workspace.folder / output)
            assert found == wanted, f"{output} differs from that of an undisturbed run"
        left = [str(each) for each in self._files() if is_temporary(each)]
        assert not left, f"left behind: {left}"

    def _begin(self, old: bool) -> None:
        """No output, as DVC begins, or an old one, as where a stage is run by hand. What is persistent stays."""
        for output in self._stage.outputs:
            path = self._workspace.folder / output
            if self._stage.persistent:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
            if old:
                inside = path if "." in (self._wanted[output] or {}) else path / "old"
                inside.parent.mkdir(parents=True, exist_ok=True)
                inside.write_bytes(OLD)

    def _killed(self, writing: bool) -> bool:
        """Whether the stage was still running when it was killed; `writing`, when so many of its files were begun."""
        before = self._written()
        process = subprocess.Popen(
            self._stage.command,
            cwd=self._workspace.folder,
            env=self._workspace.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if writing:
            seen = before
            wanted = len(before) + self._random.randint(1, 1 + sum(map(len, filter(None, self._wanted.values()))))
            while process.poll() is None and len(seen := seen | self._written()) < wanted:
                time.sleep(0.0005)
            time.sleep(self._random.random() * 0.005)
        else:
            time.sleep(self._random.random() * self._seconds)
        return kill(process)

    def _written(self) -> set[str]:
        """What there is of the outputs and of temporary names beside them: these and the files below."""
        found: set[str] = set()
        for path in (self._workspace.folder / each for each in self._stage.outputs):
            for name in os.listdir(path.parent) if path.parent.is_dir() else ():
                if name == path.name or is_temporary(Path(name)):
                    walked = os.walk(path.parent / name)
                    found |= {
                        str(path.parent / name),
                        *(f"{root}/{each}" for root, _, files in walked for each in files),
                    }
        return found

    def _check(self, old: bool) -> None:
        """That what is at the final places is whole, and all else has a name that is ignored."""
        for output, wanted in self._wanted.items():
            found = read(self._workspace.folder / output)
            if found is None or (old and [*found.values()] == [OLD]):
                continue
            if self._stage.persistent:
                assert found.items() <= (wanted or {}).items(), f"{output} has half a file"
            else:
                assert found == wanted, f"{output} is half written"
        for path in set(self._files()) - self._before:
            expected = any(path == output or output in path.parents for output in self._stage.outputs)
            assert expected or is_temporary(path), f"{path} was left behind"

    def _files(self) -> Iterator[Path]:
        for root, folders, names in os.walk(self._workspace.folder):
            folders[:] = [each for each in folders if each not in IGNORED]
            for name in names:
                yield Path(root, name).relative_to(self._workspace.folder)


def kill(process: subprocess.Popen) -> bool:
    """Kill all processes of the session of `process`; whether it was running."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def compare_stages(place: Path, kills: int, seed: int, only: Sequence[str] = ()) -> Iterator[tuple[str, float, int]]:
    """Run every stage undisturbed, then killed; each one's name, seconds and kills. `only` these kinds are, if any.

    Raises `AssertionError` at the first difference.
    """
    reference, disturbed = (Workspace.scaled_down(place / name) for name in ("undisturbed", "killed"))
    for workspace in (reference, disturbed):
        workspace.edit(one_corpus)
    for stage in stages_of(reference, only):
        if only and kind(stage.name) not in only:
            for workspace in (reference, disturbed):
                workspace.run(*stage.command)
            continue
        start = time.monotonic()
        reference.run(*stage.command)
        seconds = time.monotonic() - start
        trial = Trial(disturbed, reference, stage, seconds, seed)
        for number in range(kills):
            trial.kill(writing=number % 2 == 0)
        trial.finish()
        for output in stage.outputs:  # the report shows how long they took
            if (timing := reference.folder / output / TIMING).exists():
                shutil.copy(timing, disturbed.folder / output / TIMING)
        yield stage.name, seconds, kills


def compare_repro(place: Path, reference: Workspace, kills: int, seed: int) -> int:
    """Kill `dvc repro` and run it again, until it has come to its end; return how often it was killed.

    Raises `AssertionError` where an output is not that of `reference`, in which all stages have run.
    """
    workspace = Workspace.scaled_down(place)
    workspace.edit(one_corpus)
    moments, killed = random.Random(seed), 0
    for _ in range(kills):
        process = subprocess.Popen(
            ["dvc", "repro"],
            cwd=workspace.folder,
            env=workspace.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(moments.uniform(2, 40))
        killed += kill(process)
    workspace.repro()
    outputs = [output for stage in stages_of(reference) for output in stage.outputs]
    # the report shows the times that stages took, and what DVC has hashed
    differ = differing(workspace.folder, reference.folder, [each for each in outputs if each != Path("report")])
    assert not differ, f"after dvc repro was killed, {differ[0]} differs"
    left = [each for each in workspace.folder.rglob("*.partial") if ".dvc" not in each.parts]
    assert not left, f"left behind: {left}"
    return killed


def trainings(params: Any) -> None:
    """Every architecture on one corpus, trained adversarially for some seconds."""
    one_corpus(params)
    params["models"][:] = ["xml_cnn", "attention_xml", "bag_of_words", "mach", "aplc_xlnet_tiny", "ensemble"]
    params["regimes"][:] = ["adversarial"]
    params["stacking"]["corpora"].clear()
    params["corpus"][CORPUS]["model"] = {}
    recipes = {model: params["model"][model] for model in params["models"]}
    recipes["attention_xml"]["network"].update(lstm=4, hidden=[4], tree=[8], candidates=4)
    recipes["bag_of_words"]["embedding"]["dimension"] = recipes["mach"]["embedding"]["dimension"] = 32
    recipes["mach"]["network"]["buckets"] = 10
    parts = [{"kind": "in_domain", "dimension": 16}, {"kind": "random_idf", "dimension": 16}]
    members = [
        {"width": 16, "encoder": {"xml_cnn": {"filters": 8, "hidden": 16}}},
        {"width": 16, "encoder": {"bag_of_words": {}}},
    ]
    recipes["ensemble"].update(
        encode={}, embedding={"kind": "side_by_side", "parts": parts}, network={"members": members}
    )
    for recipe in recipes.values():
        recipe["training"].update(epochs=EPOCHS, patience=EPOCHS, milestones=[EPOCHS // 2])
    params["masked_lm"]["epochs"] = EPOCHS


def compare_trainings(place: Path, kills: int, seed: int) -> Iterator[tuple[str, float, int]]:
    """Kill every training, and let it go on, again and again; each one's name, seconds undisturbed, and kills.

    Raises `AssertionError` where what it ends in is not what it ends in undisturbed.
    """
    SERVER.set_forkserver_preload(["__main__", *LIBRARIES])
    workspace, moments = Workspace.scaled_down(place), random.Random(seed)
    workspace.edit(trainings)
    for stage in stages_of(workspace, TRAININGS):
        if kind(stage.name) not in TRAININGS:
            workspace.run(*stage.command)
            continue
        began = time.monotonic()
        begin(workspace, stage).join()
        seconds, wanted = time.monotonic() - began, outputs_of(workspace, stage)
        assert all(wanted), f"{stage.name} fails"
        killed = 0
        while killed < kills:
            remove(workspace, stage)
            while killed < kills and interrupted(begin(workspace, stage), moments.random() * seconds):
                killed += 1
                assert not any(outputs_of(workspace, stage)), f"{stage.name} leaves outputs where it was killed"
            begin(workspace, stage).join()
            assert outputs_of(workspace, stage) == wanted, f"{stage.name} ends otherwise than undisturbed"
            left = [*(workspace.folder / ".journals").rglob("*.safetensors*"), *workspace.folder.rglob("*.partial")]
            assert not left, f"left behind: {left}"
        yield stage.name, seconds, killed


def begin(workspace: Workspace, stage: Stage) -> BaseProcess:
    """Run a stage in a process that has imported what stages import."""
    process = SERVER.Process(target=run_here, args=(workspace.folder, stage.command[1:]))
    process.start()
    return process


def run_here(folder: Path, command: list[str]) -> None:
    os.chdir(folder)
    sys.argv = command
    for stream in (sys.stdout, sys.stderr):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    runpy.run_path(command[0], run_name="__main__")


def interrupted(process: BaseProcess, seconds: float) -> bool:
    """Whether a process still ran after so many `seconds`; it is killed."""
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def outputs_of(workspace: Workspace, stage: Stage) -> list[Content | None]:
    return [read(workspace.folder / output) for output in stage.outputs]


def remove(workspace: Workspace, stage: Stage) -> None:
    for output in stage.outputs:
        shutil.rmtree(workspace.folder / output)


def main(
    kills: Annotated[int, typer.Option(help="of each stage; 0 compares two undisturbed runs", min=0)] = 3,
    repro: Annotated[int, typer.Option(help="kills of `dvc repro`")] = 5,
    only: Annotated[list[str] | None, typer.Option(help="kinds of stages that are killed")] = None,
    trainings: Annotated[int, typer.Option(help="kills of each training, and of nothing else")] = 0,
    seed: Annotated[int, typer.Option(help="of the moments")] = 0,
) -> None:
    """Kill every stage."""
    table = Table("stage", "seconds", "kills", "verdict")
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        try:
            compared = (
                compare_trainings(place / "killed", trainings, seed)
                if trainings
                else compare_stages(place, kills, seed, only or ())
            )
            for name, seconds, killed in compared:
                print(f"{name}: killed {killed} times in {seconds:.1f} s, as undisturbed", flush=True)
                table.add_row(name, f"{seconds:.1f}", str(killed), "as undisturbed")
                total += killed
            if repro and not (only or trainings):
                killed = compare_repro(place / "repro", Workspace(place / "undisturbed"), repro, seed)
                table.add_row("dvc repro", "", str(killed), "as undisturbed")
                total += killed
        except AssertionError as error:
            print(f"broken: {error}")
            raise typer.Exit(1) from None
    table.add_row("all", "", str(total), "nothing lost, nothing half written")
    Console(width=100).print(table)


if __name__ == "__main__":
    typer.run(main)
