"""`aisle`: every step of the platform, from a terminal."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from feature_repo.home import AisleError
from pipelines.cli.parser import parse
from pipelines.terminal import INTERRUPTED, TERMINATED, Outcome, show

Run = Callable[[argparse.Namespace], Outcome]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit status: 0 done, 1 rejected or failed, 2 wrong usage."""
    args = parse(argv)
    # A termination must run the `finally` blocks that stop Redis and the service.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        outcome = _function(args.run)(args)
        show(outcome, args.json)
    except AisleError as error:
        sys.stderr.write(f"aisle: {error}\n")
        if args.json:
            show(Outcome({"error": {"type": type(error).__name__, "message": str(error)}}), True)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return outcome.status


def _function(path: str) -> Run:
    """Import the function of a verb, `module:name` in this room, when the verb runs."""
    module, _, name = path.partition(":")
    function: Run = getattr(import_module(f"pipelines.cli.{module}"), name)
    return function
