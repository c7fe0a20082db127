"""The page `docs/reliability.md`, derived from the faults and their last results.

`measured.json` has the last result of each fault, so that one fault can be measured again alone.
Write the page without measuring: `python -m tests.benchmarks.faults.page`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from feature_repo.home import CHECKOUT
from tests.benchmarks.faults.fault import Fault
from tests.benchmarks.faults.registry import FAULTS

PAGE = CHECKOUT / "docs" / "reliability.md"
RESULTS = Path(__file__).with_name("measured.json")

_HEAD = """# Reliability

What happens to Aisle when something fails, or when somebody attacks it.  `make bench NAME=faults`
does each of these things to a running service, measures it, and writes this page;
`make bench NAME="faults 'Redis killed'"` measures one fault again.  Below the table is the test
that protects each promise in every run of the tests.

{held} of {all} faults had the expected result.
"""

Result = Mapping[str, object]


def results() -> dict[str, Result]:
    """Return the last result of each fault, by name."""
    recorded: dict[str, Result] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return recorded


def record(new: Mapping[str, Result]) -> None:
    """Add results to the last ones, and write the page."""
    names = [fault.name for fault in FAULTS]
    recorded = {**(results() if RESULTS.exists() else {}), **new}
    ordered = {name: recorded[name] for name in names if name in recorded}
    RESULTS.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(FAULTS, ordered), encoding="utf-8")


def page(faults: Sequence[Fault], measured: Mapping[str, Result]) -> str:
    """Return the page as Markdown."""
    rows = [_row(fault, measured[fault.name]) for fault in faults if fault.name in measured]
    held = sum(bool(measured[fault.name]["held"]) for fault in faults if fault.name in measured)
    return "\n".join(
        [
            _HEAD.format(held=held, all=len(rows)),
            "| fault | what is done | expected | measured | | date |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "## Tests",
            *(f"- {fault.name}: `{fault.test}`" for fault in faults if fault.name in measured),
            "",
        ]
    )


def _row(fault: Fault, result: Result) -> str:
    verdict = "yes" if result["held"] else "**no**"
    cells = (fault.name, fault.done, fault.expected, result["text"], verdict, result["date"])
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    record({})
