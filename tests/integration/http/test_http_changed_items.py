"""Lists of every server have the newest items, and a refresh changes no answer."""

import asyncio
import uuid

import pytest

from feature_repo.online.redis.server import ensure_redis
from pipelines.steps import refresh
from serving.flow import Resources
from tests.integration.http.small_shop import kill_redis, run_service
from training.retrieval.indexes import LEXICAL

# No other test may use this brand: items of one test are in the completions of another.
NEW = {"title": "Quorvophone deluxe", "category": "music", "brand": "Quorv", "price": 12.5}


def send(service, item_id, op="upsert", **fields):
    event = {"kind": "item", "event_id": uuid.uuid4().hex, "item_id": item_id, "op": op}
    event |= {"event_time": service.clock.now()} | ({"fields": fields} if op == "upsert" else {})
    answer = service.http.post("/events", json=event).json()
    assert (answer["accepted"], answer["quarantined"]) == (1, [])


def page(service, query="", **body):
    """Return the ids, the total and the facets of a search, in the order of the answer."""
    answer = service.search(query, size=100, **body).json()
    assert answer["degraded"] == []
    return [item["item"] for item in answer["items"]], answer["total"], answer["facets"]


def home(service, **body):
    return [item["item"] for item in service.recommend("home", count=100, **body).json()["items"]]


def brands(facets):
    return {entry["value"]: entry["count"] for entry in facets.get("brand", ())}


@pytest.fixture(scope="module")
def changed(shop, running_service):
    """A server, and one that starts after an item changed; the items are deleted afterwards."""
    send(running_service, "early", **NEW | {"title": "Earlyphone"})
    with run_service(shop) as other:
        yield running_service, other
    for item_id in ("early", "fresh", "gone", "late"):
        send(running_service, item_id, "delete")


def test_a_new_item_is_in_search_filters_and_home_of_every_server(changed):
    one, other = changed
    _, before, _ = page(one)

    send(other, "fresh", **NEW)

    for service in (one, other):
        assert service.eventually(lambda s=service: page(s, "quorvophone")[:2] == (["fresh"], 1))
        ids, total, facets = page(service, filters={"brand": "Quorv"})
        assert (set(ids), total, brands(facets)) == ({"early", "fresh"}, 2, {"Quorv": 2})
        assert page(service, filters={"category": "music"})[1] == 2
        assert {"early", "fresh"} <= set(home(service))
        completions = service.http.get("/autocomplete", params={"q": "quorv"}).json()
        assert [one["text"] for one in completions["suggestions"]] == [
            "Quorv",
            "Quorvophone deluxe",
        ]
        assert page(service)[1] == before + 1


def test_changed_prices_names_and_deletions_are_in_every_list(changed):
    one, other = changed
    cheap = {"brand": "Quorv", "price": {"max": 5}}
    send(one, "gone", **NEW | {"title": "Gonophone"})
    assert other.eventually(lambda: page(other, "gonophone")[1] == 1)

    send(one, "fresh", price=4.0)
    send(other, "early", title="Renamophone")
    send(one, "gone", "delete")

    for service in (one, other):
        assert service.eventually(lambda s=service: page(s, filters=cheap)[:2] == (["fresh"], 1))
        assert service.eventually(lambda s=service: page(s, "renamophone")[:2] == (["early"], 1))
        assert service.eventually(lambda s=service: page(s, filters={"brand": "Quorv"})[1] == 2)
        assert service.search("earlyphone").json()["relaxed"] == ["query"]
        assert "gone" not in home(service) + page(service, "gonophone")[0]


def test_changes_accepted_without_redis_are_in_the_lists_after_its_return(changed, shop):
    kill_redis(shop)
    send(changed[0], "early", title="Outagophone")

    ensure_redis(shop)

    def is_listed(service):
        answer = service.search("outagophone").json()
        return (answer["degraded"], answer["total"]) == ([], 1)

    assert all(service.eventually(lambda s=service: is_listed(s)) for service in changed)


def has_loaded(service):
    """Whether a service has every published index; it loads one after the other."""
    listed = service.http.get("/models").json()["indices"]
    links = service.home.current.glob("*/default")
    published = {link.parent.name: link.resolve().name for link in links}
    return all(published[each["kind"]] == each["version"] for each in listed)


def test_a_refresh_changes_no_match_and_no_order(changed, shop):
    queries = ("quorvophone deluxe", "outagophone", "shoes", "")
    filters = ({}, {"brand": "Quorv"}, {"price": {"max": 50}})
    orders = ("relevance", "newest", "price")

    def answers(service):
        pages = [
            page(service, query, filters=chosen, sort=order)
            for query in queries
            for chosen in filters
            for order in orders
        ]
        # What resembles a new item, and follows the matches, is only found after a refresh.
        pages = [(ids[:total], total, facets) for ids, total, facets in pages]
        return pages, home(service), home(service, filters={"category": "music"})

    # The ranks of popular items are features.  Clicks of other tests must not change them below.
    refresh(shop)
    assert all(service.eventually(lambda s=service: has_loaded(s)) for service in changed)
    send(changed[0], "fresh", title="Quorvophone deluxe", price=4.5)
    send(changed[0], "late", **NEW | {"title": "Latephone"})

    def is_listed(service):
        return page(service, "latephone")[0] == ["late"] and "late" in home(service)

    assert all(service.eventually(lambda s=service: is_listed(s)) for service in changed)
    before = [answers(service) for service in changed]
    assert changed[0].metric("aisle_changed_items") > 0

    refresh(shop)

    for service, expected in zip(changed, before, strict=True):
        assert service.eventually(lambda s=service: has_loaded(s))
        assert service.eventually(lambda s=service: s.metric("aisle_changed_items") == 0)
        assert answers(service) == expected


def test_indexes_of_two_fits_answer_as_those_of_one(changed, shop):
    link = shop.home.current / LEXICAL / "default"
    older = link.readlink()
    send(changed[0], "fresh", title="Mixophone")
    refresh(shop)
    newer = link.readlink()
    link.unlink()
    link.symlink_to(older)

    resources = Resources.open(shop)

    lexical = resources.models.index(LEXICAL)
    asyncio.run(resources.close())
    link.unlink()
    link.symlink_to(newer)
    assert older != newer
    assert lexical.of("english").search(["mixophone"]).item_ids == ["fresh"]
    assert lexical.of("english").search(["quorvophone"]).item_ids == []
