"""Events of a few entities whose counts in Redis are compared with those of the log."""

import random

from feature_repo.events.contract import InteractionEvent, RankingEvent, ShownItem, query_key
from feature_repo.online.hydration.merge import counters
from feature_repo.online.redis import LiveKeys, redis_client
from feature_repo.online.redis.server import ensure_redis
from feature_repo.views import COUNTER_VIEWS
from tests.feature_repo.histories import counts, deltas
from tests.scale import seconds

ENTITIES = {
    "item": ["two-a", "two-b", "two-c"],
    "user": ["two-u", "two-v"],
    "query": [query_key("two hats", "default"), query_key("two shoes", "default")],
}


def batch(number, clock):
    """Return a slate, interactions with it, and perhaps a corrected purchase."""
    rng, name = random.Random(number), f"two-{number}"
    items = rng.sample(ENTITIES["item"], 2)
    user, query = rng.choice(ENTITIES["user"]), rng.choice(["two hats", "two shoes"])
    slate = RankingEvent(
        event_id=name,
        event_time=clock.now(),
        request_id=name,
        user_id=user,
        query=query,
        items=tuple(map(ShownItem, items)),
    )
    acts = [("click", None), ("purchase", None), ("purchase", f"{name}-1")][: rng.randint(1, 3)]
    return [
        slate,
        *(
            InteractionEvent(
                event_id=f"{name}-{n}",
                event_time=clock.now(),
                item_id=items[0],
                type=type_,
                request_id=name,
                value=19.9,
                corrects=corrects,
            )
            for n, (type_, corrects) in enumerate(acts)
        ),
    ]


def live_counts(settings, t):
    """Yield the counts of each entity in Redis."""
    with redis_client(ensure_redis(settings), timeout=seconds(5)) as client:
        for view in COUNTER_VIEWS:
            entities = ENTITIES[view.entity]
            names = [LiveKeys.of(settings.home).tile(view.name, entity) for entity in entities]
            for entity, tile in zip(entities, client.mget(names), strict=True):
                yield view, entity, counters(view, tile, t)


def differing(events, rows, t):
    """Yield the counts that differ from the events' counts."""
    for view, entity, row in rows:
        expected = counts(deltas(events)[view.name].get(entity, []), view.measures, t)
        actual = row and {name: row[name] for name in view.features}
        if actual != {name: expected[name] for name in view.features}:
            yield view.name, entity, actual, expected
