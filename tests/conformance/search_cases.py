"""The cases of `search_cases.toml`, and one home with the assortments of all their markets."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feature_repo.events.ingest import ingest
from feature_repo.home import Clock, Home, Settings

FILE = Path(__file__).with_suffix(".toml")
NOW = "2026-01-10T00:00:00Z"

_FIELDS = """
[[item]]
name = "title"
type = "text"
role = "title"

[[item]]
name = "title_de"
type = "text"

[[item]]
name = "title_ja"
type = "text"

[[item]]
name = "market"
type = "category"
role = "market"

[[item]]
name = "price"
type = "number"
role = "price"

[[item]]
name = "size"
type = "category"

[[item]]
name = "ean"
type = "number"
"""

_OPTIONAL = {
    **{"prices": "price", "sizes": "size", "eans": "ean"},
    **{name: name for name in ("title_de", "title_ja")},
}
"""By key of a catalogue, the field that it gives its items."""


@dataclass(frozen=True)
class SearchCase:
    """A query in one market, and what its answer must be."""

    market: str
    query: str
    expected: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.market}: {self.query}"


def catalogues() -> list[dict[str, Any]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))["catalogue"]


def all_cases() -> list[SearchCase]:
    return [
        SearchCase(one["name"], case["query"], case)
        for one in catalogues()
        for case in one["cases"]
    ]


def all_completions() -> list[tuple[str, dict[str, Any]]]:
    """Return the market and the case of each text that autocomplete completes."""
    return [(one["name"], case) for one in catalogues() for case in one.get("completions", ())]


def item_ids(catalogue: dict[str, Any]) -> list[str]:
    """Ids of the items of a catalogue, in the order of their titles."""
    titles, name = catalogue["titles"], catalogue["name"]
    return catalogue.get("ids") or [f"{name}-item{n}" for n in range(len(titles))]


def shown_titles(catalogue: dict[str, Any]) -> list[str]:
    """Return the titles that the market shows: those of its language, if it has any."""
    own = [titles for name in ("title_de", "title_ja") if (titles := catalogue.get(name))]
    return own[0] if own else catalogue["titles"]


def titles_by_id() -> dict[str, str]:
    pairs = [zip(item_ids(one), shown_titles(one), strict=True) for one in catalogues()]
    return {item_id: title for of_one in pairs for item_id, title in of_one}


def fill(root: Path) -> Settings:
    """Fill a home with every catalogue, each sold in its own market."""
    root.mkdir(parents=True)
    home = Home(root)
    home.shop_toml.write_text(_FIELDS + "".join(map(_market, catalogues())))
    events = root.parent / "items.jsonl"
    events.write_text("\n".join(json.dumps(e) for one in catalogues() for e in _events(one)))
    settings = Settings(home=home, clock=NOW)
    ingest([events], home=home, clock=Clock.of(settings))
    return settings


def check(case: SearchCase, answer: dict[str, Any]) -> None:
    """Compare an answer of `/search` with what a case expects."""
    titles = titles_by_id()
    listed = [titles[item["item"]] for item in answer["items"]]
    matching, expected = listed[: answer["total"]], case.expected
    understood = answer["understood"]

    assert set(expected.get("finds", ())) <= set(matching), (listed, answer["total"], understood)
    assert not set(expected.get("lacks", ())) & set(matching), (listed, answer["total"], understood)
    assert not set(expected.get("never", ())) & set(listed), (listed, understood)
    order = expected.get("order", [])
    assert [title for title in listed if title in order] == order
    if "first" in expected:
        assert listed[:1] == [expected["first"]], understood
    assert answer["total"] == expected.get("total", answer["total"]), (listed, understood)
    relaxed = [] if "finds" in expected else answer["relaxed"]
    assert answer["relaxed"] == expected.get("relaxed", relaxed), understood
    assert understood.get("price", {}) == expected.get("price", understood.get("price", {}))
    corrected = understood.get("corrected", {})
    assert corrected == expected.get("corrected", corrected)


def _market(catalogue: dict[str, Any]) -> str:
    table = {key: catalogue[key] for key in ("name", "language", "currency") if key in catalogue}
    return "\n[[market]]\n" + "".join(f"{key} = {json.dumps(v)}\n" for key, v in table.items())


def _events(catalogue: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "kind": "item",
            "event_id": f"item {item_id}",
            "event_time": f"2026-01-09T00:00:{n:02}Z",
            "item_id": item_id,
            "fields": {"title": title, "market": catalogue["name"]}
            | {field: catalogue[key][n] for key, field in _OPTIONAL.items() if key in catalogue},
        }
        for n, (item_id, title) in enumerate(
            zip(item_ids(catalogue), catalogue["titles"], strict=True)
        )
    ]
