"""What produced the report: the parameters, the hashes of data and code, the versions of the libraries."""

import platform
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NotRequired

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from typing_extensions import TypedDict

from xmlcore.common.errors import UserError, first_complaint
from xmlcore.common.yaml_files import MEND, load_yaml

LIBRARIES = ("torch", "numpy", "scipy", "lime", "shap", "captum", "transformers", "dvc", "matplotlib")


@dataclass(frozen=True)
class TrackedFile:
    """A file or folder with the hash that dvc.lock holds for it, and the stage that wrote it ("" for a source)."""

    path: str
    md5: str
    stage: str


@dataclass(frozen=True)
class Provenance:
    parameters: str  # params.yaml without the corpora that are not shown
    files: tuple[TrackedFile, ...]
    versions: tuple[tuple[str, str], ...]


class _Hashed(TypedDict):
    path: str
    md5: NotRequired[str]


class _Stage(TypedDict):
    deps: NotRequired[list[_Hashed]]
    outs: NotRequired[list[_Hashed]]


class _Lock(TypedDict):
    stages: NotRequired[dict[str, _Stage] | None]


def read_provenance(root: Path, corpora: Collection[str]) -> Provenance:
    """Read params.yaml and dvc.lock below `root` for the `corpora` that are shown.

    Raises:
        UserError: one of the two is not valid YAML, or dvc.lock is not what DVC writes.
    """
    return Provenance(
        parameters=_parameters(root / "params.yaml", corpora),
        files=_tracked_files(root / "dvc.lock", corpora),
        versions=(("python", platform.python_version()), *_versions(LIBRARIES)),
    )


def _parameters(path: Path, corpora: Collection[str]) -> str:
    parameters = _load(path, "rt")
    described = parameters.get("corpus", {})
    for name in [name for name in described if name not in corpora]:
        del described[name]
    yaml, text = YAML(), StringIO()
    yaml.width = 120
    yaml.dump(parameters, text)
    return text.getvalue()


def _tracked_files(path: Path, corpora: Collection[str]) -> tuple[TrackedFile, ...]:
    """Return every dependency and output, once, of the stages that write something of a shown corpus."""
    written: dict[str, TrackedFile] = {}
    read: dict[str, TrackedFile] = {}
    try:
        lock = TypeAdapter(_Lock).validate_python(_load(path, "safe"))
    except ValidationError as error:
        raise UserError(f"{path}: {first_complaint(error)}; {MEND}") from None
    for name, stage in (lock.get("stages") or {}).items():
        outs = stage.get("outs", [])
        if any(_corpus_of(out["path"]) in corpora for out in outs):
            written |= {out["path"]: TrackedFile(out["path"], out.get("md5", ""), name) for out in outs}
            read |= {dep["path"]: TrackedFile(dep["path"], dep.get("md5", ""), "") for dep in stage.get("deps", [])}
    return tuple(sorted((read | written).values(), key=lambda file: (not file.stage, file.path)))


def _corpus_of(path: str) -> str:
    """Return the second folder of `path`, the corpus in the paths of `xmlcore.common.paths`; "" where there is none."""
    return next(iter(PurePosixPath(path).parts[1:]), "")


def _load(path: Path, kind: Literal["safe", "rt"]) -> dict[str, Any]:
    """Return the mapping in a YAML file, empty where there is no file."""
    if not path.exists():
        return {}
    content = load_yaml(path, kind)
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a mapping; {MEND}")
    return content


def _versions(names: Iterable[str]) -> Iterable[tuple[str, str]]:
    for name in names:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
