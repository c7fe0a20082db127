"""A run over what is new gives the rows that a run over everything gives."""

import pytest
from hypothesis import HealthCheck, given, settings

from feature_repo.home import Home
from feature_repo.transformations import run
from tests.feature_repo.growing_log import GrowingLog, growth, rebuilt, rows


@pytest.fixture
def few(monkeypatch):
    """Lists so short that histories fill them, and a slice for every few users."""
    for name, value in (("K_CLICKED", 2), ("K_SHOWN", 3), ("K_QUERY_ITEMS", 2)):
        monkeypatch.setattr(run, name, value)
    monkeypatch.setattr(run, "EVENTS_PER_SLICE", 10)


def differences(home, other):
    """Rows that only one of two homes has, by view."""
    ours, theirs = rows(home), rows(other)
    assert ours.keys() == theirs.keys()
    return {
        view: {
            "ours": [row for row in ours[view] if row not in theirs[view]],
            "theirs": [row for row in theirs[view] if row not in ours[view]],
        }
        for view in ours
        if ours[view] != theirs[view]
    }


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(growth)
def test_rows_are_those_of_a_rebuild(tmp_path_factory, few, steps):
    folder = tmp_path_factory.mktemp("grown")
    grown = GrowingLog(Home(folder / "home"))

    reports = grown.grow(steps)

    assert [report.rebuilt for report in reports] == [True, *[False] * (len(steps) - 1)]
    assert differences(grown.home, rebuilt(grown.home, folder / "other")) == {}
