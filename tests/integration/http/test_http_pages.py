"""Search, recommendations and completions: results, filters, explanations, never a 5xx."""

import json
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from feature_repo.online.redis.server import ensure_redis
from pipelines.steps import refresh
from serving.contract import RECOMMEND_SURFACES
from serving.flow.request_flow import DEFAULT_MODEL
from tests.integration.http.small_shop import kill_redis
from training.query_understanding import SYNONYMS_FILE
from training.query_understanding.spelling import SHORTEST
from training.retrieval.sources import index_specs
from training.rules import RULES_FILE

SURFACES = ("search", *RECOMMEND_SURFACES)


@pytest.fixture
def words(service):
    """Return colour and noun, the last words of a title; the noun is the most frequent one."""
    rows = duckdb.execute(
        "select lower(any_value(title)) from read_parquet($files) where item_id in $items"
        " group by item_id order by item_id",
        {"files": f"{service.home.features}/item_attributes/**/*.parquet", "items": service.items},
    ).fetchall()
    ends = [title.split()[-2:] for (title,) in rows]
    nouns = Counter(noun for _, noun in ends if len(noun) >= SHORTEST)
    return " ".join(max(ends, key=lambda end: nouns[end[-1]]))


def page(service, surface):
    """Return a page of any surface."""
    if surface == "search":
        return service.search("red", user="u00001")
    return service.recommend(surface, user="u00001", items=service.items[:1])


