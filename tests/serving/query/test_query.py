"""A body is parsed, or rejected with the path of the field."""

import msgspec
import pytest

from feature_repo.shop import SIMULATED_SHOP, Market, Shop
from serving.contract import (
    MAX_ITEMS,
    ApiError,
    NamedValue,
    RankBody,
    RecommendBody,
    SearchBody,
    body_reader,
    encode_cursor,
)
from serving.http.endpoints import ENDPOINTS
from serving.query import read_list_query, read_query


def query_of(**body):
    read = body_reader(RankBody)(msgspec.json.encode({"items": [], **body}))
    return read_query(read, Shop.load(SIMULATED_SHOP), t=1)


def refusal(**body):
    with pytest.raises(ApiError) as raised:
        query_of(**body)
    return raised.value


def fields(**values):
    return [{"name": name, "value": value} for name, value in values.items()]


@pytest.mark.parametrize(
    ("search", "reports"),
    [
        ({"query": "boots"}, True),
        ({"query": "boots", "page": 2}, False),
        ({"query": "boots", "next": encode_cursor(["a"], 9)}, False),
        ({"query": "  "}, False),
    ],
    ids=["first page", "second page", "page that follows", "no query"],
)
def test_only_the_first_page_of_a_query_reports_no_results(search, reports):
    body = body_reader(SearchBody)(msgspec.json.encode(search))

    list_query = read_list_query(body, "search", Shop.load(SIMULATED_SHOP), t=1)

    assert list_query.reports_no_results == reports


def test_query_market_and_surface_are_fields():
    query = query_of(fields=fields(query="Red  Shoes", market="uk", surface="search", page=2))

    assert (query.text, query.market, query.surface) == ("Red  Shoes", "uk", "search")
    assert query.key == "uk|red shoes"


def test_without_query_there_is_no_query_entity():
    query = query_of(fields=fields(query="  "))

    assert query.key is None
    assert query.market == "default"


def test_instant_is_the_servers_and_the_senders_timestamp_is_stored():
    query = query_of(timestamp="1970-01-01T02:00:00+02:00")

    assert (query.t, query.timestamp, query.utc_offset_minutes) == (1, 0, 120)


@pytest.mark.parametrize("timestamp", ["never", [], -1])
def test_invalid_timestamp_counts_as_missing(timestamp):
    assert query_of(timestamp=timestamp).timestamp is None


def test_fields_of_items_are_overrides_by_item():
    query = query_of(items=[{"id": 7, "fields": fields(price=1, tags=["a", 2])}, {"id": "b"}])

    assert query.item_ids == ["7", "b"]
    assert query.overrides == {"7": {"price": 1.0, "tags": ["a", "2"]}}


def test_error_names_the_path_of_the_field():
    assert refusal(items=[{"id": "a"}, {"id": " "}]).field == "items[1].id"
    assert refusal(items=[{"id": "a"}, {"id": "a"}]).field == "items"
    assert refusal(user="\0").field == "user"
    assert refusal(items=[{"id": "a", "fields": fields(price={})}]).field == (
        "items[0].fields[0].value"
    )


def test_too_many_items_are_413():
    assert refusal(items=[{"id": n} for n in range(MAX_ITEMS + 1)]).status == 413


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    [
        (b"3", "body", "object"),
        (b"{}", "items", "a value"),
        (b'{"items": [3]}', "items[0]", "object"),
        (b'{"items": [{}]}', "items[0].id", "a value"),
        (b"nonsense", "body", "UTF-8 JSON"),
        (b'{"timestamp":' + b"[" * 10_000, "body", "UTF-8 JSON"),
    ],
)
def test_error_of_an_invalid_body_names_the_expected_value(body, field, expected):
    with pytest.raises(ApiError) as raised:
        body_reader(RankBody)(body)

    assert (raised.value.status, raised.value.field, raised.value.expected) == (
        400,
        field,
        expected,
    )


BODIES = [e.body for e in ENDPOINTS if e.body is not None and e.body is not bytes]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_every_body_refuses_keys_that_it_does_not_declare(body):
    keys = [field.encode_name for field in msgspec.structs.fields(body)]
    needed = {"items": []} if "items" in keys else {}
    for name in ("unheard", "a`b - at `$", f"{keys[0]}x"):
        with pytest.raises(ApiError) as raised:
            body_reader(body)(msgspec.json.encode(needed | {name: 1}))

        assert (raised.value.status, raised.value.actual) == (400, name)
        assert all(key in raised.value.expected for key in keys)
    assert raised.value.hint == f"Did you mean {keys[0]}?"


@pytest.mark.parametrize(
    ("body", "sent", "field", "hint"),
    [
        (SearchBody, {"q": "shoes"}, "q", "Did you mean query?"),
        (SearchBody, {"query": "shoes", "filter": {}}, "filter", "Did you mean filters?"),
        (RecommendBody, {"user_id": "1"}, "user_id", "Did you mean user?"),
        (RankBody, {"items": [{"id": 1, "feilds": []}]}, "items[0].feilds", "Did you mean fields?"),
        (
            RankBody,
            {"items": [{"id": 1, "fields": [{"name": "x", "vlaue": 1}]}]},
            "items[0].fields[0].vlaue",
            "Did you mean value?",
        ),
        (RankBody, {"items": [], "query": "x"}, "query", "Remove it, or send it in fields."),
    ],
)
def test_an_unknown_key_is_refused_by_the_name_that_was_sent(body, sent, field, hint):
    with pytest.raises(ApiError) as raised:
        body_reader(body)(msgspec.json.encode(sent))

    assert (raised.value.field, raised.value.hint) == (field, hint)


MARKETS = (Market("de", "german"), Market("fr", "french"))


@pytest.mark.parametrize(
    ("markets", "sent", "market"),
    [
        ((), None, "default"),
        ((), "anything", "anything"),
        (MARKETS, "fr", "fr"),
        (MARKETS, "FR", "fr"),
        (MARKETS[:1], None, "de"),
        ((MARKETS[0], Market("fr", "french", is_default=True)), None, "fr"),
    ],
)
def test_a_request_without_a_market_belongs_to_the_default_one(markets, sent, market):
    shop = Shop("shop", (), markets=markets)
    search = read_list_query(SearchBody(market=sent), "search", shop, t=1)
    rank = RankBody(items=[], fields=[NamedValue("market", sent)] if sent else None)

    assert (search.market, read_query(rank, shop, t=1).market) == (market, market)


@pytest.mark.parametrize("sent", [None, "", "es"])
def test_an_unknown_market_is_refused_with_the_list(sent):
    shop = Shop("shop", (), markets=MARKETS)

    for read in (
        lambda: read_list_query(SearchBody(market=sent), "search", shop, t=1),
        lambda: read_list_query(RecommendBody(market=sent), "home", shop, t=1),
        lambda: read_query(RankBody(items=[], fields=[NamedValue("market", sent)]), shop, t=1),
    ):
        with pytest.raises(ApiError) as raised:
            read()

        assert (raised.value.status, raised.value.expected) == (400, "one of de, fr")
        assert raised.value.field.endswith("market")
