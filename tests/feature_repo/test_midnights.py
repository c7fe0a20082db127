"""What is told once a day, against a brute force over raw events."""

from collections import Counter

from hypothesis import HealthCheck, given, settings

from feature_repo.home import Home
from feature_repo.instants import DAY
from feature_repo.transformations.run import transform
from tests.feature_repo.histories import (
    SHOPS,
    START,
    Rows,
    changes_of,
    deltas,
    impressions,
    interactions,
    item_fields,
    searches,
    write_log,
    write_shop,
)
from tests.feature_repo.histories import clicks as positive

SHOP = """
name = "groups"
[[item]]
name = "kind"
type = "category"
role = "category"
"""
MEASURES = ("impressions", "searches", "clicks", "carts", "orders", "revenue", "returns")


def midnights(events):
    """Those after a day on which anything happened, as far as it is known in full."""
    last = max((event.seen_at for event in events), default=START)
    found = {(event.seen_at // DAY + 1) * DAY for event in events}
    return sorted(midnight for midnight in found if midnight <= last + 1)


def happened_in(events, market):
    """(seen_at, measure, delta) of one market."""
    for event, _, _ in impressions(events):
        if event.market == market:
            yield event.seen_at, "impressions", 1
    for event in searches(events).values():
        if event.market == market:
            yield event.seen_at, "searches", 1
    for event, sign, _, _, _, where in interactions(events):
        if where == market:
            for measure, delta in changes_of(event, sign).items():
                if measure != "views":
                    yield event.seen_at, measure, delta


def usual(changes, midnight):
    known = [change for change in changes if change[0] < midnight]
    if not known:
        return None
    total = Counter()
    newest = max(seen_at for seen_at, _, _ in known) // DAY
    for seen_at, measure, delta in known:
        total[f"{measure}_all"] += delta
        total[f"{measure}_30d"] += delta if seen_at // DAY > newest - 30 else 0
    return {
        f"{measure}_{w}": total[f"{measure}_{w}"] for measure in MEASURES for w in ("30d", "all")
    }


def examined(events, item, midnight):
    """Impressions at or above a click of their slate, it and its place known by then."""
    at = {(e.request_id, shown): (e.seen_at, place) for e, shown, place in impressions(events)}
    lowest = {}
    for event, sign, *_ in positive(events):
        shown_at, place = at.get((event.request_id, event.item_id), (midnight, 0))
        if sign == 1 and event.seen_at < midnight and shown_at < midnight:
            lowest[event.request_id] = max(lowest.get(event.request_id, -1), place)
    return sum(
        shown == item and seen_at < midnight and place <= lowest.get(request, -1)
        for (request, shown), (seen_at, place) in at.items()
    )


def group(events, item, midnight):
    """Items of the item's category, with impressions and clicks of all time."""
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


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(SHOPS)
def test_markets_and_standings_are_those_of_the_last_midnight(tmp_path_factory, events):
    home = Home(tmp_path_factory.mktemp("midnights") / "home")
    write_shop(home, SHOP)
    write_log(home, events)

    transform(home, START)

    markets = Rows(home.features / "market_usual", "market")
    standings = Rows(home.features / "item_standing", "item_id")
    changes = {m: [*happened_in(events, m)] for m in {e.market for e, _, _ in impressions(events)}}
    for midnight in midnights(events):
        for market, of_it in changes.items():
            row = markets.at(market, midnight)
            assert (row and {name: row[name] for name in row if name[-4:] in ("_30d", "_all")}) == (
                usual(of_it, midnight)
            )
        for item in {shown for e, shown, _ in impressions(events) if e.seen_at < midnight}:
            row = standings.at(item, midnight)
            assert row["examined_impressions"] == examined(events, item, midnight)
            found = (row["category_items"], row["category_impressions"], row["category_clicks"])
            assert found == group(events, item, midnight)
