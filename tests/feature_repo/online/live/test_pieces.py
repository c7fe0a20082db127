"""Large events are applied in pieces, so that no call of Redis takes long, and count once."""

import pytest

from feature_repo.online.live import commands
from tests.feature_repo.online.histories import NOW, click, comparable, facts, person, ranking

ITEMS = tuple(f"i{n}" for n in range(2 * commands.PIECE + 5))
CLICKS = [click(f"c{n}", NOW - 5, item, request_id="r1") for n, item in enumerate(ITEMS + ITEMS)]

MOST_COMMANDS = 400
"""Commands of Redis in one call of a script: some two milliseconds."""


def commands_of_calls(room, apply):
    """Return how many commands each call of a script runs."""
    room.client.script_flush()
    with room.client.monitor() as monitor:
        apply()
        room.client.echo("end")
        counts = []
        for entry in monitor.listen():
            words = entry["command"].upper()
            if words.startswith("ECHO END"):
                return counts
            if words.startswith("EVALSHA"):
                counts.append(0)
            elif entry["client_type"] == "lua":
                counts[-1] += 1


def reads(room):
    return comparable(facts(room, items=ITEMS))


def impressions(room):
    return reads(room).items["item_engagement__impressions_all"]


def test_no_call_has_more_than_a_piece_of_work(room):
    late = ranking("s1", NOW - 6, ["i1"], request_id="r1", user_id="u1", query="shoes")
    large = ranking("s2", NOW - 4, ITEMS, request_id="r2", user_id="u1", query="shoes")

    counts = commands_of_calls(
        room,
        lambda: (
            room.take(*CLICKS),
            room.take(late),
            room.take(large),
            room.take(person("p1", NOW - 3, "u1", op="erase")),
            room.writer.prune(10**6),
        ),
    )

    assert max(counts) <= MOST_COMMANDS
    assert len(counts) > len(CLICKS) + 2 * len(ITEMS) // commands.PIECE


def test_a_slate_stopped_between_its_pieces_counts_once_after_a_replay(room):
    event = ranking("s1", NOW - 6, ITEMS, request_id="r1", user_id="u1", query="shoes")
    room.take(event)
    (logged,) = room.log.unsealed()
    expected, (calls,) = reads(room), piece_calls(room, [logged])

    for done in range(len(calls)):
        room.writer.flush()
        room.writer._run(room.writer._apply, encoded(calls[:done]))
        room.writer.replay()
        assert reads(room) == expected, done

    assert len(calls) == 3
    assert impressions(room) == [1] * len(ITEMS)


def test_a_late_slate_gives_user_and_query_to_all_its_clicks(room):
    slate = ranking("s1", NOW - 6, ITEMS, request_id="r1", user_id="u1", query="shoes")
    room.take(slate)
    room.take(*CLICKS)
    expected = reads(room)

    room.writer.flush()
    room.writer.apply(CLICKS)
    outcomes = room.writer.apply([slate])

    assert outcomes == ["applied"]
    assert reads(room) == expected


@pytest.mark.parametrize("done", [1, 2])
def test_a_late_slate_stopped_among_its_clicks_is_completed_by_a_replay(room, done):
    slate = ranking("s1", NOW - 6, ["i1"], request_id="r1", user_id="u1", query="shoes")
    room.take(slate, *CLICKS)
    expected = reads(room)

    room.writer.flush()
    room.writer.apply(CLICKS)
    ((call,),) = piece_calls(room, [slate])
    for _ in range(done):
        room.writer._run(room.writer._apply, encoded([call]))
    room.writer.replay()

    assert reads(room) == expected


def test_an_id_of_an_applied_slate_adds_no_piece_of_another(room):
    room.take(ranking("s1", NOW - 6, ["i1"], request_id="r1"))

    room.take(ranking("s1", NOW - 6, ITEMS, request_id="r1"))

    assert impressions(room) == [None, 1, *[None] * (len(ITEMS) - 2)]


def piece_calls(room, events):
    part_of = room.log.seals().part_of
    return room.writer._enrichment.calls(events, part_of, room.clock.now())


def encoded(calls):
    return [(commands.encode_call({**call, "pruned": -1}),) for call in calls]
