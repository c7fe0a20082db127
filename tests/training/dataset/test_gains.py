"""Labels follow from the gains of outcomes."""

from contextlib import closing

import msgspec
import pyarrow.compute as pc
import pytest

from feature_repo.events.contract import InteractionEvent, RankingEvent, ServedEvent, ShownItem
from feature_repo.events.ingest import ingest
from feature_repo.events.log import EventLog
from feature_repo.home import (
    DAY,
    HOUR,
    Clock,
    Home,
    NotEnoughError,
    SettingError,
    Settings,
    parse_instant,
)
from tests.training.experiment_analysis.experiment_log import write_log
from training.dataset import Gains, labelled_rankings, parse_gains

START = parse_instant("2026-01-05T00:00:00Z")


@pytest.fixture
def home(tmp_path):
    """A log of one slate: a is returned, b is ordered late, c is clicked, d is ignored."""

    def acted(item, type_, after):
        return InteractionEvent(
            event_id=f"{type_}-{item}",
            event_time=START + after,
            item_id=item,
            type=type_,
            request_id="r1",
        )

    shown = tuple(ShownItem(item, propensity=0.5 if item == "a" else 1.0) for item in "abcd")
    again = (ShownItem("a"), ShownItem("b"))
    return filled(
        tmp_path,
        RankingEvent(event_id="s1", event_time=START, request_id="r1", items=shown),
        *(acted(item, "click", HOUR) for item in "abc"),
        acted("a", "purchase", 2 * HOUR),
        acted("b", "purchase", 3 * DAY),
        acted("a", "return", 5 * DAY),
        RankingEvent(event_id="s2", event_time=START + 5 * DAY, request_id="r2", items=again),
    )


def filled(tmp_path, *events):
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(event) + b"\n" for event in events))
    home = Home(tmp_path / "home")
    ingest([path], home=home, clock=Clock.of(Settings(home=home, clock="2026-02-01T00:00:00Z")))
    return home


def gains_of(home, gains):
    rows = labelled_rankings(home, gains)
    first = rows.filter(pc.equal(rows["request_id"], "r1"))
    return dict(zip(first["item_id"].to_pylist(), first["gain"].to_pylist(), strict=True))


def test_best_outcome_counts_and_a_return_is_subtracted(home):
    assert gains_of(home, parse_gains("click=1,purchase=6,return=-5")) == {
        "a": 1,
        "b": 6,
        "c": 1,
        "d": 0,
    }


def test_no_gain_is_negative(home):
    assert gains_of(home, parse_gains("click=1,purchase=6,return=-50"))["a"] == 0


def test_outcome_after_the_horizon_does_not_count(home):
    gains = parse_gains("click=1,purchase=6,return=-5")

    assert gains_of(home, Gains(gains.worth, horizon_days=2)) == {"a": 6, "b": 1, "c": 1, "d": 0}


@pytest.mark.parametrize(("horizon_days", "gain"), [(None, 1), (7, 1), (3, 6)])
def test_order_corrected_within_the_horizon_does_not_count(tmp_path, horizon_days, gain):
    def acted(name, after, **what):
        return InteractionEvent(
            event_id=name, event_time=START + after, item_id="a", request_id="r1", **what
        )

    home = filled(
        tmp_path,
        RankingEvent(event_id="s", event_time=START, request_id="r1", items=(ShownItem("a"),)),
        acted("click", HOUR, type="click"),
        acted("order", 2 * HOUR, type="purchase"),
        acted("back", 5 * DAY, type="purchase", corrects="order"),
        acted("much later", 20 * DAY, type="view"),
    )

    assert gains_of(home, Gains(horizon_days=horizon_days)) == {"a": gain}


def test_slate_younger_than_the_horizon_is_excluded(home):
    rows = labelled_rankings(home, Gains(horizon_days=2))

    assert set(rows["request_id"].to_pylist()) == {"r1"}


def test_search_without_results_has_no_row(home, tmp_path):
    nothing = RankingEvent(
        event_id="s3", event_time=START + 6 * DAY, request_id="r3", query="hats", items=()
    )
    seldom = filled(tmp_path / "seldom", nothing)

    with closing(EventLog(home, Clock()).writer()) as segment:
        segment.append([nothing])
    EventLog(home, Clock()).compact()

    assert set(labelled_rankings(home)["request_id"].to_pylist()) == {"r1", "r2"}
    with pytest.raises(NotEnoughError, match="rankings with items: found 0"):
        labelled_rankings(seldom)


def test_a_log_younger_than_the_horizon_is_rejected(home):
    with pytest.raises(NotEnoughError, match="older than the horizon of 30 days"):
        labelled_rankings(home, Gains(horizon_days=30))


def test_rows_mark_random_slates_and_have_a_flag_for_each_outcome(home):
    rows = labelled_rankings(home).to_pylist()

    assert {row["request_id"]: row["randomized"] for row in rows} == {"r1": True, "r2": False}
    outcomes = {row["item_id"]: row for row in rows if row["request_id"] == "r1"}
    assert [outcomes[item]["clicked"] for item in "abcd"] == [True, True, True, False]
    assert [outcomes[item]["ordered"] for item in "abcd"] == [True, True, False, False]
    assert not any(row["carted"] for row in rows)


@pytest.mark.parametrize(
    "text", ["click", "click=many", "click=1,click=2", "=1", "click=nan", "click=inf", ""]
)
def test_malformed_gains_are_rejected(text):
    with pytest.raises(SettingError, match="expected each type once"):
        parse_gains(text)


def test_gains_without_a_positive_one_are_rejected():
    with pytest.raises(SettingError, match="expected one above 0"):
        parse_gains("click=0,return=-1")
    with pytest.raises(SettingError, match="days above 0"):
        Gains(horizon_days=0)


def test_gains_round_trip_through_text():
    assert parse_gains(str(Gains())).worth == Gains().worth


def test_page_that_two_rankers_drafted_is_not_in_random_order(tmp_path):
    shown = tuple(ShownItem(item, propensity=0.5) for item in "ab")
    slates = [
        RankingEvent(event_id=f"s{n}", event_time=START + n, request_id=f"r{n}", items=shown)
        for n in range(2)
    ]
    answer = ServedEvent(
        event_id="a", event_time=START, request_id="r0", items=shown, teams=("control", "b")
    )

    home = write_log(Home(tmp_path / "home"), [*slates, answer])
    rows = labelled_rankings(home).to_pylist()

    assert {row["request_id"]: row["randomized"] for row in rows} == {"r0": False, "r1": True}
