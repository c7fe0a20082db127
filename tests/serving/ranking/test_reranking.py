"""The order of a list: rules, diversity, exploration with true propensities, and pages."""

import base64
import zlib
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import EventError, SettingError
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop, ShopField
from serving.contract import decode_cursor, encode_cursor
from serving.flow import request_flow
from serving.query import SURFACES, ListRequest, Query
from serving.ranking import Scored, active_rules, explore, sellable_positions
from serving.ranking.diversity import diversify
from serving.state import Model
from tests.scale import examples
from training.retrieval.catalogue import Candidates
from training.rules import Exploration, Rules

SHOP = Shop(
    "s",
    (
        ShopField("brand", "category", "brand", "brand"),
        ShopField("stock", "number", "stock", "stock"),
    ),
)
IDS = [f"i{n}" for n in range(8)]
CONTEXT = RequestContext(
    t=5,
    item_ids=IDS,
    items={
        "item_attributes__brand": ["Acme", "Acme", "Acme", "Bolt", "Bolt", None, "Bolt", "Cog"],
        "item_attributes__stock": [1, 1, 1, 1, 1, None, 1, 1],
        "item_attributes__present": [1] * 8,
    },
)
SCORED = Scored(IDS, np.arange(8, 0, -1.0))


def rules(tmp_path, text):
    (tmp_path / "rules.toml").write_text(text)
    return Rules.load(tmp_path / "rules.toml", SHOP)


def rerank(query, list_request, rules):
    """Return the slate of the rerank stage."""
    request = request_flow.RequestState(
        SimpleNamespace(shop=SHOP),
        Model("default"),
        replace(query, list_request=list_request),
        rules=active_rules(rules, query),
    )
    slate = request_flow.rerank(request, Candidates(IDS), SCORED, CONTEXT)
    assert request.trace.degraded == []
    return slate


def order(rules):
    query = Query("r", 5, text="Red  shoes", surface="home")
    slate = rerank(query, ListRequest(SURFACES["home"], size=8), rules)
    return [IDS[n] for n in slate.order]


def test_without_rules_the_best_come_first():
    assert order(Rules()) == IDS


def test_rules_pin_boost_and_bury(tmp_path):
    loaded = rules(
        tmp_path,
        """
        [[rule]]
        action = "pin"
        items = ["i7", "i6"]
        position = 2
        [[rule]]
        action = "boost"
        where = { brand = "bolt" }
        factor = 10
        [[rule]]
        action = "bury"
        items = ["i0"]
        factor = 100
        """,
    )

    assert order(loaded) == ["i3", "i7", "i6", "i4", "i1", "i2", "i5", "i0"]


@pytest.mark.parametrize(
    ("when", "counts"),
    [
        ('query = "red shoes"', True),
        ('query = "blue shoes"', False),
        ('market = ["default"]', True),
        ('market = ["uk"]', False),
        ('surface = "home"', True),
        ('surface = ["search"]', False),
        ("from = 1970-01-01T00:00:00.000005Z", True),
        ("from = 1970-01-01T00:00:00.000006Z", False),
        ("until = 1970-01-01T00:00:00.000005Z", False),
        ("until = 1970-01-01T00:00:00.000006Z", True),
    ],
)
def test_a_rule_applies_only_when_its_conditions_match(tmp_path, when, counts):
    loaded = rules(tmp_path, f'[[rule]]\naction = "pin"\nitems = ["i7"]\n{when}')

    assert (order(loaded)[0] == "i7") is counts


def test_hidden_and_sold_out_items_are_not_sellable(tmp_path):
    loaded = rules(tmp_path, '[[rule]]\naction = "hide"\nwhere = { brand = ["Acme"] }')
    sold_out = {**CONTEXT.items, "item_attributes__stock": [1, 1, 1, 0, 1, None, -2, 1]}
    context = RequestContext(t=5, item_ids=IDS, items=sold_out)

    assert sellable_positions(IDS, context, SHOP, loaded) == [4, 5, 7]


