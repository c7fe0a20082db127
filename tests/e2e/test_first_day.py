"""A shop is served from its first event on, without a model, and learns what it lacks for one."""

import contextlib
import io
import json

import pytest

from feature_repo.home import NotEnoughError, Settings
from feature_repo.online.redis import redis_client
from pipelines.cli.main import main
from pipelines.service import free_port, running_service
from tests.e2e.first_day_shops import ITEMS, OPENED, SHOPS
from tests.scale import seconds

SURFACES = ("home", "again", "trending", "similar", "together")


@pytest.fixture(scope="module")
def days(tmp_path_factory, shared_redis):
    """The first day of each shop: what its service answered, what `train` and `doctor` said.

    It takes 25 s of CPU: three services start, and all tests of this module read their answers.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AISLE_CLOCK", OPENED)
        environment.setenv("REDIS_URL", shared_redis.url)
        days = {}
        for name, write in SHOPS.items():
            folder = tmp_path_factory.mktemp(name)
            environment.setenv("AISLE_HOME", str(folder / "home"))
            with redis_client(shared_redis, timeout=seconds(5)) as client:
                client.flushall()
            days[name] = first_day(write(folder))
    return days


def first_day(events):
    for verb in (["init", *events], ["ingest", *events], ["refresh"]):
        status, _ = run(*verb)
        assert status == 0, verb
    settings = Settings.from_environment()
    with running_service(settings, port=free_port()) as client:
        answers = {
            "rank": client.rank(["p07", "p02", "p00", "unknown"], user="ann"),
            "search": client.search("red shoes", user="ann"),
            "browse": client.search("", user="ann"),
            **{name: recommend(client, name, user="ann") for name in SURFACES},
            **{f"{name} of nobody": recommend(client, name) for name in SURFACES},
        }
    return {"answers": answers, "train": run("train"), "doctor": run("doctor")[1]["findings"]}


def recommend(client, surface, **who):
    seeds = ["p00"] if surface in ("similar", "together") else []
    return client.recommend(surface, items=seeds, count=5, **who)


def run(*words):
    """Run a verb; return its status, and the JSON that it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = main([*words, "--json"])
    return status, json.loads(printed.getvalue())


def items(answer):
    return [item["item"] for item in answer["items"]]


def advice(day):
    return {f["subject"]: f["found"] for f in day["doctor"] if f["state"] == "note"}


@pytest.mark.parametrize("shop", SHOPS)
def test_every_surface_has_items_and_nothing_is_degraded(days, shop):
    answers = days[shop]["answers"]

    assert [name for name, answer in answers.items() if answer["degraded"]] == []
    assert [name for name, answer in answers.items() if not answer["items"]] == []
    assert {i for answer in answers.values() for i in items(answer)} <= {*ITEMS, "unknown"}
    assert answers["rank"]["model_version"].startswith("popularity/")
    assert {answers[name]["model_version"] for name in SURFACES} == {None}


@pytest.mark.parametrize("shop", ["items", "slates"])
def test_without_a_click_a_ranking_keeps_its_order_and_lists_start_with_the_newest(days, shop):
    answers = days[shop]["answers"]

    assert items(answers["rank"]) == ["p07", "p02", "p00", "unknown"]
    assert items(answers["browse"]) == ITEMS[::-1]
    assert items(answers["trending"]) == ITEMS[:-6:-1]
    assert set(items(answers["search"])[:2]) == {"p00", "p09"}


def test_transactions_give_a_user_their_own_repeats_and_a_shop_its_lists(days):
    answers = days["transactions"]["answers"]

    assert items(answers["again"])[0] == "p00"
    assert set(items(answers["again"])[:3]) == {"p00", "p01", "p02"}
    assert items(answers["together"])[0] == "p01"
    assert items(answers["trending of nobody"])[0] == "p04"
    assert items(answers["home"])[0] == "p00"
    assert items(answers["rank"])[0] == "p00"


@pytest.mark.parametrize(
    ("shop", "missing"),
    [
        ("items", "rankings with items: found 0, need 50"),
        ("slates", "rankings with clicked and unclicked items: found 0, need 50"),
        ("transactions", "rankings with items: found 0, need 50"),
    ],
)
def test_training_ends_with_its_own_status_and_says_what_is_missing(days, shop, missing):
    status, printed = days[shop]["train"]

    assert status == NotEnoughError.exit_status == 3
    assert printed["error"]["missing"][0]["need"] == 50
    assert missing in printed["error"]["message"]
    assert "Until there is enough, no ranker is published" in printed["error"]["message"]
    assert missing in advice(days[shop])["ranker"]


def test_doctor_says_what_the_log_lacks_for_more(days):
    assert advice(days["items"])["interactions"] == "none"
    assert advice(days["slates"])["interactions"] == "none"
    assert "interactions" not in advice(days["transactions"])
    for day in days.values():
        assert [f for f in day["doctor"] if f["state"] == "bad"] == []