def items_of(answer):
    return [item["item"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    "body",
    [
        {"filters": {"nonesuch": "x"}},
        {"filters": {"price": "cheap"}},
        {"filters": {"price": {"max": "dear"}}},
        {"filters": {"price": {"maximum": 3}}},
        {"filters": {"brand": []}},
        {"filters": {"brand": {"min": 3}}},
        {"filters": {"brand": [["x"]]}},
        {"size": 0},
        {"size": 10**9},
        {"page": 0},
        {"page": -1},
        {"next": "AAAA"},
        {"next": "../../etc"},
        {"next": "\u0000"},
        {"user": "\u0000"},
        {"query": "\u0000"},
        {"query": 3},
        {"market": "m" * 600},
    ],
    ids=str,
)
def test_an_invalid_field_is_rejected_by_name(service, body):
    response = service.http.post("/search", json={"query": "red", **body})

    assert response.status_code == 400
    field = response.json()["error"]["field"]
    assert field.split(".")[0] == next(iter(body))


def test_an_unknown_surface_is_404(service):
    response = service.recommend("nonesuch")

    assert (response.status_code, response.json()["error"]["field"]) == (404, "surface")


def test_every_result_has_the_words_and_names_its_sources(service, words):
    answer = service.search(words, params={"explain": "1"}, user="u00001", size=5).json()

    assert answer["degraded"] == []
    assert answer["relaxed"] == []
    assert answer["items"][: answer["total"]]
    for item in answer["items"][: answer["total"]]:
        assert set(words.split()) <= set(item["title"].lower().split())
        assert "lexical" in item["sources"]
        assert item["features"]
    stages = [details["stage"] for details in answer["trace"]]
    assert stages == ["interpret", "retrieve", "merge", "hydrate", "score", "rerank"]


def test_partial_matches_follow_full_matches_and_are_not_counted(service, words):
    answer = service.search(words, params={"explain": "1"}, size=100).json()
    full_match = [
        bool(item["sources"].keys() & {"lexical", "query_clicked"}) for item in answer["items"]
    ]

    assert full_match == sorted(full_match, reverse=True)
    assert sum(full_match) == answer["total"] < len(full_match)
    assert sum(facet["count"] for facet in answer["facets"]["category"]) == answer["total"]


def test_a_misspelt_word_is_corrected_in_the_answer_and_logged_as_typed(service, words):
    typed = words[:-2] + words[-1] + words[-2]

    answer = service.search(typed).json()

    assert list(answer["understood"]["corrected"].values()) == [words.split()[-1]]
    assert answer["items"]
    logged = service.eventually(lambda: service.log.served(answer["request_id"]))
    assert logged.query == typed


def test_a_price_limit_in_words_filters_the_results(service, words):
    noun = words.split()[-1]
    unlimited = service.search(noun, size=100)
    prices = service.explain(items_of(unlimited))
    price = {i: values["item__price"] for i, values in prices.items() if "item__price" in values}

    answer = service.search(f"{noun} under 40").json()

    assert answer["understood"]["price"] == {"max": 40.0}
    if "price" not in answer["relaxed"]:
        assert answer["facets"]["price"][0]["max"] <= 40
    assert answer["total"] <= unlimited.json()["total"]
    assert not price or answer["items"]


def test_unknown_words_are_dropped_one_by_one_and_reported_as_relaxed(service, words):
    some, none = service.search(f"{words} zzyzxq").json(), service.search("zzyzxq qqqvvv").json()

    assert some["relaxed"] == ["words"]
    assert some["items"]
    assert none["relaxed"] == ["query"]
    assert none["items"]


def test_results_obey_filters_and_facets_count_the_results(service):
    everything = service.search("", size=100).json()
    brand = everything["facets"]["brand"][0]

    answer = service.search("", size=100, filters={"brand": brand["value"].upper()}).json()

    assert answer["total"] == brand["count"]
    assert [facet["value"] for facet in answer["facets"]["brand"]] == [brand["value"]]


def test_a_sorted_list_has_the_chosen_fields_and_facets(service):
    body = {"sort": "-price", "facets": ["brand"], "fields": ["price", "title"], "size": 100}

    answer = service.search("", **body, filters={"not": {"price": {"max": 10}}}).json()

    listed = [item["fields"]["price"] for item in answer["items"]]
    prices = [price for price in listed if price is not None]
    assert prices == sorted(prices, reverse=True) == listed[: len(prices)]
    assert prices[-1] > 10
    assert answer["facets"].keys() == {"brand"}
    assert answer["items"][0]["fields"].keys() == {"price", "title"}


def test_synonyms_and_redirects_follow_their_file(service, words):
    noun, file = words.split()[-1], service.home.root / SYNONYMS_FILE
    file.write_text(
        f'[[synonym]]\nwords = ["zorkmid"]\nto = ["{noun}"]\n'
        '[[redirect]]\nquery = "zorkmid help"\nurl = "/help"\n'
    )
    try:
        assert service.eventually(lambda: not service.search("zorkmid").json()["relaxed"])
        total = service.search("zorkmid").json()["total"]
        assert total == service.search(noun).json()["total"]
        assert service.search("Zorkmid help").json()["redirect"] == "/help"
    finally:
        file.unlink()
    assert service.eventually(lambda: service.search("zorkmid").json()["relaxed"] == ["query"])


def test_pages_cover_the_list_without_repeating_an_item(service):
    first = service.recommend("home", user="u00001", count=7).json()
    pages = [first]
    while pages[-1]["next"]:
        service.click(pages[0]["items"][0]["item"], user_id="u00001")
        pages.append(
            service.recommend("home", user="u00001", count=7, next=pages[-1]["next"]).json()
        )

    items = [item["item"] for page in pages for item in page["items"]]
    assert len(pages) > 2
    assert len(items) == len(set(items))
    assert {page["total"] for page in pages} == {first["total"]}


def test_similar_items_do_not_include_the_item_itself(service):
    item = service.items[0]

    for surface in ("similar", "together"):
        answer = service.recommend(surface, items=[item], params={"explain": "1"})

        assert items_of(answer)
        assert item not in items_of(answer)


def test_a_clicked_item_is_recommended_again_immediately(service):
    item = service.items[3]
    _, acknowledged = service.click(item, user_id="again-and-again")

    answer = service.recommend("again", user="again-and-again")

    assert acknowledged.json()["accepted"] == 1
    assert items_of(answer)[0] == item


def test_an_unknown_user_gets_full_pages(service):
    for surface in RECOMMEND_SURFACES:
        answer = service.recommend(surface, user="stranger", count=5).json()

        assert len(answer["items"]) == 5
        assert answer["degraded"] == []


def test_a_deleted_item_is_no_longer_returned(service):
    item = items_of(service.search("", size=100))[-1]
    event = {"kind": "item", "event_id": f"delete-{item}", "op": "delete", "item_id": item}
    service.http.post("/events", json={**event, "event_time": service.clock.now()})

    assert item not in items_of(service.search("", size=100))

    restore = {**event, "event_id": f"restore-{item}", "op": "upsert"}
    service.http.post("/events", json={**restore, "event_time": service.clock.now()})


def test_a_page_is_logged_with_its_surface_and_model(service):
    answer = service.recommend("home", user="u00002", count=4, params={"shown": "1"})

    served = service.eventually(lambda: service.log.served(answer.json()["request_id"]))
    assert served.surface == "home"
    assert [shown.item_id for shown in served.items] == items_of(answer)
    assert len(served.vectors or "") > 0
    assert served.model_version


def test_completions_begin_with_the_typed_prefix(service, words):
    noun = words.split()[-1]
    answer = service.http.get("/autocomplete", params={"q": noun[:3], "count": 5}).json()

    assert answer["suggestions"]
    assert answer["degraded"] == []
    for suggestion in answer["suggestions"]:
        assert any(word.startswith(noun[:3]) for word in suggestion["text"].lower().split())


def test_rules_are_reloaded_while_serving_and_an_invalid_file_changes_nothing(service):
    rules = service.home.root / RULES_FILE
    before = items_of(service.search("", size=100))
    pinned, hidden = before[-1], before[0]
    try:
        rules.write_text(
            f'[[rule]]\naction = "pin"\nitems = [{json.dumps(pinned)}]\n'
            f'[[rule]]\naction = "hide"\nitems = [{json.dumps(hidden)}]\n'
        )

        assert service.eventually(lambda: items_of(service.search(""))[0] == pinned)
        assert hidden not in items_of(service.search("", size=100))
        assert service.rank([hidden, pinned]).json()["dropped"] == [hidden]

        rules.write_text('[[rule]]\naction = "explode"\n')
        rejected = 'aisle_artifact_loads_total{kind="rules",outcome="refused"}'
        assert service.eventually(lambda: service.metric(rejected))
        assert items_of(service.search(""))[0] == pinned
    finally:
        rules.unlink()
    assert service.eventually(lambda: hidden in items_of(service.search("", size=100)))


@pytest.mark.parametrize("kind", ["lexical", "assortment", "together", "understanding"])
def test_a_missing_index_degrades_slates_until_it_is_published_again(service, kind):
    link = service.home.current / kind / DEFAULT_MODEL
    target = link.readlink()
    try:
        link.unlink()
        assert service.eventually(
            lambda: (
                service.recommend("home").json()["degraded"]
                or service.search("red").json()["degraded"]
            )
        )

        for surface in SURFACES:
            answer = page(service, surface)
            assert answer.status_code == 200
            assert answer.json()["items"]
    finally:
        link.symlink_to(target)
    assert service.eventually(lambda: not service.search("red").json()["degraded"])
    assert service.eventually(lambda: not service.recommend("home").json()["degraded"])


def test_a_damaged_index_is_rejected_and_the_previous_version_stays(service):
    link = service.home.current / "lexical" / DEFAULT_MODEL
    target = link.readlink()
    broken = (link.parent / target).resolve().with_name("broken-00000000")
    shutil.copytree((link.parent / target).resolve(), broken)
    (broken / "items.json").write_text("[]")
    rejected = 'aisle_artifact_loads_total{kind="lexical",outcome="refused"}'
    before = service.metric(rejected)
    try:
        link.unlink()
        link.symlink_to(broken)

        assert service.eventually(lambda: service.metric(rejected) > before)
        assert service.search("red").status_code == 200
    finally:
        link.unlink()
        link.symlink_to(target)
        shutil.rmtree(broken)


def test_without_redis_pages_come_from_memory_and_then_recover(service):
    kill_redis(service.settings)

    for surface in SURFACES:
        answer = page(service, surface)
        assert answer.status_code == 200
        assert answer.json()["items"]
        assert "hydrate" in answer.json()["degraded"]

    ensure_redis(service.settings)
    assert service.eventually(lambda: not service.search("red").json()["degraded"])


def test_a_new_item_is_in_the_indexes_after_a_refresh_and_no_request_waits_for_it(service):
    def results():
        answer = service.search("zyxomatic", size=5).json()
        return [item["item"] for item in answer["items"] if not answer["relaxed"]]

    before = results()
    event = {"kind": "item", "event_id": "lantern", "item_id": "lantern", "op": "upsert"}
    fields = {"title": "Zyxomatic lantern", "category": "lamps", "price": 9.5, "stock": 3}
    acknowledged = service.http.post(
        "/events", json={**event, "event_time": service.clock.now(), "fields": fields}
    )
    with ThreadPoolExecutor(1) as pool:
        refreshing, answers = pool.submit(refresh, service.settings), []
        while not refreshing.done() or results() != ["lantern"]:
            answers.append(service.search("red", user="u00001"))
            assert len(answers) < 10_000
    again = refresh(service.settings)

    assert acknowledged.json()["accepted"] == 1
    assert before == []
    assert set(refreshing.result().indices) == set(index_specs())
    assert again.indices == {}
    assert {answer.status_code for answer in answers} == {200}
    assert {tuple(answer.json()["degraded"]) for answer in answers} <= {(), ("hydrate",)}
