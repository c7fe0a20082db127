"""Encodes and decodes feature rows and counter tiles."""

from feature_repo.online.codec import counter_tiles
from feature_repo.online.codec.damage import report_damage
from feature_repo.online.codec.list_messages import list_message
from feature_repo.online.codec.packing import (
    Bools,
    FixedColumn,
    Ints,
    Payloads,
    RowBatch,
    pack,
)
from feature_repo.online.codec.row_layout import (
    BLOCK_OF,
    CHECKSUM_SIZE,
    HAS_CREATED,
    VERSION,
    WHOLE,
    WIDTHS,
    RowField,
    RowLayout,
)
from feature_repo.online.codec.sealing import Written, load_tiles
from feature_repo.online.codec.tile_codec import counter_of
from feature_repo.online.codec.view_codec import RowCodec, ViewCodec, codec_of, codec_of_spec

__all__ = [
    "BLOCK_OF",
    "CHECKSUM_SIZE",
    "HAS_CREATED",
    "VERSION",
    "WHOLE",
    "WIDTHS",
    "Bools",
    "FixedColumn",
    "Ints",
    "Payloads",
    "RowBatch",
    "RowCodec",
    "RowField",
    "RowLayout",
    "ViewCodec",
    "Written",
    "codec_of",
    "codec_of_spec",
    "counter_of",
    "counter_tiles",
    "list_message",
    "load_tiles",
    "pack",
    "report_damage",
]
