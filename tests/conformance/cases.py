"""The cases as events and requests; each case is a separate shop within one home."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feature_repo.events.contract import AnyEvent, parse_canonical, query_key
from feature_repo.home import parse_instant
from feature_repo.request_features.context import RatePrior

_TOML = tomllib.loads(Path(__file__).with_name("cases.toml").read_text(encoding="utf-8"))
CASES, FILES = _TOML["case"], _TOML["file"]

SHOP = """
name = "conformance"
[[item]]
name = "colour"
type = "category"
role = "category"
[[item]]
name = "shade"
type = "list"
role = "brand"
[[item]]
name = "tags"
type = "list"
[[item]]
name = "sizes"
type = "vector"
[[item]]
name = "price"
type = "number"
role = "price"
[[item]]
name = "popularity"
type = "number"
[[item]]
name = "title"
type = "text"
role = "title"
[[item]]
name = "added_at"
type = "time"
[[user]]
name = "device"
type = "category"
values = ["phone", "desktop"]
[[user]]
name = "points"
type = "number"
[[user]]
name = "joined"
type = "time"
"""
_OWN = ("item_id", "request_id", "user_id", "session_id", "event_id", "corrects")


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        events: in the order of sending.
        expect: column, or feature of an item or the query → its values; a single value is the
            same for all.
        to_first: distance of the price to the median of the first few candidates.
        labels: request id → gains in slate order.
        horizon_days: horizon of the labels after a slate; None: all events count.
        train: request id → whether a ranker trains on the slate.
        warnings: count in the report of a dry run → its value.
    """

    id: str
    prior: RatePrior
    events: list[AnyEvent]
    request: dict[str, Any]
    expect: dict[str, Any]
    to_first: dict[str, Any]
    labels: dict[str, list[float]]
    horizon_days: float | None
    train: dict[str, bool]
    warnings: dict[str, int]

    @classmethod
    def of(cls, case: dict[str, Any]) -> "Case":
        """Read a case; its ids get the case's name as a prefix."""
        return cls(
            case["id"],
            RatePrior.of_counts(**case["prior"]) if "prior" in case else RatePrior(),
            [_event(case["id"], n, event) for n, event in enumerate(case["events"])],
            _request(case["id"], case["request"]),
            case.get("expect", {}),
            case.get("to_first", {}),
            _owned(case["id"], case.get("labels", {})),
            case.get("horizon_days"),
            _owned(case["id"], case.get("train", {})),
            case.get("warnings", {}),
        )


def all_cases() -> list[Case]:
    """Return every case, and each of its earlier requests as a case without events."""
    return [one for case in CASES for one in (Case.of(case), *_earlier(case))]


def _earlier(case: dict[str, Any]) -> Iterator[Case]:
    whole = Case.of(case)
    for request in case.get("earlier", ()):
        earlier = _request(case["id"], case["request"] | {"t": request["t"]})
        id_, expect = f"{case['id']} {request['t']}", request["expect"]
        yield Case(id_, whole.prior, [], earlier, expect, {}, {}, None, {}, {})


def _owned(case: str, by_request: dict[str, Any]) -> dict[str, Any]:
    return {f"{case} {request}": value for request, value in by_request.items()}


def _event(case: str, number: int, event: dict[str, Any]) -> AnyEvent:
    own = {name: f"{case} {event[name]}" for name in _OWN if name in event}
    own.setdefault("event_id", f"{case} {number}")
    if event["kind"] == "ranking":
        own |= {"items": [f"{case} {item}" for item in event["items"]], "market": case}
    others = {n: value for n, value in event.items() if n not in ("received", "removed")}
    if "removed" in event:
        others["fields"] = event["fields"] | dict.fromkeys(event["removed"])
    received = event.get("received", event["event_time"])
    return parse_canonical({**others, **own, "received_at": received})


def _request(case: str, request: dict[str, Any]) -> dict[str, Any]:
    fields = request.get("fields", {})
    return {
        "request_id": f"{case} request",
        "t": parse_instant(request["t"]),
        "user_id": f"{case} {request['user']}" if "user" in request else None,
        "session_id": f"{case} {request['session']}" if "session" in request else None,
        "query": request.get("query"),
        "query_key": query_key(request.get("query"), case),
        "market": case,
        "utc_offset_minutes": request.get("utc_offset_minutes"),
        "item_ids": [f"{case} {item}" for item in request["items"]],
        "fields": {f"{case} {item}": values for item, values in fields.items()},
    }
