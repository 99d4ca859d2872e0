"""What `pip install .` brings to a machine without the repository: the library, its data, the command."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_a_built_wheel_has_the_data_and_the_command(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(REPOSITORY / "xmlcore", source / "xmlcore", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)  # a build leaves files beside what it builds
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    built = [*command, "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run(built, check=True, capture_output=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("xmlcore-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {*archive.namelist()}
        entry = next(archive.read(name).decode() for name in names if name.endswith("entry_points.txt"))
    assert "xmlcore = xmlcore.serving.command:main" in entry
    data = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "xmlcore").rglob("*.*")
        if path.suffix != ".pyc" and path.is_file()
    }
    assert data <= names
