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


def test_there_are_many_cases_in_many_languages_and_each_expects_something():
    languages = Counter(one["language"] for one in catalogues())

    assert len(CASES) >= 150
    assert len(languages) >= 10
    assert [case.name for case in CASES if len(case.expected) < 2] == []
