"""A user or session above the shop's limit of events a day is named, and left out on request."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_repo.events.ingest import ingest
from feature_repo.events.log import find_bots
from feature_repo.home import Clock, Home, Settings, ShopError
from feature_repo.shop import Shop
from pipelines.doctor import examine
from training.dataset import labelled_rankings
from training.retrieval.indexes import read_actions

DAYS = ("2026-01-05", "2026-01-06")


def slate_and_clicks(day, person, clicks):
    """Return a slate of one item and clicks on it, of a user or session."""
    request = "".join([day, *person.values()])
    ranking = {"kind": "ranking", "items": ["i1"], "request_id": request}
    click = {"kind": "interaction", "item_id": "i1", "type": "click", "request_id": request}
    events = [ranking, *([click] * clicks)]
    return [
        {**event, **person, "event_id": f"{request} {n}", "event_time": f"{day}T10:00:{n:02d}Z"}
        for n, event in enumerate(events)
    ]


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A shop of one person, of a user that is a bot on the first day, and of a session that is."""
    root = tmp_path_factory.mktemp("bots")
    people = [({"user_id": "person"}, 4), ({"user_id": "bot"}, 5), ({"session_id": "crawl"}, 6)]
    events = [event for one in people for event in slate_and_clicks(DAYS[0], *one)]
    events += slate_and_clicks(DAYS[1], {"user_id": "bot"}, 2)
    (root / "events.jsonl").write_text("\n".join(map(json.dumps, events)))
    settings = Settings(home=Home(root / "home"), clock="2026-01-07T00:00:00Z")
    ingest([root / "events.jsonl"], home=settings.home, clock=Clock.of(settings))
    return settings


@pytest.fixture
def declare(settings):
    """Returns a function that writes `[bots]` of the shop."""
    yield lambda lines: settings.home.shop_toml.write_text(f"[bots]\n{lines}\n")
    settings.home.shop_toml.unlink()


def clicks_by_person(home):
    sql = "select coalesce(user_id, session_id) as id, count(*) as n from actions group by id"
    return {row["id"]: row["n"] for row in read_actions(home, sql).to_pylist()}


def test_a_bot_counts_unless_the_shop_says_otherwise(settings, declare):
    declare("events_per_day = 5")

    assert clicks_by_person(settings.home) == {"person": 4, "bot": 7, "crawl": 6}
    assert labelled_rankings(settings.home).num_rows == 4


def test_the_days_of_a_bot_are_left_out_of_indexes_and_labels(settings, declare):
    declare("events_per_day = 5\ncount = false")

    assert clicks_by_person(settings.home) == {"person": 4, "bot": 2}
    days = [row["t"].date().isoformat() for row in labelled_rankings(settings.home).to_pylist()]
    assert days == list(DAYS)


def test_doctor_names_bots_with_their_events(settings, declare):
    declare("events_per_day = 5\ncount = false")

    findings = [one for one in examine(settings) if one.subject == "bots"]

    assert [one.detail for one in findings] == [
        "session crawl: 7 events on 2026-01-05, more than 5",
        "user bot: 6 events on 2026-01-05, more than 5",
    ]
    assert {one.state for one in findings} == {"note"}


def test_decisions_of_bandits_and_their_rewards_do_not_make_a_bot(tmp_path):
    of_types = {"decision": 3, "reward": 3, "click": 2}
    rows = [
        {"user_id": "person", "session_id": None, "event_time": at, "type": name}
        for name, count in of_types.items()
        for at in [datetime(2026, 1, 5, tzinfo=UTC)] * count
    ]
    folder = tmp_path / "compacted" / "interaction" / "day=2026-01-05"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "part-1.parquet")

    bots = {limit: find_bots(tmp_path, limit).to_pylist() for limit in (1, 2)}

    assert [each["events"] for each in bots[1]] == [2]
    assert bots[2] == []


def test_doctor_says_that_there_is_no_bot(settings, declare):
    declare("events_per_day = 7")

    (finding,) = [one for one in examine(settings) if one.subject == "bots"]

    assert (finding.state, finding.detail) == ("good", "none above 7 events a day")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("events_per_day = 0", "events_per_day: expected a whole number above 0, found 0"),
        ("events_per_day = true", "events_per_day: expected a whole number above 0, found True"),
        ('count = "no"', "count: expected true or false, found 'no'"),
        ("limit = 3", "expected \\[bots\\] with the keys events_per_day and count, found"),
    ],
)
def test_an_error_names_the_wrong_part_of_the_rule(settings, declare, lines, message):
    declare(lines)

    with pytest.raises(ShopError, match=message):
        Shop.load(settings.home.shop_toml)
