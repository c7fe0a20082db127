"""A block of lines gives the log and the report that its lines give one by one."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from feature_repo.events.contract import decode_block
from feature_repo.events.ingest import ingest
from feature_repo.home import MINUTE, Home
from tests.feature_repo.events.conftest import NOON, ManualClock
from tests.feature_repo.hostile_inputs import interaction, item, ranking
from tests.scale import examples

SHOP = """
name = "shop"
[[item]]
name = "price"
type = "number"
role = "price"
[currency]
base = "EUR"
rates = { USD = 0.5 }
"""
STRICT = f"{SHOP}\n[contract]\nstrict = true"
MARKETS = f'{SHOP}\n[[market]]\nname = "de"\n[[market]]\nname = "fr"\ndefault = true'

_ids = st.sampled_from([f"e{n}" for n in range(6)])
_times = st.sampled_from([NOON - MINUTE, NOON, NOON + MINUTE, 10**14])
_interactions = st.fixed_dictionaries(
    {},
    optional={
        "event_time": _times,
        "received_at": st.just(NOON - 1),
        "type": st.sampled_from(["click", "purchase", "dwell", "Purchase"]),
        "value": st.sampled_from([5, 4.5, 1e11, -2.0]),
        "currency": st.sampled_from(["EUR", "USD", "JPY"]),
        "corrects": _ids,
        "request_id": st.just("r1"),
        "session_id": st.just("s"),
        "user_id": st.sampled_from(["u", "v"]),
    },
)
_events = st.one_of(
    st.builds(lambda of, one: interaction(one, **{"event_time": NOON, **of}), _interactions, _ids),
    st.builds(
        lambda one, items, market: ranking(
            event_id=one, event_time=NOON, items=[{"item_id": i} for i in items], market=market
        ),
        _ids,
        st.lists(st.sampled_from(["i1", "i2", "ä"]), min_size=1, max_size=3, unique=True),
        st.sampled_from(["default", "de", "FR", "xx"]),
    ),
    st.builds(
        lambda one, fields: item(event_id=one, event_time=NOON, fields=fields),
        _ids,
        st.fixed_dictionaries(
            {}, optional={"price": st.sampled_from([9, "9,5", "1,299"]), "prise": st.just(1)}
        ),
    ),
    st.builds(
        lambda one, op: {
            **{"kind": "user", "event_id": one, "event_time": NOON, "user_id": "u"},
            **({"op": op, "session_id": "s"} if op == "link" else {"op": op}),
        },
        _ids,
        st.sampled_from(["erase", "link", "upsert"]),
    ),
)


def ingested(folder, shop, name, content):
    """Return the report, without the seal, and the compacted files."""
    home = Home(folder / name)
    home.root.mkdir()
    home.shop_toml.write_text(shop)
    path = folder / f"{name}.json"
    path.write_bytes(content)
    report = ingest([path], home=home, clock=ManualClock()).to_dict()
    del report["seal"]
    for finding in (*report["warnings"], *report["quarantined_lines"]):
        del finding["file"]
    files = (home.log / "compacted").rglob("*.parquet")
    return report, {str(file.relative_to(home.log)): file.read_bytes() for file in files}


@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_events, min_size=2, max_size=9), st.sampled_from([SHOP, STRICT, MARKETS]))
@example([interaction("e1", event_time=NOON + 6 * MINUTE), interaction("e2")], SHOP)
@example([interaction(n, event_time=NOON, type=n) for n in ("reward", "decision")], SHOP)
@example([ranking(event_time=NOON, items=[]), interaction("e2", event_time=NOON)], SHOP)
def test_lines_together_are_ingested_as_the_elements_of_an_array(tmp_path_factory, events, shop):
    folder = tmp_path_factory.mktemp("blocks")
    lines = b"".join(json.dumps(event).encode() + b"\n" for event in events)

    together = ingested(folder, shop, "lines", lines)

    assert together == ingested(folder, shop, "array", json.dumps(events).encode())


GOOD = json.dumps(item(event_time=NOON)).encode() + b"\n"


@pytest.mark.parametrize(
    "text",
    [
        GOOD[:-1],
        GOOD + b"\n",
        GOOD[:-1] + GOOD,
        GOOD.replace(b", ", b",\n", 1),
        GOOD[:-1] + GOOD + GOOD.replace(b", ", b",\n", 1),
        GOOD.replace(b'"i1"', b'"\\u0000"'),
        GOOD.replace(b'"i1"', b'" "'),
        GOOD.replace(b'"i1"', '"\u3000"'.encode()),
        GOOD.replace(b"{", b" {", 1),
        GOOD.replace(b"}", b',"fields":{"a":"%b"}}' % (b"x" * 70_000)),
    ],
    ids=range(10),
)
def test_a_block_with_another_line_is_read_line_by_line(text):
    assert decode_block(GOOD * 2) is not None
    assert decode_block(GOOD + text) is None
