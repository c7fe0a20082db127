"""Recent interactions and a query's clicked items against a brute force over raw events."""

from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings

from feature_repo.events.contract import InteractionEvent, ItemEvent, RankingEvent, ShownItem
from feature_repo.home import DAY, Home
from feature_repo.transformations import recent_rows, run, staged_log, transform
from feature_repo.views import K_CLICKED
from tests.feature_repo import references
from tests.feature_repo.histories import (
    SHOPS,
    START,
    Rows,
    by_shop,
    clicks,
    write_log,
    write_shop,
)
from tests.feature_repo.references import chosen, recent
from tests.scale import examples

TOML = """
[[item]]
name = "kind"
type = "category"
[[item]]
name = "tags"
type = "list"
"""


@pytest.fixture
def few(monkeypatch):
    """Use lists so short that histories fill them, a slice for every few users, and row groups."""
    for name, value in (("K_CLICKED", 2), ("K_SHOWN", 3), ("K_QUERY_ITEMS", 2)):
        monkeypatch.setattr(staged_log, name, value)
        monkeypatch.setattr(references, name, value)
    monkeypatch.setattr(run, "ROWS_PER_SLICE", 10)
    monkeypatch.setattr(recent_rows, "ROWS_PER_GROUP", 3)


@settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))
@given(events=SHOPS)
def test_rows_contain_the_last_clicked_and_shown_items(tmp_path_factory, few, events):
    home = Home(tmp_path_factory.mktemp("recent"))
    write_shop(home, TOML)
    last = write_log(home, events)

    transform(home, START)

    rows = Rows(home.features / "user_recent", "user_id")
    for own in by_shop(events):
        users = {e.user_id for e in own if getattr(e, "user_id", None)}
        instants = {e.seen_at + k for e in own for k in (0, 1)} | {last + 900 * DAY}
        for user, instant in product(users, instants):
            row, expected = rows.at(user, instant), recent(own, user, instant)
            assert (row and {name: row[name] for name in expected or ()}) == expected


@settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))
@given(events=SHOPS)
def test_a_query_has_the_items_clicked_before_midnight(tmp_path_factory, few, events):
    home = Home(tmp_path_factory.mktemp("queries"))
    last = write_log(home, events)

    transform(home, START)

    rows = Rows(home.features / "query_clicked_items", "query_key")
    query_clicks = [
        (own, e.seen_at, query)
        for own in by_shop(events)
        for e, _, _, _, query in clicks(own)
        if query
    ]
    for own, seen_at, query in query_clicks:
        midnight = (seen_at // DAY + 1) * DAY
        row = rows.at(query, midnight)
        if midnight <= last + 1:
            assert (row["clicked_item_keys"], row["clicked_item_weights"]) == chosen(
                own, query, midnight
            )
            assert row["event_timestamp"].timestamp() == midnight / 1e6
        else:
            assert row is None or row["event_timestamp"].timestamp() <= (last + 1) / 1e6


def test_one_slate_is_one_row_whose_first_position_is_newest(home):
    slate = tuple(ShownItem(item) for item in "abc")
    write_log(
        home,
        [RankingEvent(event_id="1", event_time=START, request_id="r", user_id="u", items=slate)],
    )

    transform(home, START)

    rows = Rows(home.features / "user_recent", "user_id")
    assert len(rows) == 1
    assert rows.at("u", START + 1)["shown_item_ids"] == ["a", "b", "c"]
    assert rows.at("u", START + 1)["clicked_item_ids"] == []


def test_lists_retain_their_newest_entries_across_blocks(home):
    total = 3 * K_CLICKED + 7
    write_log(
        home,
        [
            InteractionEvent(
                event_id=f"{n:04d}",
                event_time=START + n,
                item_id=str(n),
                type="click",
                user_id="u",
            )
            for n in range(total)
        ],
    )

    transform(home, START)

    rows = Rows(home.features / "user_recent", "user_id")
    for n in (0, K_CLICKED - 1, K_CLICKED, 2 * K_CLICKED, total - 1):
        expected = [str(k) for k in range(n, max(n - K_CLICKED, -1), -1)]
        assert rows.at("u", START + n + 1)["clicked_item_ids"] == expected


def searched(event_id, at):
    slate = (ShownItem("i"),)
    return RankingEvent(
        event_id=event_id, event_time=at, request_id=event_id, user_id="u", query="q", items=slate
    )


def clicked(event_id, at, request_id):
    return InteractionEvent(
        event_id=event_id, event_time=at, item_id="i", type="click", request_id=request_id
    )


def test_click_does_not_see_an_item_change_of_the_same_microsecond(home):
    write_shop(home, TOML)
    changes = [
        ItemEvent(event_id=kind, event_time=at, item_id="i", fields={"kind": kind})
        for kind, at in (("old", START), ("new", START + 9))
    ]
    write_log(home, [*changes, searched("1", START + 8), clicked("2", START + 9, "1")])

    transform(home, START)

    row = Rows(home.features / "user_recent", "user_id").at("u", START + 10)
    assert row["clicked_kind"] == ["old"]


def test_a_day_with_new_clicks_replaces_the_weights_of_the_days_before(home):
    write_log(
        home,
        [
            searched("r", START),
            *(clicked(str(n), START + 1 + n * DAY, "r") for n in range(3)),
            searched("s", START + 5 * DAY),
        ],
    )

    transform(home, START)

    rows = Rows(home.features / "query_clicked_items", "query_key")
    days = [rows.at("default|q", START + n * DAY) for n in (1, 2, 3, 4)]
    assert [row["clicked_item_keys"] for row in days] == [["i"]] * 4
    assert [row["clicked_item_weights"] for row in days] == [[1], [2], [3], [3]]
