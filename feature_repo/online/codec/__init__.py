"""Encodes and decodes feature rows and counter tiles."""

from feature_repo.online.codec import arrow_columns, counter_tiles, proto_values
from feature_repo.online.codec.packing import Bools, Ints, RowBatch, pack
from feature_repo.online.codec.proto_values import message_class, value_field
from feature_repo.online.codec.row_layout import (
    BLOCK_OF,
    CHECKSUM_SIZE,
    HAS_CREATED,
    VERSION,
    WHOLE,
    RowField,
    RowLayout,
)
from feature_repo.online.codec.sealing import Written, load_tiles
from feature_repo.online.codec.tile_codec import counter_of
from feature_repo.online.codec.view_codec import RowCodec, ViewCodec, codec_of

__all__ = [
    "BLOCK_OF",
    "CHECKSUM_SIZE",
    "HAS_CREATED",
    "VERSION",
    "WHOLE",
    "Bools",
    "Ints",
    "RowBatch",
    "RowCodec",
    "RowField",
    "RowLayout",
    "ViewCodec",
    "Written",
    "arrow_columns",
    "codec_of",
    "counter_of",
    "counter_tiles",
    "load_tiles",
    "message_class",
    "pack",
    "proto_values",
    "value_field",
]
