"""The events of the storefront, sent through the same intake as those of every shop."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from feature_repo.events.dialects import CANONICAL
from feature_repo.home import AisleError, to_text
from serving.contract import SlateAnswer, new_id
from serving.flow import Resources
from serving.storefront.visitor import Visitor

_logger = logging.getLogger(__name__)

NOT_INTERESTED = "not_interested"
"""Type of an interaction that no feature of Aisle counts; a shop can declare a measure of it."""


def interaction(
    resources: Resources, visitor: Visitor, type_: str, item_id: str, **fields: Any
) -> dict[str, Any]:
    """Return an interaction of this instant, as `POST /events` takes it."""
    return {
        "kind": "interaction",
        "event_id": f"shop-{new_id()}",
        "event_time": to_text(resources.clock.now()),
        "type": type_,
        "item_id": item_id,
        **_shopper(visitor),
        **fields,
    }


def click(
    resources: Resources, visitor: Visitor, item_id: str, request_id: str
) -> dict[str, Any] | None:
    """Return the click on an item of an answer to this visitor; None if there is no such answer.

    The id of the event depends on the answer and the item alone, so that a page that is loaded
    again counts no second click.
    """
    served = resources.answer_log.get(request_id)
    if served is None or served.session_id != visitor.session:
        return None
    if all(item.item_id != item_id for item in served.items):
        return None
    digest = hashlib.sha256(f"{request_id}\x1f{item_id}".encode()).hexdigest()[:32]
    event = interaction(resources, visitor, "click", item_id, request_id=request_id)
    return event | {"event_id": f"shop-click-{digest}"}


def shown(
    resources: Resources,
    visitor: Visitor,
    answer: SlateAnswer,
    item_ids: Sequence[str],
    context: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the report that items of an answer were shown.

    Args:
        resources: of the process.
        visitor: who saw them.
        answer: of the flow.
        item_ids: those of its items that the page has.
        context: surface, query and market, for a slate that is not the whole answer.
    """
    event: dict[str, Any] = {
        "kind": "ranking",
        "event_id": f"shop-shown-{answer.request_id}",
        "event_time": to_text(resources.clock.now()),
        "request_id": answer.request_id,
    }
    if [item.item for item in answer.items] == list(item_ids):
        return event
    items = [{"item_id": item_id} for item_id in item_ids]
    return event | {"items": items, **_shopper(visitor), **context}


def send(resources: Resources, events: Sequence[Mapping[str, Any]]) -> bool:
    """Log events and apply them to the features; return whether they were logged.

    It waits for the disk, so it must not run in the event loop.  A page is shown even where the log
    cannot be written.
    """
    body = msgspec.json.encode(events)
    try:
        answer = resources.event_intake.ingest(body, CANONICAL.parse, "storefront", _anyone)
    except AisleError as error:
        _logger.error("The storefront's events were not logged: %s", error)
        return False
    for finding in answer.quarantined:
        _logger.error("The storefront sent a wrong event: %s: %s", finding.field, finding.reason)
    return not answer.quarantined


def _anyone(_: object) -> None:
    """Let the storefront send its events without a key."""


def _shopper(visitor: Visitor) -> dict[str, str]:
    user = {"user_id": visitor.user} if visitor.user else {}
    return {**user, "session_id": visitor.session}
