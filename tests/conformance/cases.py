"""The cases as events and requests: each is a shop of its own within one home."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feature_repo.events.contract import AnyEvent, parse_canonical, query_key
from feature_repo.home import parse_instant
from feature_repo.request_features.context import RatePrior

_TOLD = tomllib.loads(Path(__file__).with_name("cases.toml").read_text(encoding="utf-8"))
CASES, FILES = _TOLD["case"], _TOLD["file"]

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
        events: in the order in which they are sent.
        expect: column, or feature of an item or the query → its values; a single one is the same
            for all.
        to_first: of the price, the distance to the median of the first few candidates.
        labels: request id → gains in the order shown.
        horizon_days: after a slate, for its labels; None: everything counts.
        taught: request id → whether a ranker learns from the slate.
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
    taught: dict[str, bool]
    warnings: dict[str, int]

    @classmethod
    def of(cls, case: dict[str, Any]) -> "Case":
        """Read a case; what it names becomes its own."""
        return cls(
            case["id"],
            RatePrior.of_counts(**case["prior"]) if "prior" in case else RatePrior(),
            [_event(case["id"], n, event) for n, event in enumerate(case["events"])],
            _request(case["id"], case["request"]),
            case.get("expect", {}),
            case.get("to_first", {}),
            _owned(case["id"], case.get("labels", {})),
            case.get("horizon_days"),
            _owned(case["id"], case.get("taught", {})),
            case.get("warnings", {}),
        )


def _owned(case: str, by_request: dict[str, Any]) -> dict[str, Any]:
    return {f"{case} {request}": told for request, told in by_request.items()}


def _event(case: str, number: int, event: dict[str, Any]) -> AnyEvent:
    own = {name: f"{case} {event[name]}" for name in _OWN if name in event}
    own.setdefault("event_id", f"{case} {number}")
    if event["kind"] == "ranking":
        own |= {"items": [f"{case} {item}" for item in event["items"]], "market": case}
    rest = {name: value for name, value in event.items() if name != "received"}
    received = event.get("received", event["event_time"])
    return parse_canonical({**rest, **own, "received_at": received})


def _request(case: str, request: dict[str, Any]) -> dict[str, Any]:
    fields = request.get("fields", {})
    return {
        "request_id": f"{case} request",
        "t": parse_instant(request["t"]),
        "user_id": f"{case} {request['user']}" if "user" in request else None,
        "query": request.get("query"),
        "query_key": query_key(request.get("query"), case),
        "market": case,
        "utc_offset_minutes": request.get("utc_offset_minutes"),
        "item_ids": [f"{case} {item}" for item in request["items"]],
        "fields": {f"{case} {item}": values for item, values in fields.items()},
    }
