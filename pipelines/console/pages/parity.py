"""The page of parity: whether the vectors that were served equal what training computes."""

import json

from pipelines.console.content import Column, Content, Notice, Table, Text, Visit
from pipelines.declarations import PARITY
from pipelines.steps import PARITY_FILE

_HOW = "`aisle verify` compares the recorded vectors again."


def parity(visit: Visit) -> Content:
    """Show the last comparison that the home stores."""
    path = visit.home.root / PARITY.path / PARITY_FILE
    if not path.exists():
        text = "Served and computed features were not compared in this home yet."
        return Content("Parity", [Text(text), Text(_HOW)])
    report = json.loads(path.read_bytes())
    columns = [
        Column("feature", "feature"),
        Column("times", "times"),
        Column("request", "a request"),
        Column("logged", "served"),
        Column("computed", "computed"),
        Column("cause", "cause"),
    ]
    mismatches = report["mismatches"]
    summary = (
        f"{report['requests']} requests with {report['features']} values were compared: "
        f"{len(mismatches)} features differ, {report['in_flight']} requests had an event in flight."
    )
    state = Notice(summary) if mismatches else Text(summary)
    table = Table("mismatches", "Features that differ", columns, mismatches, "No feature differs.")
    return Content("Parity", [state, Text(_HOW), table])
