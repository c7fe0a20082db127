"""The published schemas agree with the parser."""

import json

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from feature_repo.events.contract import EVENT_KINDS, SHOP_KINDS, json_schemas, parse_canonical
from feature_repo.events.contract.schemas import json_schema
from feature_repo.home import EventError
from tests.feature_repo.hostile_inputs import GOOD_TIME, interaction, item, ranking
from tests.scale import examples

USER = {"kind": "user", "event_id": "u", "event_time": 1636977600, "user_id": 7}
EXAMPLES = [
    item(fields={"title": "x", "price": 1, "tags": ["a", 1], "sale": False, "gone": None}),
    item(op="delete"),
    USER,
    USER | {"op": "link", "session_id": "s"},
    USER | {"op": "unlink", "session_id": 4},
    USER | {"op": "merge", "from_user_id": "8"},
    ranking(
        items=[{"item_id": "a", "score": 1.5, "propensity": 0.5}, 7, "b"], query="q", seed=2**63 - 1
    ),
    {k: v for k, v in ranking().items() if k != "items"},
    ranking(items=[], query="green shoes"),
    interaction(value=3, request_id=None, received_at="1636977600000"),
]
CHECKS = {kind: jsonschema.Draft202012Validator(schema) for kind, schema in json_schemas().items()}


@pytest.mark.parametrize("kind", SHOP_KINDS)
def test_schema_describes_every_field(kind):
    schema = json_schema(kind)

    jsonschema.Draft202012Validator.check_schema(schema)
    described = {k for k, v in schema["properties"].items() if "description" in v}
    declared = EVENT_KINDS[kind]
    by_platform = {name for name, field in declared.fields.items() if field.by_platform}
    expected = set(declared.record.__struct_fields__) - by_platform
    assert described | {"kind", "op"} >= expected
    assert schema["properties"].keys() - {"kind"} == expected


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e["kind"])
def test_examples_validate_and_parse(example):
    CHECKS[example["kind"]].validate(example)

    assert parse_canonical(example).event_id


_broken = st.floats().filter(lambda number: not number.is_integer())
_times = st.one_of(
    st.sampled_from([GOOD_TIME, "2020-02-29", "2021-02-29", "2099-12-31", "1970-01-01", "0", ""]),
    st.from_regex(
        r"(19[67]|20[29])[0-9]-[01][0-9]-[0-3][0-9]([T ][0-2]\d:[0-6]\dZ?)?", fullmatch=True
    ),
    st.from_regex(r"[0-9]{1,17}", fullmatch=True),
    st.integers(-5, 10**16),
    _broken,
)
_ids = st.one_of(st.text(max_size=4), st.integers(), _broken, st.just("x" * 513))
_anything = st.recursive(
    st.none() | st.booleans() | _broken | st.integers() | st.text(max_size=3) | _times,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
)
_slots = st.one_of(
    _ids,
    st.fixed_dictionaries(
        {"item_id": _ids}, optional={"score": _anything, "propensity": st.floats(-1, 2)}
    ),
)
_changes = st.fixed_dictionaries(
    {},
    optional={
        "event_id": _ids,
        "event_time": _times,
        "received_at": _times,
        "item_id": _ids,
        "fields": st.dictionaries(st.text(max_size=3), _anything, max_size=3),
        "items": st.lists(_slots, max_size=4),
        "utc_offset_minutes": _anything,
        "value": _anything,
        "op": st.sampled_from(["upsert", "delete", "erase", "link", "unlink", "merge", 1]),
        "session_id": st.none() | _ids,
        "from_user_id": st.none() | _ids,
        "type": _ids,
        "query": _anything,
        "market": _anything,
        "surplus": _anything,
    },
)


@settings(max_examples=examples(120), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(EXAMPLES), _changes)
def test_events_valid_by_schema_are_parsed(example, changes):
    keys = CHECKS[example["kind"]].schema["properties"].keys() | {"surplus"}
    raw = {**example, **{key: value for key, value in changes.items() if key in keys}}
    assume(is_json(raw) and CHECKS[raw["kind"]].is_valid(raw))

    assert refusal(raw) in (None, "each item once", "another user than user_id"), raw


@pytest.mark.parametrize("op", ["upsert", "erase", "link", "unlink", "merge", None])
@pytest.mark.parametrize("session", [..., None, "s"])
@pytest.mark.parametrize("merged", [..., None, "v"])
@pytest.mark.parametrize("fields", [..., None, {}, {"age": 7}])
def test_schema_and_parser_agree_which_operation_has_which_field(op, session, merged, fields):
    named = {"op": op or ..., "session_id": session, "from_user_id": merged, "fields": fields}
    raw = USER | {key: value for key, value in named.items() if value is not ...}

    assert CHECKS["user"].is_valid(raw) == (refusal(raw) is None)


def is_json(raw):
    """Return whether JSON can express the value: it has no NaN and no infinity."""
    try:
        json.dumps(raw, allow_nan=False)
    except ValueError:
        return False
    return True


def refusal(raw):
    try:
        parse_canonical(raw)
    except EventError as error:
        return error.expected
