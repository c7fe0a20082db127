"""A body is parsed, or rejected with the path of the field."""

import msgspec
import pytest

from feature_repo.shop import SIMULATED_SHOP, Shop
from serving.contract import MAX_ITEMS, ApiError, RankBody, SearchBody, body_reader, encode_cursor
from serving.query import read_list_query, read_query


def query_of(**body):
    return read_query(body_reader(RankBody)(msgspec.json.encode({"items": [], **body})), t=1)


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
