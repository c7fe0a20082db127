"""Slate requests are encoded as redis-py encodes them, and replies are split accordingly."""

import pytest
from hiredis import pack_command

from feature_repo.home import RedisError
from feature_repo.online.hydration.slate_query import Shopper

STRINGS_PER_ITEM = 4
"""Tile, live values, row of attributes and row of percentiles."""

ITEMS = ["a", "ü", "x" * 300]
NOBODY, USER = Shopper(), Shopper("u")
USER_KEYS = [
    "live:erased:user:u",
    "live:first:user:u",
    "live:tile:user_engagement:u",
    "live:user:u",
    "user_attributes",
    "user_first_seen",
    "user_recent",
]
"""How the keys of a user's strings begin or end, in their order."""


@pytest.fixture
def encoder(room):
    return room.reader.encoder


def parse_commands(commands):
    """Return the words of commands in the Redis protocol, whose sizes are in bytes."""
    parsed, tail = [], commands
    while tail:
        head, _, tail = tail.partition(b"\r\n")
        words = []
        for _ in range(int(head[1:])):
            size, _, tail = tail.partition(b"\r\n")
            end = int(size[1:])
            words.append(tail[:end])
            tail = tail[end + 2 :]
        parsed.append(tuple(words))
    return parsed


@pytest.mark.parametrize(
    ("is_tracked", "item_commands"), [(False, [b"MGET"]), (True, [b"CLIENT", b"MGET"])]
)
def test_commands_are_encoded_as_a_client_encodes_them(encoder, is_tracked, item_commands):
    request = encoder.encode(ITEMS, USER, "default|shoes", "default", is_tracked=is_tracked)

    commands = parse_commands(request.commands)

    assert request.commands == b"".join(map(pack_command, commands))
    names = [words[0] for words in commands]
    assert names == [b"ZREVRANGE", b"ZREVRANGE", b"MGET", *item_commands]
    assert len(commands) == request.reply_count


def test_request_without_user_and_items_is_one_command(encoder):
    request = encoder.encode([], NOBODY, None, "default", is_tracked=True)

    assert [words[0] for words in parse_commands(request.commands)] == [b"MGET"]
    assert request.reply_count == 1


def test_strings_of_an_item_are_adjacent(encoder):
    request = encoder.encode(ITEMS, NOBODY, None, "default")

    keys = parse_commands(request.commands)[-1][1:]

    for n, item in enumerate(ITEMS):
        item_keys = list(keys[STRINGS_PER_ITEM * n : STRINGS_PER_ITEM * (n + 1)])
        assert all(key.endswith(item.encode()) for key in item_keys)
        assert item_keys == list(encoder.item_keys(item))


def test_request_without_a_session_reads_no_string_of_one(encoder):
    request = encoder.encode(ITEMS, USER, "default|shoes", "default")

    lists, others = parse_commands(request.commands)[:2], parse_commands(request.commands)[2][1:]

    assert [words[0] for words in lists] == [b"ZREVRANGE", b"ZREVRANGE"]
    assert [name for name, key in zip(USER_KEYS, others, strict=False) if name.encode() in key] == (
        USER_KEYS
    )
    assert not any(b"session" in key for key in others)


def test_session_adds_its_lists_and_strings_to_the_same_commands(encoder):
    alone = parse_commands(encoder.encode([], USER, None, "default").commands)

    both = parse_commands(encoder.encode([], Shopper("u", "s"), None, "default").commands)

    assert [words[0] for words in both] == [b"ZREVRANGE"] * 4 + [b"MGET"]
    assert both[:2] == alone[:2]
    assert both[-1][: len(alone[-1])] == alone[-1]
    assert all(key.endswith(b":s") for key in both[-1][len(alone[-1]) :])


@pytest.mark.parametrize("is_tracked", [False, True])
def test_replies_are_split_in_the_order_of_the_commands(encoder, is_tracked):
    request = encoder.encode(ITEMS, Shopper("u", "s"), None, "default", is_tracked=is_tracked)
    strings = [b"%d" % n for n in range(STRINGS_PER_ITEM * len(ITEMS))]
    others = [b"%d" % n for n in range(sum(request.sizes.values()))]
    lists = [["clicked"], ["shown"], ["clicked in s"], ["shown in s"]]

    reply = request.parse([*lists, others, *[b"OK"] * is_tracked, strings])

    assert reply.lists == {"user": lists[:2], "session": lists[2:]}
    assert [text for of_item in reply.items for text in of_item] == strings
    assert {*map(len, reply.items)} == {STRINGS_PER_ITEM}
    assert [text for of_entity in reply.strings.values() for text in of_entity] == others
    assert [*reply.strings] == ["user", "query", "market", "session"]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_error_reply_is_raised(encoder, position):
    replies = [[], b"OK", []]
    replies[position] = Exception("LOADING")

    with pytest.raises(RedisError, match="LOADING"):
        encoder.encode(ITEMS, NOBODY, None, "default", is_tracked=True).parse(replies)
