"""`aisle`: every step of the platform, from a terminal."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from feature_repo.home import (
    AisleError,
    NotEnoughError,
    SettingError,
    Settings,
    restrict_permissions,
)
from pipelines.cli.parser import parse
from pipelines.terminal import INTERRUPTED, TERMINATED, Outcome, show

Run = Callable[[argparse.Namespace], Outcome]

_STORAGE = {"sqlite3", "sqlalchemy", "duckdb", "_duckdb", "pyarrow"}
"""Packages whose errors are of a full disk or a damaged file."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status.

    0 is done, 1 rejected or failed, 2 wrong usage, 3 not enough to learn from yet.
    """
    args = parse(argv)
    # A termination must run the `finally` blocks that stop Redis and the service.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        restrict_permissions(Settings.from_environment().home)
        outcome = _function(args.run)(args)
        show(outcome, args.json)
    except AisleError as error:
        return _failed(args, error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        if not _is_of_storage(error):
            raise
        return _failed(args, _storage_error(error))
    return outcome.status


def _failed(args: argparse.Namespace, error: AisleError) -> int:
    sys.stderr.write(f"aisle: {error}\n")
    if args.json:
        show(Outcome({"error": _described(error)}), True)
    return error.exit_status


def _is_of_storage(error: Exception) -> bool:
    """Return whether a file or database could not be read or written."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _STORAGE


def _storage_error(error: Exception) -> AisleError:
    return SettingError(
        f"expected to read and write the files of the home, found {type(error).__name__}: {error}. "
        "Free space on the disk if it is full; else `aisle doctor` checks the files."
    )


def _described(error: AisleError) -> dict[str, Any]:
    described = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, NotEnoughError):
        return {**described, "missing": [one.to_dict() for one in error.shortages]}
    return described


def _function(path: str) -> Run:
    """Import the function of a verb, `module:name` in this room, when the verb runs."""
    module, _, name = path.partition(":")
    function: Run = getattr(import_module(f"pipelines.cli.{module}"), name)
    return function
