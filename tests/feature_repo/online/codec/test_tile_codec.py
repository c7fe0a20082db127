"""Feast's online calls read tiles at the home's clock."""

import time

import pytest
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus

from feature_repo.events.contract import InteractionEvent
from feature_repo.feast_repo import repository
from feature_repo.home import DAY, SECOND
from feature_repo.online.redis import redis_client
from feature_repo.transformations import transform
from tests.feature_repo.histories import START, write_log
from tests.scale import seconds

REFS = ["item_engagement:clicks_1d", "item_engagement:clicks_7d", "item_engagement:clicks_all"]


@pytest.fixture
def loaded_home(home, redis_address):
    """A loaded home with one event: a click on item `i` at the start."""
    repository.render(home, redis_address)
    click = InteractionEvent(event_id="1", event_time=START, item_id="i", type="click")
    last = write_log(home, [click])
    transform(home, last)
    repository.apply(home)
    repository.materialize(home, last + 1)
    return home


def answer(home, at, items=("i",)):
    home.clock.write_text(str(at - time.time_ns() // 1000))
    store = repository.open_store(home, timeout_seconds=seconds(10))
    return store.get_online_features(REFS, [{"item_id": item} for item in items])


@pytest.mark.parametrize(
    ("days", "counts"), [(0, [1, 1, 1]), (1, [0, 1, 1]), (6, [0, 1, 1]), (7, [0, 0, 1])]
)
def test_counts_age_with_the_clock_and_without_a_load(loaded_home, days, counts):
    answers = answer(loaded_home, START + days * DAY + SECOND).to_dict()

    assert [answers[ref.split(":")[1]] for ref in REFS] == [[count] for count in counts]


def test_unknown_entity_is_missing_and_damage_affects_no_other(loaded_home, redis_address):
    with redis_client(redis_address, timeout=seconds(5)) as client:
        client.set(f"{loaded_home.project}:live:tile:item_engagement:bad", b"no tile")

    answers = answer(loaded_home, START + SECOND, ("i", "none", "bad")).proto.results

    absent = FieldStatus.NOT_FOUND
    for vector in answers[1:]:
        assert list(vector.statuses) == [FieldStatus.PRESENT, absent, absent]
        assert vector.event_timestamps[0].seconds >= START // SECOND


def test_teardown_removes_tiles_of_this_project_alone(loaded_home, redis_address):
    with redis_client(redis_address, timeout=seconds(5)) as client:
        client.set("other:live:tile:item_engagement:i", b"theirs")
        assert client.exists(f"{loaded_home.project}:live:tile:item_engagement:i")

        repository.clear_online(loaded_home)

        assert [*client.scan_iter("*tile*")] == [b"other:live:tile:item_engagement:i"]
