"""To whom events belong, and the rows of users and sessions, by brute force over lists of events.

Nothing here is shared with the product: each function reads raw events, as the rules are written.
An instant is that of a request, which knows what was seen before it.
"""

from hypothesis import strategies as st

from feature_repo.events.contract import (
    POSITIVE_TYPES,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ShownItem,
    UserEvent,
)
from feature_repo.home import DAY, HOUR
from feature_repo.views import K_CLICKED, K_SHOWN
from tests.feature_repo import histories
from tests.feature_repo.histories import START

USERS, SESSIONS, ITEMS = ("u", "v", "w"), ("s", "d"), ("a", "b", "c")


def attributions(events):
    """Return event id → [(user, from)]: the users whose history an event is part of, from when on.

    A correction belongs to the owner of the event that it corrects, once both are logged.
    """
    ignored = ignored_corrections(events)
    return {
        event.event_id: [
            (user, max(start, event.seen_at))
            for first, since in _users_of(events, _named_by(events, event))
            for user, start in _with_merges(events, first, since)
        ]
        for event in _shopping(events)
        if event.event_id not in ignored
    }


def ignored_corrections(events):
    """Return ids of corrections of nothing, of a correction, or of an event already corrected."""
    by_id = {event.event_id: event for event in events}
    ignored, corrected = set(), set()
    for event in _shopping(events):
        if getattr(event, "corrects", None) is None:
            continue
        named = by_id.get(event.corrects)
        is_right = (
            isinstance(named, InteractionEvent)
            and named.corrects is None
            and named.seen_at <= event.seen_at
            and named.event_id not in corrected
        )
        if is_right:
            corrected.add(named.event_id)
        else:
            ignored.add(event.event_id)
    return ignored


def session_of(events, event):
    """Return the session of a ranking or interaction: its own, else that of its ranking."""
    event = _named_by(events, event)
    ranking = _ranking_of(events, event)
    return event.session_id or (ranking and ranking.session_id)


def owners(events, session):
    """Return [(seen_at, event id, user or None)]: each link and unlink of a session, in order."""
    links = []
    for event in _in_order(events) if session is not None else []:
        if getattr(event, "session_id", None) != session or getattr(event, "corrects", None):
            continue
        if isinstance(event, UserEvent):
            if event.op in ("link", "unlink"):
                owner = event.user_id if event.op == "link" else None
                links.append((event.seen_at, event.event_id, owner))
        elif event.user_id is not None:
            links.append((event.seen_at, event.event_id, event.user_id))
    return links


def merged_into(events):
    """Return user → (instant, user): the merges that count, by the account that was merged."""
    into = {}
    for event in _in_order(events):
        if not isinstance(event, UserEvent) or event.op != "merge" or event.from_user_id in into:
            continue
        last = event.user_id
        while last in into:
            last = into[last][1]
        if last != event.from_user_id:
            into[event.from_user_id] = (event.seen_at, event.user_id)
    return into


def user_counts(events, user, instant):
    """Return the counts of a user before an instant; None before the first that counts."""
    return _counts(_changes(events, instant, _users(events)), user, instant)


def session_counts(events, session, instant):
    """Return the counts of a session before an instant; None before the first that counts."""
    return _counts(_changes(events, instant, _sessions(events)), session, instant)


def user_recent(events, user, instant):
    """Return the recent lists of a user before an instant; None without an entry."""
    return _recent(events, user, instant, _users(events))


def session_recent(events, session, instant):
    """Return the recent lists of a session before an instant; None without an entry."""
    return _recent(events, session, instant, _sessions(events))


def user_first_seen(events, user, instant):
    """Return when the first event of a user was seen, of those known before an instant."""
    upserts = [
        event.seen_at
        for event in events
        if isinstance(event, UserEvent)
        and (event.op, event.user_id) == ("upsert", user)
        and event.fields
        and event.seen_at < instant
    ]
    return min([*upserts, *_first(events, user, instant, _users(events))], default=None)


