"""Feast's protobuf messages of lists, without the second and the 100 MB that importing Feast takes.

Each has one repeated field, number 1 (`feast/types/Value.proto`).
"""

from functools import cache
from typing import Any

_ELEMENTS = {"INT64_LIST": "TYPE_INT64", "DOUBLE_LIST": "TYPE_DOUBLE", "STRING_LIST": "TYPE_STRING"}
"""Feast's value type → protobuf's type of an element."""


@cache
def list_message(kind: str) -> Any:
    """Return the message class of a list type; `val` has the elements.

    Raises:
        KeyError: no view of a shop has the type.
    """
    from google.protobuf.descriptor_pb2 import (  # type: ignore[import-untyped]
        FieldDescriptorProto,
        FileDescriptorProto,
    )
    from google.protobuf.descriptor_pool import DescriptorPool  # type: ignore[import-untyped]
    from google.protobuf.message_factory import GetMessageClass  # type: ignore[import-untyped]

    file = FileDescriptorProto(name=f"{kind}.proto", syntax="proto3")
    file.message_type.add(name=kind).field.add(
        name="val",
        number=1,
        type=FieldDescriptorProto.Type.Value(_ELEMENTS[kind]),
        label=FieldDescriptorProto.LABEL_REPEATED,
    )
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(kind))
