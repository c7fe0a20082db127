"""An interleaving answers with one slate of two rankers, and logs teams and true propensities."""

import asyncio
from collections import Counter
from math import prod

import msgspec
import pytest

from serving.flow import answer
from tests.serving.flow.small_parts import (
    BODY,
    Connection,
    FailingRanker,
    Popularity,
    Ranker,
    connect,
    publish,
    ranked_for,
    read,
)
from training.experiments import Decision, optimized_draft, team_draft, write_decisions

TOML = """
[[experiment]]
name = "two-rankers"
kind = "interleaving"
unit = "user"
variant = [{ name = "control" }, { name = "b", model = "b" }]
"""
CONTROL, OTHER = ["a", "c", "b"], ["c", "b", "a"]
"""The orders of both rankers."""


@pytest.fixture
def reads():
    """The queries whose features were read."""
    return []


@pytest.fixture
def connection(resources, reads):
    """A connection that counts its reads."""

    async def counted(query):
        reads.append(query)
        return await read(query)

    return connect(resources, Connection(counted))


@pytest.fixture
def interleaving(resources, connection):
    """The resources of a service that interleaves two rankers for each user."""
    publish(resources, "popularity", Popularity())
    publish(resources, "ranker", Ranker())
    publish(resources, "ranker", Ranker((1.0, 2.0, 3.0)), "b", "ranker-b")
    (resources.settings.home.root / "experiments.toml").write_text(TOML)
    resources.experiments.reload()
    return resources


def answered_to(resources, request_id):
    body = msgspec.structs.replace(BODY, id=request_id, user="u")
    answered = asyncio.run(answer(resources, "default", body))
    return answered, resources.answer_log.get(request_id)


def test_the_features_are_read_once_and_both_rankers_score(interleaving, reads):
    answered, logged = answered_to(interleaving, "r")

    assert answered.experiments == {"two-rankers": "interleaved"}
    assert answered.degraded == []
    assert len(reads) == 1
    assert logged.experiments == {"two-rankers": ("interleaved", "user")}
    assert (logged.model_version, logged.other_version) == ("ranker-1", "ranker-b")
    scores = {"a": 3.0, "b": 1.0, "c": 2.0}
    assert {item.item: item.score for item in answered.items} == scores
    assert {item.item_id: item.score for item in logged.items} == scores


def test_the_log_replays_the_draft(interleaving):
    codes = {item: n for n, item in enumerate("abc")}
    rankings = [codes[item] for item in CONTROL], [codes[item] for item in OTHER]

    for n in range(20):
        answered, logged = answered_to(interleaving, f"r{n}")

        page = team_draft(rankings, 3, logged.seed)
        assert [codes[item.item] for item in answered.items] == page.items
        assert [item.propensity for item in logged.items] == page.propensities
        assert logged.teams == tuple({None: "", 0: "control", 1: "b"}[s] for s in page.sides)


def test_an_optimized_draft_fills_the_slate_where_the_experiment_declares_it(interleaving):
    declared = TOML.replace('unit = "user"', 'unit = "user"\ndraft = "optimized"')
    (interleaving.settings.home.root / "experiments.toml").write_text(declared)
    interleaving.experiments.reload()
    rankings = ["abc".index(item) for item in CONTROL], ["abc".index(item) for item in OTHER]

    answered, logged = answered_to(interleaving, "r")

    page = optimized_draft(rankings, 3, logged.seed)
    assert ["abc".index(item.item) for item in answered.items] == page.items
    assert [item.propensity for item in logged.items] == page.propensities
    assert logged.teams == tuple({None: "", 0: "control", 1: "b"}[side] for side in page.sides)


def test_answers_are_as_frequent_as_their_logged_propensities(interleaving):
    seen, stated, answers = Counter(), {}, 400
    for n in range(answers):
        _, logged = answered_to(interleaving, f"r{n}")
        slate = "".join(item.item_id for item in logged.items)
        seen[slate] += 1
        stated[slate] = prod(item.propensity for item in logged.items)

    assert stated == {"acb": 0.5, "cab": 0.5}
    assert all(abs(seen[slate] / answers - share) < 0.1 for slate, share in stated.items())


def test_the_same_request_gets_the_same_slate(interleaving):
    first, again = (answered_to(interleaving, "r7")[0] for _ in range(2))

    assert [item.item for item in first.items] == [item.item for item in again.items]


def test_a_shown_answer_has_the_same_propensities(interleaving, connection):
    ranked_for(interleaving, "u", shown=True)

    (shown,) = connection.applied
    logged = interleaving.answer_log.get("r")
    assert shown.items == logged.items
    assert (shown.seed, shown.temperature) == (logged.seed, None)
    assert min(item.propensity for item in shown.items) == 0.5


@pytest.mark.parametrize("name", ["default", "b"])
def test_a_ranker_that_fails_costs_no_answer_and_is_no_exposure(interleaving, name):
    publish(interleaving, "ranker", FailingRanker(), name)

    answered, logged = answered_to(interleaving, "r")

    healthy = name == "b"
    assert "".join(item.item for item in answered.items) == ("acb" if healthy else "bca")
    assert answered.degraded == (["interleave"] if healthy else ["interleave", "score"])
    assert answered.experiments == {}
    assert (logged.experiments, logged.teams, logged.other_version) == ({}, (), None)
    assert {item.propensity for item in logged.items} == {1.0}


def test_without_features_an_answer_is_no_exposure(interleaving):
    async def fail(query):
        raise ValueError("x")

    connect(interleaving, Connection(fail))

    answered, logged = answered_to(interleaving, "r")

    assert (answered.degraded, answered.experiments) == (["hydrate"], {})
    assert (logged.experiments, logged.teams) == ({}, ())


@pytest.mark.parametrize(("variant", "items"), [("control", "acb"), ("b", "cba")])
def test_a_request_may_name_one_variant_alone(interleaving, variant, items):
    answered = ranked_for(interleaving, "u", variant=f"two-rankers:{variant}")

    assert "".join(item.item for item in answered.items) == items
    assert answered.experiments == {"two-rankers": variant}
    assert interleaving.answer_log.get("r").experiments == {}


def test_a_request_may_name_the_interleaving_which_is_no_exposure(interleaving):
    answered = ranked_for(interleaving, "u", variant="two-rankers:interleaved")

    assert answered.experiments == {"two-rankers": "interleaved"}
    logged = interleaving.answer_log.get("r")
    assert logged.experiments == {}
    assert min(item.propensity for item in logged.items) == 0.5


def test_a_shipped_variant_is_not_interleaved_any_more(interleaving):
    home = interleaving.settings.home
    write_decisions(home, {"two-rankers": Decision("ship", "it won", "now", "b")})
    interleaving.experiments.reload()

    answered, logged = answered_to(interleaving, "r")

    assert [item.item for item in answered.items] == OTHER
    assert (answered.experiments, logged.experiments) == ({"two-rankers": "b"}, {})
