"""What a model card says of a corpus: `about.json` beside its records."""

from pathlib import Path

from xmlcore.common.artifacts import written_by
from xmlcore.common.files import write_json
from xmlcore.config.schema import Section

ABOUT = "about.json"


class About(Section):
    """The language of the texts, and the licence that they come with, as model hubs name them."""

    language: str
    license: str


def write_about(folder: Path, about: About) -> None:
    """Write `about` into `folder`, which exists."""
    write_json(folder / ABOUT, about.model_dump())


def read_about(folder: Path) -> About:
    """Return what `convert` wrote into `folder`. Raises `UserError` where it is damaged."""
    with written_by("convert", folder / ABOUT):
        return About.model_validate_json((folder / ABOUT).read_bytes())
