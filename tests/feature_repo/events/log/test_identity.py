"""The log returns links, merges and the events of sessions and users, compacted or not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.events.contract import (
    InteractionEvent,
    Link,
    RankingEvent,
    ShownItem,
    UserEvent,
    link_of,
    merge_of,
    owner_changes,
)
from feature_repo.events.log import EventIndex, EventLog
from feature_repo.home import Home
from tests.feature_repo.events.conftest import NOON, ManualClock
from tests.feature_repo.events.event_samples import compacted, everything
from tests.scale import examples

SESSIONS, USERS, REQUESTS = ("s1", "s2"), ("u", "v", "w"), ("r1", "r2")


@st.composite
def event_of(draw, number):
    """Draw an event of few sessions, users and requests, seen out of order."""
    times = {"event_id": f"e{number:02d}", "event_time": NOON + draw(st.integers(-60, 10**6))}
    user = draw(st.sampled_from([*USERS, None]))
    session = draw(st.sampled_from([*SESSIONS, None]))
    request = draw(st.sampled_from(REQUESTS))
    match draw(st.sampled_from(["ranking", "click", "click", "link", "unlink", "merge"])):
        case "ranking":
            items = (ShownItem("i"),)
            return RankingEvent(
                **times, request_id=request, user_id=user, session_id=session, items=items
            )
        case "click":
            request = draw(st.sampled_from([request, None]))
            about = {"user_id": user, "session_id": session, "request_id": request}
            return InteractionEvent(**times, item_id="i", type="click", **about)
        case "merge":
            into, account = draw(st.permutations(USERS))[:2]
            return UserEvent(**times, user_id=into, op="merge", from_user_id=account)
        case op:
            return UserEvent(**times, user_id=user or "u", op=op, session_id=session or "s1")


@st.composite
def histories(draw):
    steps = [draw(event_of(n)) for n in range(draw(st.integers(0, 25)))]
    moves = st.sampled_from(["compact", None, None, None])
    return [step for event in steps for step in (draw(moves), event) if step is not None]


def filled(folder, history):
    log = EventLog(Home(folder / "home"), ManualClock())
    writer = log.writer()
    for step in history:
        if step == "compact":
            log.seal()
            log.compact()
        else:
            writer.append([step])
        log.links(SESSIONS)
    return log


def in_order(events):
    return sorted(events, key=lambda e: (e.seen_at, e.event_id))


def shopping(events):
    return [e for e in in_order(events) if isinstance(e, RankingEvent | InteractionEvent)]


def of_entity(events, entity, ids, least=None):
    """Return the events that name one of the ids, and interactions that inherit it.

    By default, an interaction inherits from rankings seen before it or at once.
    """
    named = [e for e in events if getattr(e, entity) in ids]
    rankings = [e for e in named if isinstance(e, RankingEvent)]
    inherits = [
        e
        for e in events
        if isinstance(e, InteractionEvent)
        and getattr(e, entity) is None
        and any(
            e.request_id == r.request_id and (r.seen_at if least is None else least) <= e.seen_at
            for r in rankings
        )
    ]
    return in_order(named + inherits)


def of_user(events, user, least=None):
    links = [link for link in map(link_of, events) if link]
    sessions = {link.session_id for link in links if link.user_id == user}
    shopped = shopping(events)
    both = [
        *of_entity(shopped, "user_id", [user], least),
        *of_entity(shopped, "session_id", sessions, least),
    ]
    return in_order({e.event_id: e for e in both}.values())


@settings(max_examples=examples(30), deadline=None)
@given(histories())
def test_lookups_return_what_the_whole_log_says(tmp_path_factory, history):
    log = filled(tmp_path_factory.mktemp("log"), history)
    events = everything(log).values()
    links = in_order(link for link in map(link_of, events) if link)
    merges = in_order(merge for merge in map(merge_of, events) if merge)

    returned = {session: log.links([session]) for session in SESSIONS}

    for session in SESSIONS:
        assert returned[session] == owner_changes(k for k in links if k.session_id == session)
        assert log.session_events(session) == of_entity(shopping(events), "session_id", [session])
    assert log.links(SESSIONS) == in_order(returned["s1"] + returned["s2"])
    for user in USERS:
        assert log.user_events(user) == of_user(events, user)
        both = {e.event_id: e for one in ("u", user) for e in of_user(events, one)}
        assert log.user_events("u", user) == in_order(both.values())
        assert log.merges([user]) == touching(merges, user)


def touching(merges, user):
    """Return the merges of a user with others, of these with others, and so on."""
    users, grown = {user}, {user}
    while grown:
        grown = {
            one
            for merge in merges
            if {merge.user_id, merge.from_user_id} & users
            for one in (merge.user_id, merge.from_user_id)
        } - users
        users |= grown
    return [merge for merge in merges if merge.user_id in users]


@settings(max_examples=examples(20), deadline=None)
@given(histories())
def test_rows_of_sessions_and_users_are_those_of_their_events(tmp_path_factory, history):
    log = filled(tmp_path_factory.mktemp("log"), [*history, "compact"])
    index, events = EventIndex(log.folder), compacted(log)

    def read(rows):
        return {event.event_id for event in index.read(rows)}

    for session in SESSIONS:
        shopped = of_entity(shopping(events), "session_id", [session], least=0)
        links = [e for e in events if isinstance(e, UserEvent) and e.session_id == session]
        assert read(index.session_rows([session])) == {e.event_id for e in [*shopped, *links]}
    for user in USERS:
        links = [link for link in map(link_of, events) if link]
        sessions = {link.session_id for link in links if link.user_id == user}
        named = [
            e
            for e in events
            if isinstance(e, UserEvent)
            and (user in (e.user_id, e.from_user_id) or e.session_id in sessions)
        ]
        expected = {e.event_id for e in [*of_user(events, user, least=0), *named]}
        assert read(index.user_rows([user])) == expected


def test_owner_changes_keep_what_changes_the_owner():
    owners = ["u", "u", None, None, "v", "u"]
    links = [Link(n, f"e{n}", "s", owner) for n, owner in enumerate(owners)]

    assert [link.seen_at for link in owner_changes(reversed(links))] == [0, 2, 4, 5]


@pytest.mark.parametrize("sealed", [False, True])
def test_a_long_session_has_few_links(log, sealed):
    clicks = [
        InteractionEvent(
            event_id=f"c{n:03d}",
            event_time=NOON,
            item_id="i",
            type="click",
            user_id="u",
            session_id="s",
        )
        for n in range(300)
    ]
    log.writer().append(clicks)
    if sealed:
        log.seal()
        log.compact()

    assert [link.event_id for link in log.links(["s"])] == ["c000"]
    assert len(log.session_events("s")) == 300


@pytest.mark.parametrize("sealed", [False, True])
def test_an_erased_user_has_no_links_merges_and_events(log, clock, sealed):
    about = {"event_time": NOON, "item_id": "i", "type": "click", "session_id": "s"}
    writer = log.writer()
    writer.append(
        [
            InteractionEvent(event_id="c1", user_id="u", **about),
            InteractionEvent(event_id="c2", user_id="v", **about),
            UserEvent(event_id="m", event_time=NOON, user_id="v", op="merge", from_user_id="u"),
        ]
    )
    if sealed:
        log.seal()
        log.compact()
    writer.append([UserEvent(event_id="e", event_time=clock.now(), user_id="u", op="erase")])

    assert [link.user_id for link in log.links(["s"])] == ["v"]
    assert log.merges(["v"]) == []
    assert [event.event_id for event in log.session_events("s")] == ["c2"]
    assert [event.event_id for event in log.user_events("v")] == ["c2"]
