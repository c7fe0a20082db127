"""Ingest takes what is good, sets aside what is not, and loses nothing."""

import pytest

from feature_repo.events.ingest import ingest, validate
from feature_repo.home import Clock
from tests.feature_repo.hostile_inputs import GOOD, HOSTILE


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_what_is_good_is_taken_and_the_rest_set_aside(hostile, home, write):
    report = ingest([write(hostile.body)], home=home, clock=Clock())

    set_aside = len(report.quarantined)
    assert report.read == report.accepted + report.duplicate + set_aside
    assert report.accepted == hostile.good or hostile.bad is None
    assert set_aside == hostile.bad or (hostile.bad is None and set_aside > 0)
    assert all(line.reason and line.file.endswith("events.jsonl") for line in report.quarantined)


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_a_dry_run_says_the_same(hostile, home, write):
    path = write(hostile.body)

    dry = validate([path], clock=Clock())

    wet = ingest([path], home=home, clock=Clock())
    assert (dry.read, dry.accepted, dry.duplicate) == (wet.read, wet.accepted, wet.duplicate)
    assert [q.line for q in dry.quarantined] == [q.line for q in wet.quarantined]


def test_all_of_them_at_once_do_not_harm_a_good_event(home, write):
    lines = [hostile.body.rstrip(b"\n") for hostile in HOSTILE if not hostile.file_only]
    path = write(b"\n".join([*lines, GOOD]))

    report = ingest([path], home=home, clock=Clock())

    assert report.read == report.accepted + report.duplicate + len(report.quarantined)
    assert report.accepted >= 1
    kept = list((home.log / "quarantine").iterdir())
    assert len(kept[0].read_bytes().splitlines()) == len(report.quarantined)
