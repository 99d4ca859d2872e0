"""Find what each stage is made of: `python stages/trace_imports.py`.

Reads stages and xmlcore. Writes imports/STAGE.json, the modules of this library that a stage imports with their
digests, and imports/architectures.json, the same of all architectures.
"""

from xmlcore.common.cli import run


def main() -> None:
    """Write the files of the library that each stage and the architectures are made of."""
    from pathlib import Path

    from xmlcore.common import paths
    from xmlcore.common.files import atomic_directory, write_json
    from xmlcore.common.source_code import library_files
    from xmlcore.config.architectures import ARCHITECTURES, BASELINES, source_of

    with atomic_directory(paths.IMPORTS) as folder:
        for script in Path("stages").glob("*.py"):
            write_json(folder / f"{script.stem}.json", library_files([script]))
        places = [*(each.place for each in ARCHITECTURES.values()), *BASELINES.values()]
        write_json(folder / "architectures.json", library_files(map(source_of, places)))


if __name__ == "__main__":
    run(main)