def session_first_seen(events, session, instant):
    """Return when the first event of a session was seen, before an instant."""
    return min(_first(events, session, instant, _sessions(events)), default=None)


def session_owner(events, session, instant):
    """Return (owner, is_shared, first_linked_at) of a session before an instant; None if it was
    never linked."""
    links = [(seen_at, user) for seen_at, _, user in owners(events, session) if seen_at < instant]
    if not links:
        return None
    users = [user for _, user in links]
    is_shared = None in users or len(set(users)) > 1
    return users[-1], is_shared, links[0][0]


def _users(events):
    attributed = attributions(events)
    return lambda event: attributed.get(event.event_id, [])


def _sessions(events):
    ignored = ignored_corrections(events)

    def of(event):
        session = None if event.event_id in ignored else session_of(events, event)
        return [] if session is None else [(session, event.seen_at)]

    return of


def _users_of(events, event):
    """Return [(user, from)] without merges: the user it names, or the owner of its session."""
    ranking = _ranking_of(events, event)
    direct = event.user_id or (ranking and ranking.user_id)
    if direct:
        return [(direct, event.seen_at)]
    links = owners(events, session_of(events, event))
    before = [user for at, key, user in links if (at, key) <= (event.seen_at, event.event_id)]
    if before and before[-1] is not None:
        return [(before[-1], event.seen_at)]
    later = [
        (user, at)
        for at, key, user in links
        if (at, key) > (event.seen_at, event.event_id) and user is not None
    ]
    return later[:1]


def _with_merges(events, user, since):
    into, pairs = merged_into(events), [(user, since)]
    while user in into:
        merged_at, user = into[user]
        since = max(since, merged_at)
        pairs.append((user, since))
    return pairs


def _named_by(events, event):
    """Return the event that a correction names; any other event itself."""
    if getattr(event, "corrects", None) is None:
        return event
    by_id = {one.event_id: one for one in events}
    named = by_id.get(event.corrects)
    return named if isinstance(named, InteractionEvent) else event


def _ranking_of(events, event):
    """Return the first ranking of an interaction's request, if it was seen by then."""
    if not isinstance(event, InteractionEvent) or event.request_id is None:
        return None
    rankings = [
        one
        for one in _shopping(events)
        if isinstance(one, RankingEvent) and one.request_id == event.request_id
    ]
    return rankings[0] if rankings and rankings[0].seen_at <= event.seen_at else None


def _changes(events, instant, belongs_to):
    """Yield (entity, measure, delta, bucket) of the events before an instant."""
    for event, _, _ in histories.impressions(events):
        for entity, since in belongs_to(event):
            if since < instant:
                yield entity, "impressions", 1, event.event_time // DAY
    for event in _shopping(events):
        if not isinstance(event, InteractionEvent):
            continue
        named, sign = _named_by(events, event), -1 if event.corrects else 1
        for entity, since in belongs_to(event):
            if since < instant:
                for measure, delta in histories.changes_of(named, sign).items():
                    yield entity, measure, delta, named.event_time // DAY


def _counts(changes, entity, instant):
    own = [(measure, delta, 0, bucket) for one, measure, delta, bucket in changes if one == entity]
    measures = ("impressions", "views", "clicks", "carts", "orders", "revenue", "returns")
    counted = histories.counts(own, measures, instant)
    return counted and {name: value for name, value in counted.items() if name != "part"}


