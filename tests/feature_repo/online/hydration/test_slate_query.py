"""What is asked about a slate is what a client would write, and is told apart again."""

import pytest
from hiredis import pack_command

from feature_repo.home import RedisError

ITEM_STRINGS = 4
"""Tile, live values, row of attributes and row of percentiles."""

ITEMS = ["a", "ü", "x" * 300]


@pytest.fixture
def commands(room):
    return room.reader._commands


def words_of(commands):
    """The words of commands in the Redis protocol, sizes counted in bytes."""
    found, rest = [], commands
    while rest:
        head, _, rest = rest.partition(b"\r\n")
        words = []
        for _ in range(int(head[1:])):
            size, _, rest = rest.partition(b"\r\n")
            end = int(size[1:])
            words.append(rest[:end])
            rest = rest[end + 2 :]
        found.append(tuple(words))
    return found


@pytest.mark.parametrize(
    ("is_vouched", "of_items"), [(False, [b"MGET"]), (True, [b"CLIENT", b"MGET"])]
)
def test_commands_are_written_as_a_client_writes_them(commands, is_vouched, of_items):
    asked = commands.written(ITEMS, "u", "default|shoes", "default", is_vouched=is_vouched)

    found = words_of(asked.commands)

    assert asked.commands == b"".join(map(pack_command, found))
    assert [words[0] for words in found] == [b"ZREVRANGE", b"ZREVRANGE", b"MGET", *of_items]
    assert len(found) == asked.answers


def test_without_user_and_items_one_command_asks_for_the_others(commands):
    asked = commands.written([], None, None, "default", is_vouched=True)

    assert [words[0] for words in words_of(asked.commands)] == [b"MGET"]
    assert asked.answers == 1


def test_the_strings_of_an_item_follow_each_other(commands):
    asked = commands.written(ITEMS, None, None, "default")

    keys = words_of(asked.commands)[-1][1:]

    for n, item in enumerate(ITEMS):
        theirs = list(keys[ITEM_STRINGS * n : ITEM_STRINGS * (n + 1)])
        assert all(key.endswith(item.encode()) for key in theirs)
        assert theirs == list(commands.item_keys(item))


@pytest.mark.parametrize("is_vouched", [False, True])
def test_answers_are_told_apart_as_they_were_asked_for(commands, is_vouched):
    asked = commands.written(ITEMS, "u", None, "default", is_vouched=is_vouched)
    strings = [b"%d" % n for n in range(ITEM_STRINGS * len(ITEMS))]

    told = asked.told([["clicked"], ["shown"], [b"others"], *[b"OK"] * is_vouched, strings])

    assert told.lists == [["clicked"], ["shown"]]
    assert [text for of_item in told.items for text in of_item] == strings
    assert {*map(len, told.items)} == {ITEM_STRINGS}
    assert told.others == [b"others"]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_error_in_place_of_strings_is_raised(commands, place):
    answers = [[], b"OK", []]
    answers[place] = Exception("LOADING")

    with pytest.raises(RedisError, match="LOADING"):
        commands.written(ITEMS, None, None, "default", is_vouched=True).told(answers)
