"""Experiments over HTTP: a file is loaded within a second, answers name the variants."""

import random
from collections import Counter
from contextlib import contextmanager

import pytest

from pipelines.steps import refresh
from training.experiment_analysis import experiment_report
from training.experiments import Experiments

EXPERIMENT = """
[[experiment]]
name = "sources"
unit = "first"
surface = ["home"]

[[experiment.variant]]
name = "control"

[[experiment.variant]]
name = "new"
sources = { newest = 50.0 }

[experiment.decision]
metric = "clicks_per_unit"
units = 240
"""


@contextmanager
def running(service, name):
    """Let an experiment of this name run until the block ends."""
    path = service.home.root / "experiments.toml"
    path.write_text(EXPERIMENT.replace('name = "sources"', f'name = "{name}"'))
    assert service.eventually(lambda: home(service, user="anybody").get("experiments"))
    yield path
    path.unlink()
    assert service.eventually(lambda: "experiments" not in home(service, user="anybody"))


@pytest.fixture
def experiment(service):
    with running(service, "sources") as path:
        yield path


@pytest.fixture
def unused_experiment(service):
    """An experiment of a name for this test alone."""
    with running(service, "two-lists") as path:
        yield path


def home(service, params=None, **body):
    return service.recommend("home", params=params, **body).raise_for_status().json()


def test_shoppers_get_variants_and_keep_them(service, experiment):
    users = [f"visitor-{n}" for n in range(12)]

    first = [home(service, user=user)["experiments"]["sources"] for user in users]
    again = [home(service, user=user)["experiments"]["sources"] for user in users]

    assert first == again
    assert {*first} == {"control", "new"}
    assert "experiments" not in home(service)
    assert "experiments" not in service.search("red", user="visitor-1").json()


def test_a_variant_changes_the_sources_of_the_list(service, experiment):
    def ids(variant):
        answer = home(service, {"variant": f"sources:{variant}"}, user="visitor-1", count=20)
        assert answer["experiments"] == {"sources": variant}
        return [item["item"] for item in answer["items"]]

    assert ids("control") != ids("new")


def test_an_unknown_variant_is_400_with_the_list(service, experiment):
    answer = service.recommend("home", params={"variant": "sources:other"}, user="visitor-1")

    assert answer.status_code == 400
    assert "sources:control, sources:new" in answer.text


def test_the_log_has_the_exposures(service, experiment):
    answered = home(service, user="visitor-1", device="mobile")
    forced = home(service, {"variant": "sources:new"}, user="visitor-1")

    assert service.eventually(lambda: service.log.served(forced["request_id"]))
    exposed, not_exposed = (service.log.served(a["request_id"]) for a in (answered, forced))
    assert exposed.experiments == {"sources": (answered["experiments"]["sources"], "user")}
    assert not_exposed.experiments == {}
    assert exposed.device == "mobile"
    assert 0 < exposed.took_ms <= answered["took"]


@pytest.mark.parametrize(
    ("looks", "is_exposure"),
    [({"explain": "1"}, False), ({"rules": "off"}, False), ({"explain": "1", "shown": "1"}, True)],
    ids=["explained", "without rules", "explained and shown"],
)
def test_a_look_at_what_a_shopper_gets_is_no_exposure(service, experiment, looks, is_exposure):
    usual = home(service, user="visitor-1")

    answer = home(service, looks, user="visitor-1")

    assert answer["experiments"] == usual["experiments"]
    assert service.eventually(lambda: service.log.served(answer["request_id"]))
    assert bool(service.log.served(answer["request_id"]).experiments) is is_exposure


def test_a_visit_that_begins_without_a_user_keeps_its_variant_after_the_login(service, experiment):
    for n in range(8):
        session, user = f"visit-{n}", f"login-{n}"
        service.click(service.items[0], session_id=session)
        before = home(service, session=session)["experiments"]["sources"]
        at_login = home(service, session=session, user=user)["experiments"]["sources"]
        service.click(service.items[1], session_id=session, user_id=user)
        after = home(service, session=session, user=user)["experiments"]["sources"]

        assert [before, at_login, after] == [before] * 3


SHOPPERS = 240
CLICKS = {"control": 0.2, "new": 0.6}
"""Variant → how often a shopper clicks the first item of its list."""


def test_the_report_of_live_traffic_names_the_better_variant(service, unused_experiment):
    rng, clicked = random.Random(5), Counter()
    for n in range(SHOPPERS):
        shopper = f"shopper-of-two-lists-{n}"
        answer = home(service, {"shown": "1"}, user=shopper)
        variant = answer["experiments"]["two-lists"]
        if rng.random() < CLICKS[variant]:
            clicked[variant] += 1
            service.click(
                answer["items"][0]["item"], user_id=shopper, request_id=answer["request_id"]
            )
    refresh(service.settings)
    declared = Experiments.load(unused_experiment).get("two-lists")

    report = experiment_report(service.home, declared, service.clock.now())

    control, new = report["variants"]
    (comparison,) = report["comparisons"]
    assert control["units"] + new["units"] >= SHOPPERS
    assert [each["clicks"] for each in report["variants"]] == [clicked["control"], clicked["new"]]
    assert not report["sample_ratio"]["is_mismatch"]
    assert comparison["verdict"]["decision"] == "ship"
    change = comparison["metrics"]["clicks_per_unit"]["change"]
    assert change["low"] < CLICKS["new"] / CLICKS["control"] - 1 < change["high"]
