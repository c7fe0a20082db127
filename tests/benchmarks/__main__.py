"""Run the benchmarks: `python -m tests.benchmarks [NAME [PART ...]]`, all without a name.

A benchmark is a module `bench_<name>.py` whose `main()` compares two implementations, asserts that
they agree, and returns medians and their ratio.  The result goes to `build/bench/<name>.json`.
"""

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

# Before `tests.scale` sets it for tests: a benchmark measures the deadlines that users have.
os.environ.setdefault("AISLE_PATIENCE", "1")

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "build" / "bench"


def names() -> list[str]:
    """Return the name of every benchmark, sorted."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def run(name: str, parts: Sequence[str] = ()) -> dict[str, object]:
    """Run one benchmark, or the named parts of one that has parts, and write its result."""
    measured = importlib.import_module(f"tests.benchmarks.bench_{name}").main(*parts)
    where = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "cpus": os.cpu_count()}
    result = {"name": name, **where, "python": platform.python_version(), **measured}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


def main() -> int:
    """Run the benchmark named on the command line, or all; exit with 2 for an unknown name."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help=", ".join(names()))
    parser.add_argument("parts", nargs="*", metavar="PART", help="faults, of the benchmark faults")
    arguments = parser.parse_args()
    requested = arguments.name
    if requested and requested not in names():
        parser.error(f"no benchmark {requested!r}; expected one of {', '.join(names())}")
    for name in [requested] if requested else names():
        sys.stdout.write(json.dumps(run(name, arguments.parts), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
