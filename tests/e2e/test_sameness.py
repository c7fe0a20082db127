"""Served vectors equal, bit for bit, the vectors of training for the same instant."""

import base64
import json
import random
import re
import threading
from collections import defaultdict
from dataclasses import dataclass, replace

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from msgspec import structs

from feature_repo.events.contract import DEFAULT_MARKET, RankingEvent, ServedEvent
from feature_repo.events.ingest import ingest
from feature_repo.events.log import EventLog, encode_event
from feature_repo.home import DAY, HOUR, MINUTE, Clock, Home, Settings, parse_instant, to_datetime
from feature_repo.online.redis import running_redis
from feature_repo.request_features import feature_matrix
from feature_repo.request_features.context import with_overrides
from feature_repo.shop import SIMULATED_SHOP, Shop
from pipelines.cli import main as cli
from pipelines.service import free_port, running_service
from pipelines.steps import refresh
from serving.features.redis_connection import RedisConnection
from serving.query import Query
from tests.e2e.busy_shop import MARKETS, BusyShop
from tests.e2e.racers import Racer
from tests.integration.http.small_shop import publish_ranker, read_once
from tests.scale import seconds
from training.dataset import historical_features, labelled_rankings, sources_of
from training.dataset.build import numbered
from training.dataset.logged_candidates import with_logged_sources, with_unshown_candidates
from training.evaluation.parity import compare, logged_matrix, recorded, same_bits, verify
from training.ranker import Ranker
from training.studies.simulation import simulate

MORE_FIELDS = """
[[item]]
name = "tags"
type = "list"

[[item]]
name = "in_stock"
type = "bool"

[[item]]
name = "back_at"
type = "time"

[[user]]
name = "country"
type = "category"
values = ["de", "fr"]

[[user]]
name = "spent"
type = "number"

[[user]]
name = "joined"
type = "time"
"""
SEED = 1
WINDOWED = re.compile(r"_(1d|7d|30d)(_|$)")


@dataclass
class Day:
    """A finished day: the shop that sent events, the racers, and the home with the log."""

    settings: Settings
    shop: BusyShop
    racers: list[Racer]

    @property
    def home(self) -> Home:
        return self.settings.home

    @property
    def prior(self):
        return Ranker.load(self.home.current / "ranker" / "default").prior

    @property
    def events(self) -> list[ServedEvent]:
        return recorded(self.home)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """A busy day with two refreshes during it and one at its end.

    It takes half a minute: racers send events and read answers as long as a refresh runs.
    """
    folder = tmp_path_factory.mktemp("day")
    opened = open_shop(folder)
    with running_redis(opened) as address:
        settings = Settings(home=opened.home, redis_url=address.url, record_share=1.0)
        refresh(settings)
        publish_ranker(settings.home, folder / "ranker")
        with running_service(settings, port=free_port()) as client:
            finished = spend(settings, client.url)
        ten_minutes_later(settings.home)
        refresh(settings)
        yield finished


def open_shop(folder):
    """Open a shop in the morning after nine simulated days: the session contains no midnight."""
    home = Home(folder / "home")
    home.root.mkdir()
    home.shop_toml.write_text(SIMULATED_SHOP.read_text() + MORE_FIELDS)
    source = simulate(folder / "events.jsonl", users=12, items=30, days=9, seed=5)
    empty = folder / "empty.jsonl"
    empty.write_bytes(b"".join(map(empty_search, MARKETS)))
    settings = Settings(home=home, clock="2026-01-14T09:00:00Z")
    ingest([source, empty], home=home, clock=Clock.of(settings))
    return settings


def empty_search(market):
    """Return a search without results on an earlier day, so that the market has a share of them."""
    event = RankingEvent(
        event_id=f"nothing-{market}",
        event_time=parse_instant("2026-01-08T12:00:00Z"),
        request_id=f"nothing-{market}",
        query="Ünïque",
        market=market or DEFAULT_MARKET,
        items=(),
    )
    return encode_event(event) + b"\n"


def ten_minutes_later(home):
    """Move the clock past every event with a future time."""
    home.clock.write_text(str(Clock.of(Settings(home)).offset + 10 * MINUTE))


def spend(settings, url):
    clock, racers = Clock.of(settings), []
    items, users = [f"i{n:05d}" for n in range(30)], [f"u{n:05d}" for n in range(12)]
    with httpx.Client(base_url=url, timeout=seconds(20), trust_env=False) as http:
        shop = BusyShop(http, clock, random.Random(SEED), items, users)
        for turn in range(2):
            for _ in range(100):
                shop.step()
            racers += [Racer(url, clock, f"{turn}{who}") for who in "ab"]
            continue_while_refreshing(settings, shop, racers[-2:])
        for _ in range(60):
            shop.step()
        shop.flush()
    return Day(settings, shop, racers)


def continue_while_refreshing(settings, shop, racers):
    done, failed = [], []
    refreshing = threading.Thread(target=lambda: done.append(refresh(settings)))

    def race(racer):
        try:
            racer.run(refreshing)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=race, args=(racer,)) for racer in racers]
    for thread in (refreshing, *threads):
        thread.start()
    while refreshing.is_alive():
        shop.step()
    for thread in (refreshing, *threads):
        thread.join()
    assert done
    assert not failed


def test_every_logged_vector_equals_its_training_vector(day):
    result = compare(day.home, day.events, day.prior)

    assert result.differing == {}, result.examples
    assert result.requests > 200
    assert result.features > 100_000
    assert min(day.shop.done.values()) > 20, day.shop.done


