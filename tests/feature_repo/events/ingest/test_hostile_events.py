"""Ingest accepts valid events and quarantines all other input."""

import pytest

from feature_repo.events.ingest import ingest, validate
from feature_repo.home import Clock
from tests.feature_repo.hostile_inputs import GOOD, HOSTILE


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_valid_events_are_accepted_and_others_quarantined(hostile, home, write):
    report = ingest([write(hostile.body)], home=home, clock=Clock())

    quarantined = report.quarantined.count
    assert report.read == report.accepted + report.duplicate + quarantined
    assert report.accepted == hostile.good or hostile.bad is None
    assert quarantined == hostile.bad or (hostile.bad is None and quarantined > 0)
    assert all(
        line.reason and line.file.endswith("events.jsonl") for line in report.quarantined.first
    )


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_dry_run_reports_what_ingest_does(hostile, home, write):
    path = write(hostile.body)

    dry = validate([path], clock=Clock())

    wet = ingest([path], home=home, clock=Clock())
    assert (dry.read, dry.accepted, dry.duplicate) == (wet.read, wet.accepted, wet.duplicate)
    assert [q.line for q in dry.quarantined.first] == [q.line for q in wet.quarantined.first]


def test_hostile_lines_do_not_affect_a_valid_event(home, write):
    lines = [hostile.body.rstrip(b"\n") for hostile in HOSTILE if not hostile.file_only]
    path = write(b"\n".join([*lines, GOOD]))

    report = ingest([path], home=home, clock=Clock())

    assert report.read == report.accepted + report.duplicate + report.quarantined.count
    assert report.accepted >= 1
    files = list((home.log / "quarantine").iterdir())
    assert len(files[0].read_bytes().splitlines()) == report.quarantined.count
