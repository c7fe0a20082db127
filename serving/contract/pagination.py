"""Cursors: the `next` of a page contains the items of the following pages.

The order of a list is decided once.  Later pages follow it, even if features change, and skip
only items that can no longer be sold.  No page repeats an item, and the server stores nothing.
"""

import base64
import binascii
import zlib
from collections.abc import Sequence

import msgspec

from feature_repo.events.contract import identifier
from feature_repo.home import EventError

MAX_TOKEN_CHARACTERS = 100_000
_MAX_DECOMPRESSED_BYTES = 1_000_000
_FASTEST = 1
_EXPECTED = "the `next` of an answer"


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The items that follow a page.

    Attributes:
        item_ids: in their order.
        total: number of items of the whole list.
    """

    item_ids: tuple[str, ...]
    total: int | None = None


_decode = msgspec.json.Decoder(Cursor).decode


def encode_cursor(item_ids: Sequence[str], total: int | None) -> str | None:
    """Return the `next` of a page; None for the last page."""
    if not item_ids:
        return None
    packed = zlib.compress(msgspec.json.encode(Cursor(tuple(item_ids), total)), _FASTEST)
    return base64.urlsafe_b64encode(packed).decode()


def decode_cursor(token: str) -> Cursor:
    """Decode the `next` of a page.

    Raises:
        EventError: the token is not the `next` of an answer.
    """
    try:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise ValueError
        unpacked = zlib.decompressobj().decompress(
            base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True),
            _MAX_DECOMPRESSED_BYTES,
        )
        cursor = _decode(unpacked)
        ids = [identifier(item, "next") for item in cursor.item_ids]
    except (ValueError, binascii.Error, zlib.error, UnicodeEncodeError, EventError):
        raise EventError("next", _EXPECTED, "another text") from None
    if len(set(ids)) != len(ids):
        raise EventError("next", _EXPECTED, "an item twice")
    return cursor
