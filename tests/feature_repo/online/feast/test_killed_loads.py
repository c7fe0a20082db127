"""Loads and registrations that are killed with -9 at random points and then repeated."""

import random
import time
from itertools import count

import pytest

from feature_repo.catalogue import Catalogue
from feature_repo.events.contract import InteractionEvent, ItemEvent, RankingEvent, ShownItem
from feature_repo.feast_repo import repository
from feature_repo.home import MINUTE, SECOND, Home
from feature_repo.online.redis import redis_client
from feature_repo.transformations import transform
from tests.feature_repo.histories import START, write_log, write_shop
from tests.feature_repo.online.loader_process import loader_process
from tests.feature_repo.shops import ODD
from tests.scale import examples, seconds

DEATHS = examples(12)
ITEMS, USERS = 1000, 40


def events():
    chance = random.Random(4)
    for n in range(ITEMS):
        yield ItemEvent(
            event_id=f"i{n}", event_time=START + n, item_id=f"item{n}", fields={"price": n}
        )
    for n in range(300):
        shown = tuple(ShownItem(f"item{i}") for i in chance.sample(range(ITEMS), 20))
        user = f"user{n % USERS}"
        times = {"event_time": START + n * MINUTE, "request_id": f"r{n}", "user_id": user}
        times["session_id"] = f"session{n % USERS}"
        yield RankingEvent(event_id=f"r{n}", query=f"query {n % 9}", items=shown, **times)
        yield InteractionEvent(event_id=f"c{n}", item_id=shown[0].item_id, type="click", **times)


@pytest.fixture(scope="module")
def loaded_home(tmp_path_factory, shared_redis):
    """A home with rows to load, and its empty server."""
    home = Home(tmp_path_factory.mktemp("killed") / "home")
    with redis_client(shared_redis, timeout=seconds(10)) as client:
        client.flushall()
        repository.render(home, shared_redis)
        last = write_log(home, list(events()))
        home.clock.write_text(str(last + SECOND - time.time_ns() // 1000))
        transform(home, last)
        repository.apply(home)
        yield home, client


def answers(home):
    """Return the online values by view and entity; None where missing."""
    store, catalogue = repository.open_store(home, timeout_seconds=seconds(10)), Catalogue.of(home)
    ids = {
        "item_id": [f"item{n}" for n in range(ITEMS)],
        "user_id": [f"user{n}" for n in range(USERS)],
        "session_id": [f"session{n}" for n in range(USERS)],
        "query_key": [f"default|query {n}" for n in range(9)],
        "market": ["default"],
        "arm_key": ["banner//red"],
    }
    rows = {}
    for view in catalogue.views:
        (key,) = view.join_keys
        refs = [f"{view.name}:{field.name}" for field in view.features]
        answer = store.get_online_features(refs, [{key: entity} for entity in ids[key]]).to_dict()
        for row in zip(*(answer[name] for name in answer), strict=True):
            values = dict(zip(answer, row, strict=True))
            entity = values.pop(key)
            rows[view.name, entity] = values if values["part"] is not None else None
    return rows


def strike(child, verb, duration, chance):
    """Kill a child at some point; return whether it was killed, and its minimum duration.

    A child that ended before the kill gives a new minimum.
    """
    ended, elapsed = child(verb, chance.uniform(0.2, 1.0) * duration)
    return ended != 0, duration if ended else min(duration, elapsed)


def test_load_killed_at_any_point_is_completed_by_the_next(loaded_home):
    home, client = loaded_home
    with loader_process(home) as child:
        ended, duration = child("load")
        whole = answers(home)
        chance, killed = random.Random(9), 0
        while killed < DEATHS:
            client.flushall()
            died, duration = strike(child, "load", duration, chance)
            killed += died
            half = answers(home)
            assert all(row is None or row == whole[entity] for entity, row in half.items())
            if list(client.scan_iter("*:loaded:*")):
                assert half == whole

        again, _ = child("load")

    assert (ended, again) == (0, 0)
    assert sum(row is not None for row in whole.values()) > ITEMS
    assert answers(home) == whole


def registered(home):
    store = repository.open_store(home)
    return {
        view.name: sorted((field.name, str(field.dtype)) for field in view.features)
        for view in store.list_feature_views()
    }


def test_registration_killed_at_any_point_is_completed_by_the_next(loaded_home):
    home, _ = loaded_home
    shops = ["", ODD]
    with loader_process(home) as child:
        _, duration = child("apply")
        chance, killed = random.Random(10), 0
        for n in count():
            write_shop(home, shops[n % 2])
            died, duration = strike(child, "apply", duration, chance)
            killed += died
            assert registered(home)
            if killed == DEATHS:
                break
        write_shop(home, ODD)
        repository.apply(home)

    assert registered(home) == {
        view.name: sorted((field.name, str(field.dtype)) for field in view.features)
        for view in Catalogue.of(home).views
    }
