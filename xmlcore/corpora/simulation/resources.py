"""The simulation's own word lists and tables: plain text beside this module, `#` lines are comments."""

from importlib.resources import files


def read_lines(name: str) -> list[str]:
    """Return the lines of package data file `name` that are neither empty nor a comment."""
    lines = files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def read_sections(name: str) -> dict[str, list[str]]:
    """Return the lines under each `[section]` header of package data file `name`, in the order of the file."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in read_lines(name):
        if line.startswith("["):
            lines = sections.setdefault(line.strip("[]"), [])
        else:
            lines.append(line)
    return sections
