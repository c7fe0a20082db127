"""The values of views from raw events, in plain Python: the reference of property tests."""

from collections import Counter

from feature_repo.events.contract import UserEvent, query_key
from feature_repo.home import DAY
from feature_repo.views import K_BOUGHT, K_CLICKED, K_QUERY_ITEMS, K_SHOWN, VALUE_SEPARATOR
from tests.feature_repo.histories import (
    START,
    changes_of,
    clicks,
    deltas,
    impressions,
    interactions,
    item_fields,
    searches,
)

MEASURES = (
    "impressions",
    "searches",
    "queries",
    "zero_results",
    "clicks",
    "carts",
    "orders",
    "revenue",
    "returns",
)


def midnights(events, last=None):
    """Return the midnights after days with an event, up to `last`."""
    last = max((event.seen_at for event in events), default=START) if last is None else last
    counted = [event for event in events if not isinstance(event, UserEvent)]
    ends = {(event.seen_at // DAY + 1) * DAY for event in counted}
    return sorted(midnight for midnight in ends if midnight <= last + 1)


def market_changes(events, market):
    """Yield (seen_at, measure, delta) of one market."""
    for event, _, _ in impressions(events):
        if event.market == market:
            yield event.seen_at, "impressions", 1
    for event in searches(events).values():
        if event.market == market:
            yield event.seen_at, "searches", 1
            query = query_key(event.query, event.market)
            yield event.seen_at, "queries", int(query is not None)
            yield event.seen_at, "zero_results", int(not event.items)
    for event, sign, _, _, _, where in interactions(events):
        if where == market:
            for measure, delta in changes_of(event, sign).items():
                if measure != "views":
                    yield event.seen_at, measure, delta


def market_totals(changes, midnight):
    seen = [change for change in changes if change[0] < midnight]
    if not seen:
        return None
    total = Counter()
    newest = max(seen_at for seen_at, _, _ in seen) // DAY
    for seen_at, measure, delta in seen:
        total[f"{measure}_all"] += delta
        total[f"{measure}_30d"] += delta if seen_at // DAY > newest - 30 else 0
    return {
        f"{measure}_{w}": total[f"{measure}_{w}"] for measure in MEASURES for w in ("30d", "all")
    }


def bought(events, user, midnight):
    """Return the items that a user bought most, as of a midnight; None without a purchase."""
    orders, last = Counter(), {}
    for event, sign, _, who, _ in clicks(events):
        if event.type == "purchase" and who == user and event.seen_at < midnight:
            orders[event.item_id] += sign
            if sign == 1:
                last[event.item_id] = max(event.seen_at, last.get(event.item_id, 0))
    if not orders:
        return None
    items = [item for item, count in orders.items() if count > 0]
    best = sorted(items, key=lambda item: (-orders[item], -last[item], item))[:K_BOUGHT]
    return {
        "bought_item_ids": best,
        "bought_orders": [orders[item] for item in best],
        "bought_at": [last[item] for item in best],
    }


def examined(events, item, midnight):
    """Count impressions at or above a click of their slate that was seen before the midnight."""
    at = {
        (e.request_id, shown): (e.seen_at, position) for e, shown, position in impressions(events)
    }
    lowest = {}
    for event, sign, *_ in clicks(events):
        shown_at, position = at.get((event.request_id, event.item_id), (midnight, 0))
        if sign == 1 and max(shown_at, event.seen_at) < midnight:
            lowest[event.request_id] = max(lowest.get(event.request_id, -1), position)
    return sum(
        shown == item and seen_at < midnight and position <= lowest.get(request, -1)
        for (request, shown), (seen_at, position) in at.items()
    )


def group(events, item, midnight):
    """Return items, impressions and clicks of the item's category, all time."""
    counts = {
        one: [c for c in deltas(events)["item_engagement"].get(one, []) if c[2] < midnight]
        for one in {e.item_id for e in events if hasattr(e, "item_id")}
        | {shown for _, shown, _ in impressions(events)}
    }
    kind = item_fields(events, item, before=midnight).get("kind")
    if kind is None:
        return None, None, None
    peers = [o for o in counts if item_fields(events, o, before=midnight).get("kind") == kind]
    totals = Counter()
    for peer in peers:
        for measure, delta, *_ in counts[peer]:
            totals[measure] += delta
    return len(peers), totals["impressions"], totals["clicks"]


def recent(events, user, instant):
    """Return the user's row before an instant; None without an event."""
    clicked = sorted(
        (e.seen_at, e.event_id, e.item_id)
        for e, _, _, who, _ in clicks(events)
        if who == user and e.corrects is None and e.seen_at < instant
    )[::-1][:K_CLICKED]
    shown = sorted(
        (e.seen_at, e.event_id, -position, item)
        for e, item, position in impressions(events)
        if e.user_id == user and e.seen_at < instant
    )[::-1][:K_SHOWN]
    if not clicked and not shown:
        return None
    return {
        name: value
        for verb, entries in (("clicked", clicked), ("shown", shown))
        for name, value in _lists(events, verb, [(e[-1], e[0]) for e in entries]).items()
    }


def _lists(events, verb, entries):
    fields = [item_fields(events, item, before=at) for item, at in entries]
    return {
        f"{verb}_item_ids": [item for item, _ in entries],
        f"{verb}_at": [at for _, at in entries],
        f"{verb}_kind": [one.get("kind") or "" for one in fields],
        f"{verb}_tags": [VALUE_SEPARATOR.join(one.get("tags") or []) for one in fields],
    }


def chosen(events, query, midnight):
    """Return the items clicked for a query before a midnight, most clicks first."""
    weights = Counter()
    for event, delta, _, _, clicked_for in clicks(events):
        if clicked_for == query and event.seen_at < midnight:
            weights[event.item_id] += delta
    heaviest = sorted((-w, item) for item, w in weights.items() if w > 0)[:K_QUERY_ITEMS]
    return [item for _, item in heaviest], [-weight for weight, _ in heaviest]
