"""The one exception that means "the user can mend this": it is shown as a line, never as a traceback."""


class UserError(Exception):
    """A mistake in a file, parameter or environment. The message names the place and the mend."""
