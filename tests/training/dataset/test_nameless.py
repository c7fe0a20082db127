"""A visit without a name has the features of a new user with the same clicks, bit for bit."""

import json

import numpy as np
import pytest

from feature_repo.home import DAY, Home
from tests.training.filled_home import fill
from training.dataset import Dataset, build_dataset
from training.studies.simulation import simulate

DAYS = 6


@pytest.fixture(scope="module")
def shopping(tmp_path_factory):
    """The events of a small shop, of items, rankings and interactions."""
    path = simulate(
        tmp_path_factory.mktemp("shopping") / "events.jsonl", users=25, items=40, days=DAYS
    )
    events = map(json.loads, path.read_text().splitlines())
    return [event for event in events if event["kind"] != "user"]


@pytest.fixture(scope="module")
def learn_from(tmp_path_factory):
    """Return a function that builds the dataset of a log."""

    def learn(events):
        folder = tmp_path_factory.mktemp("visits")
        path = folder / "events.jsonl"
        path.write_text("\n".join(map(json.dumps, events)))
        home = fill(Home(folder / "home"), path, "2026-02-01T00:00:00Z")
        out = home.datasets / "ranking.parquet"
        build_dataset(home, out)
        return Dataset.load(out)

    return learn


def visits(events, name):
    """Return the events with other names: `name` returns user and session of an event."""
    return [
        event
        if event.get("user_id") is None
        else event | dict(zip(("user_id", "session_id"), name(event), strict=True))
        for event in events
    ]


def named(event):
    return event["user_id"], None


def nameless(event):
    return None, f"visit of {event['user_id']}"


@pytest.fixture(scope="module")
def of_users(shopping, learn_from):
    return learn_from(visits(shopping, named))


def same_bits(one, other):
    return np.array_equal(one.view(np.uint32), other.view(np.uint32))


def test_visits_without_a_name_equal_new_users_with_the_same_clicks(shopping, learn_from, of_users):
    of_visits = learn_from(visits(shopping, nameless))

    assert set(of_visits.column("user_id")) == {None}
    assert same_bits(of_visits.matrix, of_users.matrix)


def test_stitched_visits_equal_named_ones_from_the_link_on(shopping, learn_from, of_users):
    first = min(event["event_time"] for event in shopping if event["kind"] == "ranking")
    linked_at = (first // DAY + DAYS // 2) * DAY + 1
    users = sorted({event["user_id"] for event in shopping if event.get("user_id")})
    links = [
        {
            "kind": "user",
            "op": "link",
            "event_id": f"link of {user}",
            "event_time": linked_at,
            "user_id": user,
            "session_id": f"visit of {user}",
        }
        for user in users
    ]
    events = visits(
        shopping, lambda event: (named if event["event_time"] > linked_at else nameless)(event)
    )

    stitched = learn_from(sorted([*events, *links], key=lambda event: event["event_time"]))

    after = stitched.column("t").astype(np.int64) > linked_at
    assert 0 < after.sum() < after.size
    assert same_bits(stitched.matrix[after], of_users.matrix[after])