def _recent(events, entity, instant, belongs_to):
    """Order entries by when they happened, then by when they became known."""
    clicked = sorted(
        (event.seen_at, since, event.event_id, event.item_id)
        for event in _shopping(events)
        if isinstance(event, InteractionEvent)
        and event.corrects is None
        and event.type in POSITIVE_TYPES
        for since in _begins(belongs_to(event), entity, instant)
    )[::-1][:K_CLICKED]
    shown = sorted(
        (event.seen_at, since, event.event_id, -position, item)
        for event, item, position in histories.impressions(events)
        for since in _begins(belongs_to(event), entity, instant)
    )[::-1][:K_SHOWN]
    if not clicked and not shown:
        return None
    return {
        f"{verb}_{name}": values
        for verb, entries in (("clicked", clicked), ("shown", shown))
        for name, values in (
            ("item_ids", [entry[-1] for entry in entries]),
            ("at", [entry[0] for entry in entries]),
            ("kind", [_kind(events, entry[-1], entry[0]) for entry in entries]),
        )
    }


def _kind(events, item, before):
    return histories.item_fields(events, item, before=before).get("kind") or ""


def _begins(pairs, entity, instant):
    return [since for one, since in pairs if one == entity and since < instant]


def _first(events, entity, instant, belongs_to):
    return [
        event.seen_at
        for event in _shopping(events)
        if getattr(event, "corrects", None) is None and _begins(belongs_to(event), entity, instant)
    ]


def _in_order(events):
    return sorted(events, key=lambda event: (event.seen_at, event.event_id))


def _shopping(events):
    return [e for e in _in_order(events) if isinstance(e, RankingEvent | InteractionEvent)]


_TIMES = st.sampled_from([0, 1, 2, 3, HOUR, DAY - 1, DAY, DAY + 1, 7 * DAY, 8 * DAY, 31 * DAY])
_DELAYS = st.sampled_from([0, 0, 0, 0, 1, HOUR, 3 * DAY])


@st.composite
def identity_histories(draw, most=14, prefix=""):
    """Draw events of few users, sessions and items: links, log-outs, merges, late ones, deletes.

    Session `d` is a device that all users share.  Several events may share an instant.
    """
    return [draw(_event(prefix, n)) for n in range(draw(st.integers(1, most)))]


@st.composite
def _event(draw, prefix, number):
    happened = START + draw(_TIMES) + draw(st.integers(0, 3))
    times = {
        "event_id": f"{prefix}{number:02d}",
        "event_time": happened,
        "received_at": happened + draw(_DELAYS),
    }
    user, other = (prefix + one for one in draw(st.permutations(USERS))[:2])
    session, item = prefix + draw(st.sampled_from(SESSIONS)), prefix + draw(st.sampled_from(ITEMS))
    kinds = ["ranking", "click", "click", "click", "link", "unlink", "merge", "item", "user"]
    match draw(st.sampled_from(kinds)):
        case "item":
            fields = draw(st.sampled_from([{"kind": "x"}, {"kind": "y"}, {"kind": None}, None]))
            op = "delete" if fields is None else "upsert"
            return ItemEvent(**times, item_id=item, op=op, fields=fields or {})
        case "user":
            return UserEvent(**times, user_id=user, fields={"age": number})
        case "merge":
            return UserEvent(**times, user_id=user, op="merge", from_user_id=other)
        case "link" | "unlink" as op:
            return UserEvent(**times, user_id=user, op=op, session_id=session)
        case kind:
            named = {
                "user_id": draw(st.sampled_from([None, None, user])),
                "session_id": draw(st.sampled_from([session, session, None])),
            }
            request = prefix + draw(st.sampled_from(["r1", "r2"]))
            if kind == "ranking":
                slate = draw(st.lists(st.sampled_from(ITEMS), min_size=1, unique=True))
                items = tuple(ShownItem(prefix + one) for one in slate)
                return RankingEvent(**times, **named, request_id=request, items=items)
            corrected = f"{prefix}{draw(st.integers(0, 5)):02d}"
            return InteractionEvent(
                **times,
                **named,
                item_id=item,
                type=draw(st.sampled_from([*POSITIVE_TYPES, "view"])),
                value=draw(st.sampled_from([None, 12.5])),
                request_id=draw(st.sampled_from([request, None])),
                corrects=draw(st.sampled_from([*[None] * 5, corrected])) if number else None,
            )
