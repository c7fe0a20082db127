"""Pages of a slate: `next` carries what is left of its order, so no page repeats another.

The order is decided once.  A later page is cut from it, whatever was learned meanwhile; only items
that can no longer be sold are missing.  Nothing is kept on the server.
"""

import base64
import binascii
import zlib
from collections.abc import Sequence

import msgspec

from feature_repo.events.contract import identifier
from feature_repo.home import EventError

LONGEST_TOKEN = 100_000
_LONGEST = 1_000_000
_QUICKLY = 1
_EXPECTED = "the `next` of an answer"


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """What follows a page.

    Attributes:
        item_ids: in their order.
        total: how many items there are in all.
    """

    item_ids: tuple[str, ...]
    total: int | None = None


_decode = msgspec.json.Decoder(Cursor).decode


def encode_cursor(item_ids: Sequence[str], total: int | None) -> str | None:
    """The `next` of a page; None where nothing follows."""
    if not item_ids:
        return None
    packed = zlib.compress(msgspec.json.encode(Cursor(tuple(item_ids), total)), _QUICKLY)
    return base64.urlsafe_b64encode(packed).decode()


def decode_cursor(token: str) -> Cursor:
    """What a `next` says.

    Raises:
        EventError: it is none of ours.
    """
    try:
        if len(token) > LONGEST_TOKEN:
            raise ValueError
        unpacked = zlib.decompressobj().decompress(
            base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True), _LONGEST
        )
        rest = _decode(unpacked)
        ids = [identifier(item, "next") for item in rest.item_ids]
    except (ValueError, binascii.Error, zlib.error, UnicodeEncodeError, EventError):
        raise EventError("next", _EXPECTED, "another text") from None
    if len(set(ids)) != len(ids):
        raise EventError("next", _EXPECTED, "an item twice")
    return rest
