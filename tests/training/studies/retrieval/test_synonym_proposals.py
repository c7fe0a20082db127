"""Synonyms are proposed with evidence, and none for brands, typos or forms of one word."""

import json
import tomllib

import pytest

from feature_repo.events.ingest import ingest
from feature_repo.home import Clock, Home, Settings
from feature_repo.transformations import transform
from pipelines.cli.main import main
from training.query_understanding import Synonyms

SHOP = """
[[item]]
name = "title"
type = "text"
role = "title"
"""
TITLES = {
    **{"s1": "Red running shoes", "s2": "Blue running shoes", "s3": "Green running shoes"},
    **{"c1": "Sofa in velvet", "c2": "Sofa for two", "c3": "Velvet couch"},
    **{"n1": "Nike socks", "a1": "Adidas socks"},
}
SEARCHED = [
    # query, clicked items; each by five shoppers
    ("couch", ["c1", "c2", "c3"]),
    ("sofa", ["c1", "c2", "c3"]),
    ("nike socks", ["n1"]),
    ("adidas socks", ["a1"]),
    ("running shoes", ["s1", "s2", "s3"]),
    ("runing shoes", ["s1", "s2", "s3"]),
    ("running shoe", ["s1", "s2", "s3"]),
]
REPLACED = [("trainers", "running shoes", ["s1"], 4), ("nike socks", "adidas socks", ["a1"], 5)]
RARE = [("pumps", "running shoes", ["s2"], 1)]


def ranking(n, query, user, second):
    return {
        "kind": "ranking",
        "event_id": f"r{n}",
        "event_time": f"2026-01-09T10:{second // 60:02}:{second % 60:02}Z",
        "request_id": f"q{n}",
        "user_id": user,
        "query": query,
        "items": [{"item_id": item} for item in TITLES],
    }


def click(n, user, item, second):
    return {
        "kind": "interaction",
        "event_id": f"k{n} {item}",
        "event_time": f"2026-01-09T10:{second // 60:02}:{second % 60:02}Z",
        "request_id": f"q{n}",
        "type": "click",
        "user_id": user,
        "item_id": item,
    }


def events():
    rows = [
        {
            "kind": "item",
            "event_id": item_id,
            "event_time": "2026-01-08T00:00:00Z",
            "item_id": item_id,
            "fields": {"title": title},
        }
        for item_id, title in TITLES.items()
    ]
    n = 0
    for query, items in SEARCHED:
        for user in range(5):
            n += 1
            rows += [ranking(n, query, f"{query} {user}", 0)]
            rows += [click(n, f"{query} {user}", item, 5) for item in items]
    for first, second, items, shoppers in (*REPLACED, *RARE):
        for user in range(shoppers):
            name = f"{first} > {user}"
            rows += [ranking(n + 1, first, name, 0), ranking(n + 2, second, name, 30)]
            rows += [click(n + 2, name, item, 40) for item in items]
            n += 2
    return rows


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("shop") / "home")
    home.root.mkdir()
    home.shop_toml.write_text(SHOP)
    file = home.root.parent / "events.jsonl"
    file.write_text("\n".join(map(json.dumps, sorted(events(), key=lambda e: e["event_time"]))))
    clock = Clock.of(Settings(home=home, clock="2026-01-10T00:00:00Z"))
    ingest([file], home=home, clock=clock)
    transform(home, clock.now())
    return home


def test_synonyms_are_proposed_with_their_evidence(home, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("AISLE_HOME", str(home.root))
    out = tmp_path / "proposals.toml"

    assert main(["synonyms", "--json", "--out", str(out)]) == 0

    proposals = json.loads(capsys.readouterr().out)["proposals"]
    assert [(p["words"], p["to"], p["is_two_way"]) for p in proposals] == [
        ("couch", "sofa", True),
        ("trainers", "running shoes", False),
    ]
    assert proposals[0]["shared_items"] == 3
    assert proposals[0]["similarity"] == 1.0
    assert proposals[1]["reformulations"] == 4
    assert [entry["words"] for entry in tomllib.loads(out.read_text())["synonym"]] == [
        ["couch", "sofa"],
        ["trainers"],
    ]
    synonyms = Synonyms.load(out)
    assert [a.words for a in synonyms.alternatives(("trainers",), "default")[0]]


def test_proposals_are_never_written_where_they_are_active(home, monkeypatch, capsys):
    monkeypatch.setenv("AISLE_HOME", str(home.root))

    assert main(["synonyms", "--out", str(home.root / "synonyms.toml")]) != 0

    assert "which is active" in capsys.readouterr().err
    assert not (home.root / "synonyms.toml").exists()
