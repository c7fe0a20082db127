"""The shoppers whom a person can play come from the log, one warm and one cold in each market."""

import asyncio
import json

import pytest

from feature_repo.events.ingest import ingest
from feature_repo.events.log import EventLog
from feature_repo.home import Clock
from feature_repo.shop import SIMULATED_SHOP, Shop
from serving.storefront.personas import Personas


@pytest.fixture
def personas_of(home):
    """Returns a function that reads the shoppers of a log of some slates and clicks."""

    def read(shoppers):
        events = []
        for user, (market, clicks) in shoppers.items():
            shown = {"kind": "ranking", "event_id": f"r-{user}", "request_id": f"r-{user}"}
            at = {"event_time": "2026-01-05T10:00:00Z", "user_id": user}
            events.append({**shown, **at, "market": market, "items": ["a", "b"]})
            events += [
                {"kind": "interaction", "type": "click", "item_id": "a", "event_id": f"{user}-{n}"}
                | at
                for n in range(clicks)
            ]
        path = home.root.parent / "events.jsonl"
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
        ingest([path], home=home, clock=Clock())
        return Personas(EventLog(home, Clock()), Shop.load(SIMULATED_SHOP))

    return read


def test_each_market_has_a_warm_and_a_cold_shopper(personas_of):
    personas = personas_of({"ann": ("uk", 9), "ben": ("uk", 1), "eva": ("de", 5), "kim": ("de", 2)})

    listed = [
        (one.kind, one.user, one.market, one.events) for one in asyncio.run(personas.follow())
    ]

    assert listed == [
        ("warm", "eva", "de", 5),
        ("cold", "kim", "de", 2),
        ("warm", "ann", "uk", 9),
        ("cold", "ben", "uk", 1),
        ("anonymous", None, "uk", 0),
    ]
    assert sorted(personas.markets()) == ["de", "uk"]


def test_a_shop_without_interactions_has_a_new_shopper(home):
    personas = Personas(EventLog(home, Clock()), Shop.load(SIMULATED_SHOP))

    assert [(one.kind, one.user) for one in asyncio.run(personas.follow())] == [
        ("cold", "new-shopper"),
        ("anonymous", None),
    ]
    assert personas.markets() == []


def test_the_anonymous_visitor_of_a_shop_with_markets_is_in_another_market(home):
    home.root.mkdir()
    home.shop_toml.write_text('[[market]]\nname = "us"\n[[market]]\nname = "de"\n')
    personas = Personas(EventLog(home, Clock()), Shop.load(home.shop_toml))

    assert [(one.kind, one.market) for one in asyncio.run(personas.follow())] == [
        ("cold", "us"),
        ("anonymous", "de"),
    ]
    assert personas.markets() == ["us", "de"]
