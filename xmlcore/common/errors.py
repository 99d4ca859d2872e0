"""The one exception that means "the user can mend this": it is shown as a line, never as a traceback."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class UserError(Exception):
    """A mistake in a file, parameter or environment. The message names the place and the mend."""


def first_complaint(error: "ValidationError") -> str:
    """Return the first complaint of pydantic's `error`, as `key: what is wrong`."""
    first = error.errors()[0]
    return ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
