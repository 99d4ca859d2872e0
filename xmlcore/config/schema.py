"""The base of every section of params.yaml, and the kinds of values that sections share."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Epsilon = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _plain_name(name: str) -> str:
    if not name or name.startswith(".") or not all(c.isalnum() or c in "._-" for c in name):
        raise ValueError("a name of letters, digits, '.', '_' and '-', not beginning with '.'")
    return name


def _key(name: str) -> str:
    if "." in name or name.startswith("-"):
        raise ValueError("a name without '.', which DVC takes for a level, that does not begin with '-'")
    return _plain_name(name)


FileName = Annotated[str, AfterValidator(_plain_name)]
Name = Annotated[str, AfterValidator(_key)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
