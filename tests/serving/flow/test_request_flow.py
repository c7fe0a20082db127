"""A shopper always gets a slate, whichever stage fails or is late."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from feature_repo.home import EventError, Settings
from feature_repo.request_features.context import RatePrior, RequestContext
from serving.contract import ApiError, RankBody, SearchBody, body_reader
from serving.features import OnlineFeatures
from serving.flow import Resources, answer, answer_page
from serving.state import LoadedArtifact
from training.artifacts import Manifest

BODY = body_reader(RankBody)(b'{"id": "r", "items": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}')


class Connection:
    """A server that answers as told."""

    def __init__(self, read):
        self.read = read
        self.applied = []

    def run_id(self):
        return "1"

    def apply(self, events):
        self.applied += events
        return ["applied"] * len(events)

    def replay(self):
        return 0

    def apply_due_events(self):
        return 0

    def close(self):
        pass


class Popularity:
    def apply(self, item_ids):
        return np.array([{"a": 1.0, "b": 3.0, "c": 2.0}[i] for i in item_ids])


class Ranker:
    """Ranks by the bytes of the ids, or cannot."""

    prior = RatePrior()
    columns = ()

    def __init__(self, scores=(3.0, 1.0, 2.0)):
        self.scores = scores

    def apply(self, matrix):
        return np.array(self.scores, dtype=np.float32)[: len(matrix)]


async def known(query):
    return RequestContext(t=query.t, item_ids=query.item_ids)


@pytest.fixture
def resources(home):
    opened = Resources.open(Settings(home=home))
    yield opened
    asyncio.run(opened.close())


def connect(resources, connection):
    resources.online_features = resources.event_intake.online_features = OnlineFeatures(
        lambda: connection
    )
    resources.online_features.maintain()
    return connection


def learn(resources, kind, learned):
    version = f"{kind}-1"
    loaded = LoadedArtifact(version, Manifest(kind, "default", {}), learned)
    resources.models.artifacts[kind, "default"] = loaded


def ranked(resources, name="default", **flags):
    told = asyncio.run(answer(resources, name, BODY, **flags))
    return [item.item for item in told.items], told.degraded, told.model_version


def test_the_ranker_decides_where_all_is_well(resources):
    connect(resources, Connection(known))
    learn(resources, "popularity", Popularity())
    learn(resources, "ranker", Ranker())

    assert ranked(resources) == (["a", "c", "b"], [], "ranker-1")


def test_the_instant_of_an_answer_is_that_of_its_facts(resources):
    async def later(query):
        return replace(await known(query), t=4242)

    connect(resources, Connection(later))
    learn(resources, "ranker", Ranker())

    ranked(resources)

    assert resources.answer_log.get("r").event_time == 4242


def test_a_slow_server_is_not_waited_for(resources):
    async def slow(query):
        await asyncio.sleep(5)
        return await known(query)

    connect(resources, Connection(slow))
    learn(resources, "popularity", Popularity())
    learn(resources, "ranker", Ranker())

    assert ranked(resources) == (["b", "c", "a"], ["hydrate"], "popularity-1")


@pytest.mark.parametrize("error", [ValueError("x"), EventError("a", "b", "c"), MemoryError()])
def test_whatever_reading_fails_of_popularity_answers(resources, error):
    async def fail(query):
        raise error

    connect(resources, Connection(fail))
    learn(resources, "popularity", Popularity())
    learn(resources, "ranker", Ranker())

    assert ranked(resources) == (["b", "c", "a"], ["hydrate"], "popularity-1")


def test_a_ranker_that_fails_is_left_out(resources):
    connect(resources, Connection(known))
    learn(resources, "popularity", Popularity())
    learn(resources, "ranker", Ranker(scores=None))

    assert ranked(resources) == (["b", "c", "a"], ["score"], "popularity-1")


def test_without_any_artifact_the_order_given_is_kept(resources):
    connect(resources, Connection(known))

    assert ranked(resources) == (["a", "b", "c"], ["score"], None)


def test_an_unknown_model_is_refused(resources):
    with pytest.raises(ApiError, match="default"):
        ranked(resources, "nonesuch")


def test_an_answer_shown_is_applied_before_it_is_given(resources):
    connection = connect(resources, Connection(known))
    learn(resources, "ranker", Ranker())

    ranked(resources, shown=True)

    (event,) = connection.applied
    assert [item.item_id for item in event.items] == ["a", "c", "b"]
    assert event.received_at >= event.event_time


def test_a_search_that_could_not_look_everywhere_does_not_count_as_one_that_found_nothing(
    resources,
):
    connection = connect(resources, Connection(known))
    body = body_reader(SearchBody)(b'{"id": "r", "query": "boots"}')

    told = asyncio.run(answer_page(resources, "search", body, shown=True))

    assert (told.items, "retrieve" in told.degraded) == ([], True)
    assert connection.applied == []


def test_the_last_answer_to_a_request_is_remembered_before_it_is_logged(resources):
    learn(resources, "popularity", Popularity())
    ranked(resources)

    served = resources.answer_log.get("r")

    assert [item.item_id for item in served.items] == ["b", "c", "a"]
