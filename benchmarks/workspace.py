"""This project's pipeline in a folder of its own, scaled down to two tiny simulated corpora."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from warm_python import NOTES

ROOT = Path(__file__).parent.parent
CORPORA = ("simulated-rcv1", "simulated-eurlex")


class Workspace:
    """A folder in which commands are run, with this project's library and no other."""

    def __init__(self, folder: Path, commands: Path | None = None) -> None:
        """Commands in the folder `commands`, if it is given, come before those of this Python."""
        self.folder = folder
        self._path = [str(each) for each in (commands, Path(sys.executable).parent) if each]

    @classmethod
    def scaled_down(cls, folder: Path, commands: Path | None = None) -> "Workspace":
        """Return a git repository with this project's pipeline, `shrink`ed, in the new `folder`."""
        workspace = cls(folder, commands)
        for name in ("stages", "xmlcore"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("dvc.yaml", "params.yaml", ".gitignore", ".dvcignore"):
            shutil.copy(ROOT / name, folder / name)
        for name in ("vectors", "checkpoints", "lexicons", "substitutes"):
            shutil.copytree(ROOT / "data" / name, folder / "data" / name)
        (folder / "stacked").mkdir()
        shutil.copy(ROOT / "stacked" / "README.md", folder / "stacked")
        workspace.edit(shrink)
        workspace.run("git", "init", "--quiet")
        workspace.run("dvc", "init", "--quiet")
        workspace.run("git", "add", "--all")
        identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
        workspace.run("git", *identity, "commit", "--quiet", "--message", "tiny")
        return workspace

    @property
    def imported(self) -> Path:
        """The folder of STAGE.txt, the files of xmlcore that the processes of a stage had imported."""
        return self.folder / ".imported"

    @property
    def environment(self) -> dict[str, str]:
        """That of the commands that are run here."""
        return os.environ | {
            "PATH": os.pathsep.join([*self._path, os.environ["PATH"]]),
            "PYTHONPATH": str(self.folder),
            "DVC_NO_ANALYTICS": "1",
            "OMP_NUM_THREADS": "1",
            NOTES: str(self.imported),
        }

    def edit(self, change: Callable[[Any], None]) -> None:
        yaml = YAML(typ="safe", pure=True)  # the round-trip writer spoils what DVC has written anew, with its comments
        yaml.default_flow_style = False
        path = self.folder / "params.yaml"
        params = yaml.load(path)
        change(params)
        yaml.dump(params, path)

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def repro(self) -> set[str]:
        """The stages that `dvc repro` ran."""
        lines = self.run("dvc", "repro").splitlines()
        return {line.split("'")[1] for line in lines if line.startswith("Running stage")}

    def metrics(self) -> dict[str, dict[str, float]]:
        return json.loads(self.run("dvc", "metrics", "show", "--json"))[""]["data"]


def shrink(params: Any) -> None:
    params["corpora"][:] = [CORPORA[0]]
    params["models"][:] = ["xml_cnn"]
    for section in (*map(params.get, ("robustness", "words", "certify", "smoothing")), params["explain"]["study"]):
        section["models"][:] = ["xml_cnn"]
    for section in (params["words"], params["substitutes"]):
        section["corpora"][:] = [CORPORA[0]]
    params["stacking"]["corpora"][:] = [CORPORA[0]]
    params["stacking"]["members"][:] = ["linear", "xml_cnn/clean/bce", "xml_cnn/adversarial/bce"]
    for corpus in CORPORA:
        params["corpus"][corpus]["model"]["xml_cnn"] = {}
        params["corpus"][corpus]["fetch"]["simulation"].update(
            train_documents=120, test_documents=40, labels=30, mean_tokens=20
        )
    recipe = params["model"]["xml_cnn"]
    recipe["embedding"]["dimension"] = 16
    recipe["network"].update(filters=8, hidden=16)
    recipe["training"].update(epochs=2, milestones=[1], micro_batches=2)
    params["model"]["attention_xml"]["training"].update(averaging_from=2, averaging_steps=1)
    params["corpus"]["simulated-eurlex"]["model"].update(
        attention_xml={
            "embedding": {"dimension": 16},
            "network": {"lstm": 4, "hidden": [4], "tree": [8], "candidates": 4},
            "training": {"epochs": 2},
        },
        mach={"embedding": {"dimension": 32}, "network": {"buckets": 10}, "training": {"epochs": 2}},
        aplc_xlnet_tiny={"training": {"epochs": 1}},
    )
    params["checkpoint"]["tiny-xlnet"]["tiny"].update(vocabulary=500)
    params["fgsm"].update(epsilons=[0.0, 0.1], relative_sizes=[0.1])
    params["masked_lm"].update(width=16, window=16, epochs=1)
    params["words"].update(bins=2, samples=2, candidates=5)
    params["robustness"].update(documents=6, epsilons=[0.1, 1.0], steps=5, noise=2)
    params["robustness"]["worst_case"].update(documents=6, steps=2, queries=3)
    params["smoothing"].update(documents=3, copies=100)
    params["explain"]["documents"] = [0]
    params["explain"]["study"].update(documents=2, beam=1, draws=2)
    params["explain"]["gallery"] = 1
    params["explain"]["lime"]["samples"] = 50
    params["explain"]["shap"].update(evaluations=50, global_documents=3, global_evaluations=30)
