"""An interleaving over HTTP: one page of two rankers, its pages, its log, and the report."""

import random
from contextlib import contextmanager
from math import prod

import pytest

from pipelines.steps import refresh
from tests.integration.http.small_shop import publish_ranker
from training.experiment_analysis import experiment_report
from training.experiments import Experiments
from training.rules import RULES_FILE

OTHER = "another-order"
EXPERIMENT = f"""
[[experiment]]
name = "two-orders"
kind = "interleaving"
unit = "session"
surface = ["home"]
variant = [{{ name = "control" }}, {{ name = "other", model = "{OTHER}" }}]

[experiment.decision]
units = 60
"""


@pytest.fixture(scope="module")
def interleaving(running_service, tmp_path_factory):
    """A service that interleaves two rankers on its home page."""
    service = running_service
    publish_ranker(service.home, tmp_path_factory.mktemp("ranker") / OTHER, name=OTHER, seed=8)
    path = service.home.root / "experiments.toml"
    path.write_text(EXPERIMENT)
    assert service.eventually(lambda: home(service, session="anybody").get("experiments"))
    yield service
    path.unlink()
    (service.home.current / "ranker" / OTHER).unlink()
    assert service.eventually(lambda: "experiments" not in home(service, session="anybody"))


def home(service, params=None, **body):
    return service.recommend("home", params=params, **body).raise_for_status().json()


def ids(answer):
    return [item["item"] for item in answer["items"]]


def served(service, answer):
    return service.eventually(lambda: service.log.served(answer["request_id"]))


def test_a_page_has_items_of_both_rankers_and_the_log_says_whose(interleaving):
    answer = home(interleaving, session="visit-1", count=8)
    own = {
        name: ids(home(interleaving, {"variant": f"two-orders:{name}"}, session="visit-1", count=8))
        for name in ("control", "other")
    }

    logged = served(interleaving, answer)

    assert answer["degraded"] == []
    assert answer["experiments"] == {"two-orders": "interleaved"}
    assert logged.experiments == {"two-orders": ("interleaved", "session")}
    assert logged.other_version not in (None, logged.model_version)
    assert {"control", "other"} <= {*logged.teams}
    for item, team in zip(ids(answer), logged.teams, strict=True):
        assert item in own[team or "control"]
    assert 0 < prod(item.propensity for item in logged.items) < 1


def test_a_visit_sees_the_same_page_again(interleaving):
    first, again = (home(interleaving, session="visit-2", count=8) for _ in range(2))

    assert ids(first) == ids(again)


def test_later_pages_follow_the_first_and_are_certain(interleaving):
    whole = home(interleaving, session="visit-3", count=4)
    control = home(interleaving, {"variant": "two-orders:control"}, session="visit-3", count=60)

    following = home(interleaving, session="visit-3", count=40, next=whole["next"])

    assert "experiments" not in following
    assert ids(following) == [item for item in ids(control) if item not in ids(whole)][:40]
    logged = served(interleaving, following)
    assert {item.propensity for item in logged.items} == {1.0}
    assert logged.teams == ()


@contextmanager
def pinned(service, item):
    """Pin an item to the second slot of the home page until the block ends."""
    rules = service.home.root / RULES_FILE
    rules.write_text(f'[[rule]]\naction = "pin"\nitems = ["{item}"]\nposition = 2\n')
    assert service.eventually(lambda: ids(home(service, count=4))[1] == item)
    yield
    rules.unlink()
    assert service.eventually(lambda: ids(home(service, count=4))[1] != item)


def test_a_pinned_item_has_its_slot_and_belongs_to_no_ranker(interleaving):
    last = ids(home(interleaving, count=60))[-1]

    with pinned(interleaving, last):
        answer = home(interleaving, session="visit-4", count=6)

    logged = served(interleaving, answer)
    assert ids(answer)[1] == last
    assert (logged.teams[1], logged.items[1].propensity) == ("", 1.0)
    assert len({*ids(answer)}) == 6
    assert {"control", "other"} <= {*logged.teams}


def test_the_report_of_live_traffic_names_the_better_ranker(interleaving):
    service, rng = interleaving, random.Random(5)
    control, other = (
        ids(home(service, {"variant": f"two-orders:{name}"}, session="anybody", count=60))
        for name in ("control", "other")
    )
    liked = {item for n, item in enumerate(other) if item not in control[: n + 1]}
    clicks, credit = [], {}
    for n in range(60):
        session = f"interleaved-visit-{n}"
        answer = home(service, {"shown": "1"}, session=session, count=8)
        teams = served(service, answer).teams
        credit[session] = 0
        for item, team in zip(ids(answer), teams, strict=True):
            if rng.random() < (0.6 if item in liked else 0.05):
                credit[session] += {"": 0, "control": -1, "other": 1}[team]
                clicks.append(
                    {
                        "kind": "interaction",
                        "event_id": f"{session}-{item}",
                        "event_time": service.clock.now(),
                        "item_id": item,
                        "type": "click",
                        "session_id": session,
                        "request_id": answer["request_id"],
                    }
                )
    service.http.post("/events", json=clicks).raise_for_status()
    refresh(service.settings)
    declared = Experiments.load(service.home.root / "experiments.toml").get("two-orders")

    report = experiment_report(service.home, declared, service.clock.now())

    (one,) = report["comparisons"]
    assert one["wins"] == sum(value > 0 for value in credit.values())
    assert one["losses"] == sum(value < 0 for value in credit.values())
    assert one["units"] >= 60
    assert not report["first_position"]["is_mismatch"]
    assert one["verdict"]["decision"] == "ship"
