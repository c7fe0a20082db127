"""Figures of the log equal those that plain Python counts."""

import json
from collections import defaultdict
from contextlib import closing

import numpy as np
import pytest

from feature_repo.events.contract import ServedEvent, ShownItem
from feature_repo.events.ingest import ingest
from feature_repo.events.log import EventLog
from feature_repo.home import DAY, HOUR, Clock, Home, Settings, parse_instant, to_text
from feature_repo.transformations import transform
from training.metrics import bucket_counts, stability_index
from training.monitoring import measure_quality
from training.monitoring.measurement import BOT_EVENTS, measure_log
from training.monitoring.quality import Quality
from training.studies.simulation import Breakage, ShopConfig, simulate

OPENING = parse_instant("2026-01-05T00:00:00Z")
DAYS = 9
INSTANTS = [OPENING + DAYS * DAY - n * 7 * HOUR for n in range(6)]


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    config = ShopConfig(
        users=40,
        items=80,
        rankings_per_user_day=4.0,
        breakage=Breakage(bots=0.05, shock_day=DAYS - 1),
    )
    path = simulate(tmp_path_factory.mktemp("shop") / "events.jsonl", days=DAYS, config=config)
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def home(events, tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    home = Home(folder / "home")
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    clock = Clock.of(Settings(home=home, clock=to_text(OPENING + DAYS * DAY)))
    ingest([path], home=home, clock=clock)
    transform(home, clock.now())
    return home


@pytest.fixture(scope="module")
def figures(home):
    return {(one.name, *one.labels, one.at): one.value for one in measure_log(home, INSTANTS)}


def visitor(event):
    own = event["request_id"] if event["kind"] == "ranking" else event["event_id"]
    return event.get("user_id") or event.get("session_id") or own


def of_visitors(events):
    return [event for event in events if event["kind"] in ("ranking", "interaction")]


def within(events, at, length):
    return [event for event in events if at - length < event["event_time"] <= at]


def bots(events):
    counts = defaultdict(int)
    for event in of_visitors(events):
        counts[visitor(event), event["event_time"] // HOUR] += 1
    hours = [key for key, count in counts.items() if count >= BOT_EVENTS]
    return {(who, hour + n) for who, hour in hours for n in (-1, 0, 1)}


def test_click_rates_are_those_of_people(events, figures):
    of_bots = bots(events)
    people = [
        event
        for event in of_visitors(events)
        if (visitor(event), event["event_time"] // HOUR) not in of_bots
    ]

    assert of_bots
    for at in INSTANTS:
        for label, length in (("1h", HOUR), ("24h", DAY), ("7d", 7 * DAY)):
            recent = within(people, at, length)
            shown = sum(len(event["items"]) for event in recent if event["kind"] == "ranking")
            clicks = sum(e.get("type") == "click" and "request_id" in e for e in recent)
            assert figures["impressions", label, at] == shown
            if shown:
                assert figures["click_rate", label, at] == pytest.approx(clicks / shown)


def test_the_share_of_bots_counts_visitors_of_their_pace(events, figures):
    measured = [at for at in INSTANTS if ("bot_share", at) in figures]

    assert measured
    for at in INSTANTS:
        counts = defaultdict(int)
        for event in within(of_visitors(events), at, HOUR):
            counts[visitor(event)] += 1
        total = sum(counts.values())
        assert (at in measured) == (total >= 50)
        if total >= 50:
            busy = sum(count for count in counts.values() if count >= BOT_EVENTS)
            assert figures["bot_share", at] == pytest.approx(busy / total)


def test_the_index_of_prices_is_that_of_the_catalogue_a_week_before(events, figures):
    for at in INSTANTS:
        before, now = prices_at(events, at - 7 * DAY), prices_at(events, at)
        edges = np.quantile(before, np.arange(1, 10) / 10)
        counts, reference = bucket_counts(now, edges), bucket_counts(before, edges)

        expected = stability_index(counts, reference)

        assert figures["catalogue_psi", "price", at] == pytest.approx(expected, rel=1e-3)


def prices_at(events, at):
    prices = {}
    for event in events:
        if event["kind"] == "item" and event["event_time"] < at:
            if event["op"] == "delete":
                prices.pop(event["item_id"], None)
            elif "price" in event["fields"]:
                prices[event["item_id"]] = event["fields"]["price"]
    return np.array([*prices.values()], float)


def test_figures_of_the_past_do_not_depend_on_the_future(home, figures):
    alone = measure_log(home, [INSTANTS[-1]])

    for one in alone:
        assert figures[(one.name, *one.labels, one.at)] == pytest.approx(one.value), one.name


def test_a_measurement_is_read_as_it_was_written(home):
    measured = measure_quality(home, INSTANTS[0])

    assert Quality.read(home) == measured
    assert measured.failures == ()
    assert {"click_rate", "view_age_seconds"} <= {one.name for one in measured.samples}


def test_a_home_without_events_and_features_is_measured(tmp_path):
    home = Home(tmp_path / "empty")
    home.root.mkdir()

    quality = measure_quality(home, INSTANTS[0])

    assert quality.failures == ()
    assert {one.value for one in quality.samples} <= {0.0}


def test_a_shadow_disagrees_where_it_prefers_another_first_item(tmp_path):
    home = Home(tmp_path / "home")
    clock = Clock.of(Settings(home=home, clock=to_text(OPENING)))
    log = EventLog(home, clock)
    items = (ShownItem("a", 2.0, 1.0), ShownItem("b", 1.0, 1.0))
    orders = [(9.0, 1.0), (1.0, 9.0), (9.0, 8.0), (5.0, 1.0)]
    answers = [
        ServedEvent(
            event_id=f"e{n}",
            event_time=OPENING - HOUR // 2 + n,
            request_id=f"r{n}",
            items=items,
            surface="home",
            model_version="v1",
            shadow_version="v2",
            shadow_scores=scores,
        )
        for n, scores in enumerate(orders)
    ]
    with closing(log.writer()) as writer:
        writer.append(answers)
    log.seal()
    log.compact()

    figures = {(one.name, *one.labels): one.value for one in measure_log(home, [clock.now()])}

    assert figures["shadow_disagreement", "v2"] == 0.25
    assert figures["answers", "home", "v1"] == 4
    assert figures["scores", "v1", "0.5"] == 1.5
    assert figures["degraded_share", "home", "v1"] == 0
