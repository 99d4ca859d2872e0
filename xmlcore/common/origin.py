"""What is said of figures that are kept: how they were made."""

import os
import platform
import subprocess


def origin(command: str) -> dict[str, str]:
    """Return what is said of rows that `command` makes here and now; without git the commit is empty."""
    try:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    except OSError:
        commit = ""
    return {
        "command": command,
        "commit": commit,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "threads": os.environ.get("OMP_NUM_THREADS", str(os.cpu_count())),
    }
