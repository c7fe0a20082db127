"""Searches find what shoppers mean, in the languages of the shop, in process and over HTTP."""

from collections import Counter

import pytest

from feature_repo.online.redis import running_redis
from feature_repo.online.redis.server import ensure_redis
from pipelines.steps import refresh
from tests.conformance.search_cases import all_cases, all_completions, catalogues, check, fill
from tests.integration.http.small_shop import run_service

CASES, COMPLETIONS = all_cases(), all_completions()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """The service of a home that has every catalogue."""
    settings = fill(tmp_path_factory.mktemp("search") / "home")
    ensure_redis(settings)
    refresh(settings)
    with running_redis(settings), run_service(settings) as running:
        assert running.eventually(lambda: running.search("", market="sneakers").json()["items"])
        yield running


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_search_over_http_finds_what_the_case_expects(service, case):
    answer = service.search(case.query, market=case.market, size=100).raise_for_status().json()

    assert answer["degraded"] == []
    check(case, answer)


@pytest.mark.parametrize(("market", "case"), COMPLETIONS, ids=[c["typed"] for _, c in COMPLETIONS])
def test_autocomplete_suggests_what_the_case_expects(service, market, case):
    params = {"q": case["typed"], "market": market, "count": 20}

    answer = service.http.get("/autocomplete", params=params).raise_for_status().json()

    texts = [one["text"] for one in answer["suggestions"]]
    assert answer["degraded"] == []
    assert texts[: len(case["suggests"])] == case["suggests"]
    assert not set(case.get("lacks", ())) & set(texts)


def test_a_range_counts_the_items_that_the_same_filter_finds(service):
    ranges = [{"max": 50}, {"min": 50, "max": 200}, {"min": 200, "max": 1e6}, {"min": 1e6}]
    facets = ["market", {"field": "price", "ranges": ranges}]

    answer = service.search("", market="electronics", facets=facets).json()

    assert [*answer["facets"]] == ["market", "price"]
    for one, counted in zip(ranges, answer["facets"]["price"], strict=True):
        page = service.search("", market="electronics", filters={"price": one}).json()
        assert counted == {**one, "count": page["total"]}


@pytest.mark.parametrize(
    ("facet", "named"),
    [
        ({"field": "price", "range": []}, "facets[0]"),
        ({"field": "size", "ranges": [{"min": 1}]}, "facets[0].field"),
        ({"field": "price", "ranges": [{"from": 1}]}, "facets[0].ranges[0]"),
        ({"field": "price", "ranges": []}, "facets[0].ranges"),
        ({"field": "weight", "ranges": [{"min": 1}]}, "facets[0].field"),
    ],
)
def test_a_facet_without_sense_is_refused_by_name(service, facet, named):
    answer = service.search("", market="electronics", facets=[facet])

    assert answer.status_code == 400
    assert named in answer.text


def test_equal_numbers_are_one_value_of_a_category(service):
    answer = service.search("", market="parts", facets=["size"]).json()
    filtered = [
        service.search("", market="parts", filters={"size": s}).json()["total"]
        for s in (39, "39.0", 39.5, "39,5")
    ]

    assert [(one["value"], one["count"]) for one in answer["facets"]["size"]] == [
        ("39.5", 3),
        ("39", 2),
    ]
    assert filtered == [2, 2, 3, 3]


def test_the_newest_items_come_first_without_a_time_field(service):
    titles = next(one["titles"] for one in catalogues() if one["name"] == "parts")

    def listed(query, sort):
        body = {"market": "parts", "sort": sort, "fields": ["title"]}
        return [one["fields"]["title"] for one in service.search(query, **body).json()["items"]]

    assert listed("", "newest") == titles[::-1]
    assert listed("", "-newest") == titles
    assert listed("4006381333931", "newest") == ["Screw set 4006381333931", "Handle"]


def test_there_are_many_cases_in_many_languages_and_each_expects_something():
    languages = Counter(one["language"] for one in catalogues())

    assert len(CASES) >= 350
    assert len(languages) >= 20
    assert [case.name for case in CASES if len(case.expected) < 2] == []