def test_verify_reports_a_changed_value_and_nothing_else(day, monkeypatch, capsys):
    monkeypatch.setenv("AISLE_HOME", str(day.home.root))
    size = day.events[0].layout.index("slate__size")
    wrong = logged_matrix(day.events[0]).copy()
    wrong[0, size] += 1
    vectors = base64.b64encode(wrong.tobytes()).decode()

    status = cli.main(["verify", "--json"])
    printed = json.loads(capsys.readouterr().out)
    report = verify(day.home, [structs.replace(day.events[0], vectors=vectors)]).to_dict()

    assert (status, printed["mismatches"], printed["requests"]) == (0, [], len(day.events))
    (mismatch,) = report["mismatches"]
    assert (mismatch["feature"], mismatch["times"]) == ("slate__size", 1)
    assert mismatch["logged"] == mismatch["computed"] + 1


def test_a_comparison_with_another_instant_or_without_overrides_fails(day):
    overridden = [e for e in day.events if e.overrides]

    moved = compare(day.home, day.events, day.prior, shift=-HOUR)
    plain = [structs.replace(event, overrides={}) for event in overridden]
    stored = compare(day.home, plain, day.prior)

    assert moved.differing.keys() > {
        "item_attributes__price",
        "item_engagement__impressions_all",
        "user_recent__present",
        "query_engagement__searches_1d",
        "taste__tags_matches",
        "history__times_shown",
        "user_attributes__spent",
        "user__tenure_seconds",
        "funnel__query_zero_result_all",
    }
    assert stored.differing.keys() > {"item_attributes__price", "text__tokens_covered"}
    assert "item_engagement__impressions_all" not in stored.differing


def test_an_acknowledged_event_counts_in_the_next_answer_during_a_refresh(day):
    assert min(racer.looks for racer in day.racers) > 3
    assert [racer.errors for racer in day.racers] == [[]] * len(day.racers)


def test_training_reads_a_shown_slate_as_it_was_served(day):
    served = {(event.request_id, to_datetime(event.event_time)): event for event in day.events}
    learned = defaultdict(list)
    for row in labelled_rankings(day.home).to_pylist():
        learned[row["request_id"], row["t"]].append(row)

    shown = learned.keys() & served.keys()

    assert len(shown) > 30
    for slate, event in ((learned[key], served[key]) for key in shown):
        assert [row["item_id"] for row in slate] == [item.item_id for item in event.items]
        assert {(row["user_id"], row["query"], row["market"]) for row in slate} == {
            (event.user_id, event.query, event.market)
        }


def test_training_reads_the_sources_of_served_items_from_the_log(day):
    answers = {(event.request_id, to_datetime(event.event_time)): event for event in day.events}
    rows = numbered(labelled_rankings(day.home))
    rows = rows.filter(pc.is_in(rows["request_id"], pa.array([r for r, _ in answers])))
    keys = list(dict.fromkeys((row["request_id"], row["t"]) for row in rows.to_pylist()))
    shop = Shop.load(day.home.shop_toml)

    candidates = with_unshown_candidates(day.home, rows)
    slates = list(with_logged_sources(day.home, rows, historical_features(day.home, candidates)))
    shown = [
        (answers[key], slate) for key, slate in zip(keys, slates, strict=True) if key in answers
    ]
    retrieved = [(event, slate) for event, slate in shown if event.sources]

    assert len(retrieved) > 10
    assert len(shown) > len(retrieved)
    assert len([event for event, _ in shown if event.considered]) > 5
    for event, slate in shown:
        matrix = feature_matrix(with_overrides(slate, event.overrides, shop), shop, day.prior)
        assert same_bits(logged_matrix(event), matrix[: len(event.items)]).all()
    for event, _ in retrieved:
        assert not np.isnan(logged_matrix(event)[:, of_sources(event)]).all()
    assert {name for event, _ in retrieved for ranks in event.sources for name in ranks} >= {
        "lexical",
        "popular",
        "past",
        "favourites",
        "together",
    }


def of_sources(event):
    return [n for n, name in enumerate(event.layout) if name.startswith("source__")]


def read_again(day, t):
    """Yield the last answers, computed again from Redis as of an instant, as events."""
    home, clock = day.home, Clock.of(day.settings)
    shop, log = Shop.load(home.shop_toml), EventLog(home, clock)
    connection = RedisConnection.open(day.settings, shop, log, clock)
    connection.replay()
    for event in day.events[-60:]:
        query = Query(
            event.request_id,
            t,
            event.user_id,
            text=event.query,
            market=event.market,
            item_ids=[*(item.item_id for item in event.items), *event.considered],
        )
        facts = replace(read_once(connection, query), source_ranks=sources_of(event))
        facts = with_overrides(facts, event.overrides, shop)
        matrix = feature_matrix(facts, shop, day.prior)[: len(event.items)]
        vectors = base64.b64encode(matrix.tobytes()).decode()
        yield structs.replace(event, event_time=t, vectors=vectors)


def test_after_midnight_only_windowed_counts_differ_until_the_next_refresh(day):
    """A load ages stored rows; a read ages the live values on top of them."""
    sealed_at = EventLog(day.home, Clock()).seals().last
    today, tomorrow = sealed_at + 1, (sealed_at // DAY + 1) * DAY + HOUR

    same_day = compare(day.home, list(read_again(day, today)), day.prior)
    next_day = compare(day.home, list(read_again(day, tomorrow)), day.prior)

    print(
        len(day.events),
        compare(day.home, day.events, day.prior).features,
        sum(len(e.items) for e in day.events),
        day.shop.done,
        [r.looks for r in day.racers],
        day.shop.degraded,
        next_day.differing,
    )
    assert same_day.differing == {}, same_day.examples
    assert all(WINDOWED.search(name) for name in next_day.differing), next_day.differing
