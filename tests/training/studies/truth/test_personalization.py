"""The value of personalization by true relevance, in slices and in the smallest market."""

import json
from dataclasses import replace

import pytest

from pipelines.cli.main import main
from training.studies.truth.personalization import SHOP, is_user_feature, measure_personalization


@pytest.fixture(scope="module")
def results():
    shop = replace(SHOP, users=600, items=200, seed=5)
    return measure_personalization(shop, days=10, impressions=30_000, fresh_slates=1000)


def test_warm_users_gain_and_cold_users_do_not_lose(results):
    slices = {one.name: one for one in results.slices}

    assert slices["warm: some click before"].gain.low > 0
    assert slices["cold: no click before"].gain.high > 0


def test_slices_by_clicks_partition_the_requests(results):
    everyone, cold, warm, *finer = results.slices

    assert everyone.requests == cold.requests + warm.requests
    assert warm.requests == sum(one.requests for one in finer)


def test_pooled_ranker_is_not_worse_in_the_smallest_market(results):
    assert results.market.name == "fr"
    assert 0 < results.market.requests < results.slices[0].requests / 3
    assert results.market.gain.high > 0


def test_user_features_are_recognized_by_name():
    assert is_user_feature("taste__off_budget")
    assert is_user_feature("visit_category_engagement__clicks_all")
    assert not is_user_feature("query_item_engagement__clicks_all")


def test_command_prints_one_json_object(capsys):
    options = "--users 60 --items 90 --days 5 --impressions 9000 --json"

    status = main(["personalization", *options.split()])

    printed = json.loads(capsys.readouterr().out)
    assert status == 0
    assert printed["slices"][0]["name"] == "all"
    assert printed["market"]["name"] == "fr"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--days", "0"], "--days: expected at least 1, found 0"),
        (["--users", "0"], "users and items: expected"),
        (["--impressions", "-5"], "--impressions: expected at least 1"),
    ],
)
def test_invalid_shop_is_rejected_with_a_message(option, message, capsys):
    status = main(["personalization", *option])

    assert status == 1
    assert message in capsys.readouterr().err
