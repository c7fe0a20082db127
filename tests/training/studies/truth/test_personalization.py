"""What knowing the user is worth is told by the truth, in slices, and for the smallest market."""

import json
from dataclasses import replace

import pytest

from pipelines.cli.main import main
from training.studies.truth.personalization import SHOP, knows_the_user, measure_personalization


@pytest.fixture(scope="module")
def found():
    shop = replace(SHOP, users=150, items=200, seed=5)
    return measure_personalization(shop, days=10, impressions=30_000, fresh_slates=600)


def test_warm_users_gain_and_cold_ones_lose_nothing(found):
    slices = {one.name: one for one in found.slices}

    assert slices["warm: some click before"].gain.low > 0
    assert slices["cold: no click before"].gain.high > 0


def test_slices_by_clicks_are_all_requests_once(found):
    everyone, cold, warm, *finer = found.slices

    assert everyone.requests == cold.requests + warm.requests
    assert warm.requests == sum(one.requests for one in finer)


def test_the_pooled_ranker_is_not_worse_in_the_smallest_market(found):
    assert found.market.name == "fr"
    assert 0 < found.market.requests < found.slices[0].requests / 3
    assert found.market.gain.high > 0


def test_what_knows_the_user_is_told_by_its_name():
    assert knows_the_user("taste__off_budget")
    assert knows_the_user("visit_category_engagement__clicks_all")
    assert not knows_the_user("query_item_engagement__clicks_all")


def test_the_command_prints_one_object(capsys):
    status = main(
        ["personalization", "--users", "60", "--items", "90", "--days", "5", "--impressions",
         "9000", "--json"]
    )  # fmt: skip

    told = json.loads(capsys.readouterr().out)
    assert status == 0
    assert told["slices"][0]["name"] == "all"
    assert told["market"]["name"] == "fr"


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["--days", "0"], "--days: expected at least 1, found 0"),
        (["--users", "0"], "users and items: expected"),
        (["--impressions", "-5"], "--impressions: expected at least 1"),
    ],
)
def test_a_shop_that_cannot_be_is_refused_with_a_sentence(option, told, capsys):
    status = main(["personalization", *option])

    assert status == 1
    assert told in capsys.readouterr().err