@pytest.mark.parametrize(
    "text",
    [
        "rule = 3",
        "x = 1",
        '[[rule]]\naction = "explode"\nitems = ["a"]',
        '[[rule]]\naction = "hide"',
        '[[rule]]\naction = "hide"\nitems = ["a"]\nwhere = { brand = "b" }',
        '[[rule]]\naction = "pin"\nwhere = { brand = "b" }',
        '[[rule]]\naction = "boost"\nwhere = { colour = "b" }',
        '[[rule]]\naction = "boost"\nitems = ["a"]\nfactor = 0.5',
        '[[rule]]\naction = "boost"\nitems = ["a"]\nfrom = "tomorrow"',
        '[[rule]]\naction = "boost"\nitems = ["a"]\nquerry = "x"',
        "[diversity]\nweight = 2",
        '[exploration]\nshare = 0.1\nslots = ["first"]',
        "[exploration]\nshare = 0.1\ntemperature = 0",
        "[exploration]\nshare = 0.1\ntemperature = 1\nslots = [2]",
        "[[rule]\n",
    ],
)
def test_an_invalid_file_is_rejected_as_a_whole(tmp_path, text):
    with pytest.raises(SettingError, match=r"rules\.toml"):
        rules(tmp_path, text)


def test_diversity_leaves_the_best_item_and_moves_another_brand_up():
    mixed = diversify(range(8), CONTEXT, SHOP, 0.5)

    assert sorted(mixed) == list(range(8))
    assert mixed[0] == 0
    assert CONTEXT.items["item_attributes__brand"][mixed[1]] != "Acme"
    assert diversify(range(8), CONTEXT, SHOP, 0.0) == list(range(8))


def test_propensities_of_slots_equal_frequencies():
    plan, draws = Exploration(0.5, (2, 4)), 6000
    seen, claimed = Counter(), {}
    for n in range(draws):
        one = explore(range(8), IDS, 4, plan, n, frozenset())
        assert sorted(one.order) == list(range(8))
        for slot in (1, 3):
            seen[slot, one.order[slot]] += 1
            claimed[slot, one.order[slot]] = one.propensities[one.order[slot]]

    assert all(abs(seen[key] / draws - share) < 0.03 for key, share in claimed.items())
    assert sum(share for (slot, _), share in claimed.items() if slot == 1) == pytest.approx(1)
    assert one.order[0] == 0
    assert one.order[2] == 2


def test_propensities_of_pages_equal_frequencies():
    plan, draws = Exploration(0.5, temperature=0.7), 6000
    seen, claimed, drawn = Counter(), {}, 0
    for seed in range(draws):
        one = explore(range(5), IDS, 3, plan, seed, frozenset({1}))
        assert sorted(one.order) == list(range(5))
        assert one.order[1] == 1
        if one.draw is None:
            assert one.order == list(range(5))
            continue
        drawn += 1
        page = one.order[0], one.order[2]
        seen[page] += 1
        claimed[page] = one.propensities[page[0]] * one.propensities[page[1]]
        assert one.order[3:] == sorted(one.order[3:])

    assert abs(drawn / draws - 0.5) < 0.03
    assert sum(claimed.values()) == pytest.approx(1)
    assert all(abs(seen[page] / drawn - share) < 0.03 for page, share in claimed.items())


@settings(max_examples=examples(50), deadline=None)
@given(
    st.integers(1, 5),
    st.integers(0, 99),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([None, 1.0]),
)
def test_pages_of_one_list_partition_its_items(size, session, share, temperature):
    slots = (1, 3) if temperature is None else ()
    plan = Rules(exploration=Exploration(share, slots, temperature=temperature))
    query = Query("r", 5, session_id=str(session), surface="home")

    def page(number):
        return rerank(query, ListRequest(SURFACES["home"], size=size, page=number), plan)

    first = page(1)
    paged = [IDS[n] for number in range(1, 9) for n in page(number).order]

    assert sorted(paged) == IDS
    assert paged == [*(IDS[n] for n in first.order), *first.next_ids]


def test_a_cursor_survives_a_round_trip_and_other_texts_are_rejected():
    assert decode_cursor(encode_cursor(IDS, 99)).item_ids == tuple(IDS)
    assert decode_cursor(encode_cursor(IDS, None)).total is None
    assert encode_cursor([], 9) is None
    bomb = base64.urlsafe_b64encode(zlib.compress(b"[" * 50_000_000)).decode()
    for wrong in ("", "x", "é", "A" * 200_000, encode_cursor(["a", "a"], 1), bomb):
        with pytest.raises(EventError):
            decode_cursor(wrong)
