"""A request always gets a slate, even if one stage fails or is late."""

import asyncio
from dataclasses import replace

import pytest

from feature_repo.home import EventError
from serving.contract import ApiError, SearchBody, body_reader
from serving.flow import answer_page
from tests.serving.flow.small_parts import (
    Connection,
    FailingRanker,
    Popularity,
    Ranker,
    connect,
    publish,
    ranked,
    ranked_for,
    read,
)
from training.experiments import variant_of


def test_the_ranker_orders_a_healthy_answer(resources):
    connect(resources, Connection(read))
    publish(resources, "popularity", Popularity())
    publish(resources, "ranker", Ranker())

    assert ranked(resources) == (["a", "c", "b"], [], "ranker-1")


def test_an_answer_has_the_instant_of_its_features(resources):
    async def later(query):
        return replace(await read(query), t=4242)

    connect(resources, Connection(later))
    publish(resources, "ranker", Ranker())

    ranked(resources)

    assert resources.answer_log.get("r").event_time == 4242


def test_a_slow_server_is_skipped(resources):
    async def slow(query):
        await asyncio.sleep(5)
        return await read(query)

    connect(resources, Connection(slow))
    publish(resources, "popularity", Popularity())
    publish(resources, "ranker", Ranker())

    assert ranked(resources) == (["b", "c", "a"], ["hydrate"], "popularity/popularity-1")


@pytest.mark.parametrize("error", [ValueError("x"), EventError("a", "b", "c"), MemoryError()])
def test_after_any_read_error_popularity_answers(resources, error):
    async def fail(query):
        raise error

    connect(resources, Connection(fail))
    publish(resources, "popularity", Popularity())
    publish(resources, "ranker", Ranker())

    assert ranked(resources) == (["b", "c", "a"], ["hydrate"], "popularity/popularity-1")


def test_a_failing_ranker_is_skipped(resources):
    connect(resources, Connection(read))
    publish(resources, "popularity", Popularity())
    publish(resources, "ranker", Ranker(scores=None))

    assert ranked(resources) == (["b", "c", "a"], ["score"], "popularity/popularity-1")


def test_without_a_published_ranker_popularity_answers_and_nothing_is_degraded(resources):
    connect(resources, Connection(read))
    publish(resources, "popularity", Popularity())

    assert ranked(resources) == (["b", "c", "a"], [], "popularity/popularity-1")


def test_without_artifacts_items_have_the_order_of_the_request(resources):
    connect(resources, Connection(read))

    assert ranked(resources) == (["a", "b", "c"], [], None)


def test_an_unknown_model_is_rejected(resources):
    with pytest.raises(ApiError, match="default"):
        ranked(resources, "nonesuch")


def test_a_shown_answer_is_applied_before_it_is_sent(resources):
    connection = connect(resources, Connection(read))
    publish(resources, "ranker", Ranker())

    ranked(resources, shown=True)

    (event,) = connection.applied
    assert [item.item_id for item in event.items] == ["a", "c", "b"]
    assert event.received_at >= event.event_time


def test_a_search_with_a_missing_source_is_not_a_search_without_results(
    resources,
):
    connection = connect(resources, Connection(read))
    body = body_reader(SearchBody)(b'{"id": "r", "query": "boots"}')

    answered = asyncio.run(answer_page(resources, "search", body, shown=True))

    assert (answered.items, "retrieve" in answered.degraded) == ([], True)
    assert connection.applied == []


def test_the_last_answer_to_a_request_is_available_before_it_is_logged(resources):
    publish(resources, "popularity", Popularity())
    ranked(resources)

    served = resources.answer_log.get("r")

    assert [item.item_id for item in served.items] == ["b", "c", "a"]


EXPERIMENT = """
[[experiment]]
name = "rankers"
unit = "user"

[[experiment.variant]]
name = "control"

[[experiment.variant]]
name = "b"
model = "b"
"""


@pytest.fixture
def experiment(resources):
    """An experiment of two rankers, with the users who get each."""
    connect(resources, Connection(read))
    publish(resources, "ranker", Ranker())
    publish(resources, "ranker", Ranker((1.0, 2.0, 3.0)), "b", "ranker-b")
    (resources.settings.home.root / "experiments.toml").write_text(EXPERIMENT)
    resources.experiments.reload()
    (declared,) = resources.experiments.file.value.declared.experiments
    users = {variant_of(declared, "user", user).name: user for user in map(str, range(20))}
    return resources, users


@pytest.mark.parametrize(("name", "version"), [("control", "ranker-1"), ("b", "ranker-b")])
def test_a_shopper_gets_the_ranker_of_the_variant(experiment, name, version):
    resources, users = experiment

    answered = ranked_for(resources, users[name])

    assert (answered.model_version, answered.experiments) == (version, {"rankers": name})
    assert resources.answer_log.get("r").experiments == {"rankers": (name, "user")}


def test_a_request_may_name_a_variant_which_is_no_exposure(experiment):
    resources, users = experiment

    answered = ranked_for(resources, users["control"], variant="rankers:b")

    assert (answered.model_version, answered.experiments) == ("ranker-b", {"rankers": "b"})
    assert resources.answer_log.get("r").experiments == {}
    with pytest.raises(ApiError, match="rankers:control"):
        ranked_for(resources, users["b"], variant="rankers:c")


def test_an_experiment_whose_ranker_is_not_published_treats_nobody(experiment):
    resources, users = experiment
    del resources.models.artifacts["ranker", "b"]

    for user in users.values():
        answered = ranked_for(resources, user)
        assert (answered.model_version, answered.experiments) == ("ranker-1", {})


def test_variants_that_cannot_be_applied_are_skipped_and_said(experiment, monkeypatch):
    resources, users = experiment

    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(resources.experiments, "rules_of", fail)

    answered = ranked_for(resources, users["b"])

    assert (answered.degraded, answered.experiments) == (["assign"], {})
    assert answered.model_version == "ranker-1"
    assert resources.answer_log.get("r").experiments == {}


def test_a_wrong_file_of_experiments_leaves_the_former_ones(experiment):
    resources, users = experiment
    path = resources.settings.home.root / "experiments.toml"
    path.write_text(EXPERIMENT.replace("model =", 'rules = "missing.toml"\nmodel ='))
    resources.experiments.reload()

    assert ranked_for(resources, users["b"]).experiments == {"rankers": "b"}


def with_shadow_of(resources, value):
    connect(resources, Connection(read))
    publish(resources, "ranker", Ranker())
    publish(resources, "ranker", value, "shadow", "shadow-1")
    resources.settings = replace(resources.settings, shadow_share=1.0)


def test_the_shadow_scores_the_items_of_the_answer_and_does_not_order_them(resources):
    with_shadow_of(resources, Ranker((1.0, 2.0, 3.0)))

    assert ranked(resources) == (["a", "c", "b"], [], "ranker-1")
    logged = resources.answer_log.get("r")
    assert (logged.shadow_version, logged.shadow_scores) == ("shadow-1", (1.0, 3.0, 2.0))


def test_the_shadow_scores_answers_of_the_default_ranker_alone(resources):
    with_shadow_of(resources, Ranker())

    ranked(resources, "shadow")

    assert resources.answer_log.get("r").shadow_version is None


def test_a_shadow_that_fails_costs_no_answer_its_event(resources):
    with_shadow_of(resources, FailingRanker())

    ranked(resources)

    logged = resources.answer_log.get("r")
    assert (logged.model_version, logged.shadow_version) == ("ranker-1", None)
