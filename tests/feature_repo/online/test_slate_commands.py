"""What is asked about a slate is what a client would write, and is told apart again."""

import pytest
from hiredis import pack_command

from feature_repo.errors import RedisError
from feature_repo.online.slate_commands import ITEM_STRINGS, SlateCommands, Told

ITEMS = ["a", "ü", "x" * 300]


@pytest.fixture
def commands(room):
    reader = room.reader
    return SlateCommands(reader._keys, reader._rows, ("user_recent", "user_first_seen"))


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


def test_commands_are_written_as_a_client_writes_them(commands):
    asked = commands.written(ITEMS, "u", "default|shoes", "default")

    found = words_of(asked.commands)

    assert asked.commands == b"".join(map(pack_command, found))
    assert [words[0] for words in found] == [b"ZREVRANGE", b"ZREVRANGE", b"MGET"]
    assert len(found) == asked.answers


def test_without_a_user_no_list_is_asked_for(commands):
    asked = commands.written(ITEMS, None, None, "default")

    assert [words[0] for words in words_of(asked.commands)] == [b"MGET"]
    assert asked.answers == 1


def test_the_strings_of_an_item_follow_each_other(commands):
    asked = commands.written(ITEMS, None, None, "default")

    keys = words_of(asked.commands)[0][1:]

    for n, item in enumerate(ITEMS):
        theirs = list(keys[ITEM_STRINGS * n : ITEM_STRINGS * (n + 1)])
        assert all(key.endswith(item.encode()) for key in theirs)
        assert theirs == list(commands.item_keys(item))


def test_answers_are_told_apart_as_they_were_asked_for():
    strings = [b"%d" % n for n in range(ITEM_STRINGS * 2 + 3)]

    told = Told.of([["clicked"], ["shown"], strings], 2)

    assert told.lists == [["clicked"], ["shown"]]
    assert told.items == [strings[:ITEM_STRINGS], strings[ITEM_STRINGS : 2 * ITEM_STRINGS]]
    assert told.others == strings[-3:]


def test_an_error_in_place_of_the_strings_is_raised():
    with pytest.raises(RedisError, match="LOADING"):
        Told.of([Exception("LOADING")], len(ITEMS))
