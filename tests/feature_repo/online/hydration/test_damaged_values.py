"""A live value that changed in Redis reads as missing, never as another value."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.events.contract import UserEvent
from feature_repo.home import LiveStateError
from feature_repo.online.redis import LiveKeys
from tests.benchmarks.faults.changed_bytes import differences
from tests.feature_repo.online.histories import NOW, click, facts, ranking, upsert
from tests.mutations import mutations
from tests.scale import examples

LISTS = ("recent:clicked:user:u1", "recent:shown:user:u1", "recent:clicked:session:s1")
VALUES = ("item:i1", "first:user:u1", "owner:s1")
RECORDS = ("act:e4", "request:r1")


@pytest.fixture
def lively(room):
    """A home with each kind of live value, all of one user, one session and one item."""
    room.take(
        upsert("e1", NOW - 900, "i1", brand="Acme", price=3),
        ranking("e3", NOW - 700, request_id="r1", user_id="u1", session_id="s1", query="shoes"),
        click("e4", NOW - 600, "i1", user_id="u1", session_id="s1", request_id="r1"),
        click("e5", NOW - 500, "i2", user_id="u1"),
        link("e6", NOW - 400),
    )
    return room


def link(event_id, at):
    of_session = {"op": "link", "user_id": "u1", "session_id": "s1"}
    return UserEvent(event_id=event_id, event_time=at, received_at=at, **of_session)


def key(room, name):
    return LiveKeys.of(room.home).prefix + name


def values(room):
    """Return every value of a named and of a nameless request, and the damaged views."""
    named = facts(room)
    nameless = room.reader.read(session_id="s1", query_key=None, item_ids=["i1"], t=NOW)
    both = {f"{name} u1": value for name, value in named.user.items()}
    both |= {f"{name} s1": value for name, value in nameless.session.items()}
    for name, column in named.items.items():
        both |= {f"{name} {n}": value for n, value in enumerate(column)}
    return both, named.damaged | nameless.damaged


def change_value(room, name, data):
    content = room.client.get(key(room, name))
    assert content, name
    room.client.set(key(room, name), data.draw(mutations(content)))


def change_list(room, name, data):
    """Change an entry or its instant."""
    entries = room.client.zrange(key(room, name), 0, -1, withscores=True)
    member, score = data.draw(st.sampled_from(entries))
    if data.draw(st.booleans()):
        new = data.draw(st.sampled_from([score - 1, score + 2**20, 0.5, 1e300, float("inf")]))
        room.client.zadd(key(room, name), {member: new})
    else:
        room.client.zrem(key(room, name), member)
        room.client.zadd(key(room, name), {data.draw(mutations(member)): score})


@pytest.mark.parametrize("name", [*LISTS, *VALUES, *RECORDS])
@given(st.data())
@settings(
    max_examples=examples(6),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_changed_live_value_is_missing_until_it_is_built_again(lively, name, data):
    before, damaged = values(lively)
    assert damaged == frozenset()

    change = change_list if name in LISTS else change_value
    change(lively, name, data)
    read, damaged = values(lively)
    other, missing = differences(before, read)

    assert other == 0
    assert bool(missing) == (name not in RECORDS)  # Which no request reads.
    assert bool(damaged) == (name not in RECORDS and name != "item:i1")

    lively.writer.flush()
    assert lively.writer.replay() > 0
    assert differences(before, values(lively)[0]) == (0, 0)


@pytest.mark.parametrize("name", [*LISTS, *VALUES])
def test_later_events_do_not_hide_a_change(lively, name):
    if name in LISTS:
        ((member, score),) = lively.client.zrange(key(lively, name), -1, -1, withscores=True)
        lively.client.zadd(key(lively, name), {member: score + 1})
    else:
        changed = bytearray(lively.client.get(key(lively, name)))
        changed[-1] ^= 1
        lively.client.set(key(lively, name), bytes(changed))
    lively.take(
        upsert("f1", NOW - 90, "i1", brand="Other"),
        click("f3", NOW - 70, "i3", user_id="u1", session_id="s1"),
        link("f4", NOW - 60),
    )

    read, damaged = values(lively)
    if name == "item:i1":
        assert read["item_attributes__brand 0"] is None
    else:
        assert damaged


@pytest.mark.parametrize("name", [*LISTS, *VALUES, *RECORDS])
def test_pruning_reports_a_changed_value_and_removes_nothing_of_it(lively, name):
    if name in LISTS:
        ((member, score),) = lively.client.zrange(key(lively, name), 0, 0, withscores=True)
        lively.client.zadd(key(lively, name), {member: score + 1})
    else:
        lively.client.append(key(lively, name), b"?")

    with pytest.raises(LiveStateError, match="changed"):
        lively.writer.prune(10**6)

    assert lively.client.exists(key(lively, name))
