"""Logs of experiments: shoppers with a known click rate, and answers that treat them."""

import numpy as np

from feature_repo.events.contract import InteractionEvent, RankingEvent, ServedEvent, ShownItem
from feature_repo.events.log import EventLog
from feature_repo.home import DAY, HOUR, MINUTE, Clock, Home, Settings, parse_instant, to_text

START = parse_instant("2026-03-01T00:00:00Z")
NAME = "new-ranker"
ITEMS = tuple(f"i{n}" for n in range(10))


def write_log(home: Home, events) -> Home:
    """Append events to the log of a home, seal and compact it."""
    last = max(event.event_time for event in events)
    log = EventLog(home, Clock.of(Settings(home=home, clock=to_text(last + HOUR))))
    log.writer().append(events)
    log.seal()
    log.compact()
    return home


def slate(
    request,
    user,
    at,
    *,
    variant=None,
    unit="user",
    clicks=(),
    degraded=(),
    took_ms=None,
    device=None,
    is_lost=False,
    **changes,
):
    """Return an answer, its slate as shown, and a click on some positions.

    Args:
        variant: of the experiment that treats the request; without one it is not treated.
        clicks: positions from 1.
        is_lost: the answer is not in the log.
    """
    items = tuple(map(ShownItem, ITEMS))
    shared = {"request_id": request, "user_id": user, "items": items, **changes}
    tags = {} if variant is None else {NAME: (variant, unit)}
    answer = ServedEvent(
        event_id=f"s{request}",
        event_time=at,
        experiments=tags,
        degraded=degraded,
        took_ms=took_ms,
        device=device,
        **shared,
    )
    return [
        *([] if is_lost else [answer]),
        RankingEvent(event_id=f"r{request}", event_time=at + 1, **shared),
        *(
            act(f"c{request}-{position}", user, at + MINUTE + position, item=ITEMS[position - 1])
            for position in clicks
        ),
    ]


def act(event_id, user, at, *, type_="click", item="i0", **changes):
    """Return an interaction; a click names the request in its id."""
    request = event_id[1:].partition("-")[0] if event_id.startswith("c") else None
    named = {"request_id": request, "user_id": user, "item_id": item, "type": type_, **changes}
    return InteractionEvent(event_id=event_id, event_time=at, **named)


def simulated_log(home, *, users=400, days=4, rates=(0.1, 0.1), lost=0.0, lost_answers=0.0, seed=0):
    """Write a log in which each user sees a slate a day, before and during the experiment.

    Args:
        rates: clicks per impression of control and candidate; users differ around them.
        lost: share of the candidate's users without an answer in the log.
        lost_answers: share of the candidate's answers that are not in the log.
    """
    rng = np.random.default_rng(seed)
    events = []
    for n in range(users):
        user, is_treated = f"u{n}", n % 2
        taste = rng.gamma(4.0, 0.25)
        is_lost = is_treated and rng.random() < lost
        for day in range(-days, days):
            rate = rates[is_treated] if day >= 0 else rates[0]
            clicks = (1 + np.flatnonzero(rng.random(len(ITEMS)) < rate * taste)).tolist()
            at = START + day * DAY + n * MINUTE
            events += slate(
                f"{user}d{day}".replace("-", "m"),
                user,
                at,
                variant=None if day < 0 else ("control", "candidate")[is_treated],
                clicks=clicks,
                is_lost=is_lost or (is_treated and day >= 0 and rng.random() < lost_answers),
            )
    return write_log(home, events)
