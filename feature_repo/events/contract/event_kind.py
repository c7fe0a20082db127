"""The declaration of one kind of event, and the properties derived from it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property
from operator import attrgetter
from typing import Any, Literal, cast, get_type_hints

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.events.contract.events import Event
from feature_repo.events.contract.fields import Field, declared_field
from feature_repo.events.contract.query_key import query_key
from feature_repo.events.contract.value_types import INSTANT_COLUMN
from feature_repo.events.contract.values import Reader, text

ERASED_USER = "erased"
"""Replaces the user id of an erased user in records that require one."""

PartOf = Callable[[int], int]
Instants = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DerivedColumn:
    """A column of the compacted log that is computed from events and is not one of their fields.

    Attributes:
        follows: the column before it; kinds without that column lack this one too.
        values: computes it from events and `part_of`, the function from instants to parts.
    """

    name: str
    follows: str
    arrow: pa.DataType
    nullable: bool
    values: Callable[[Sequence[Any], PartOf], list[Any] | Instants]


def _seen_at(events: Sequence[Event], _: PartOf | None = None) -> Instants:
    times = (map(attrgetter(name), events) for name in ("event_time", "received_at"))
    return np.maximum(*(np.fromiter(instants, np.int64, len(events)) for instants in times))


def _parts(events: Sequence[Event], part_of: PartOf) -> list[int]:
    return [*map(part_of, _seen_at(events).tolist())]


def _query_keys(events: Sequence[Any], _: PartOf) -> list[str | None]:
    return [query_key(event.query, event.market) for event in events]


DERIVED_COLUMNS = {
    column.name: column
    for column in (
        DerivedColumn("seen_at", "received_at", INSTANT_COLUMN, False, _seen_at),
        DerivedColumn("part", "seen_at", pa.int64(), False, _parts),
        DerivedColumn("query_key", "query", pa.string(), True, _query_keys),
    )
}


@dataclass(frozen=True)
class Lookup:
    """How the log looks up single events of a kind.

    Attributes:
        key: the field to look up by.
        winner: which of several events with one key is returned, by `seen_at`.
    """

    key: Literal["event_id", "request_id"]
    winner: Literal["first", "last"] = "first"


@dataclass(frozen=True)
class OnlyWith:
    """A field that only some operations (`op`) of a kind have.

    Attributes:
        required: whether these operations need it.
    """

    field: str
    ops: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True)
class EventKind:
    """One kind of event.

    Attributes:
        record: its record; the record's annotations declare the fields.
        draft: record of a sender's event that validation completes; by default `record`.
        sent_by_shop: whether a shop may send it; otherwise only the platform writes it.
        feeds_features: whether transformations and the live state read it.
        lookup: how the log looks up single events; None if it never does.
        row_group: rows of a Parquet row group; few where single events are looked up.
        conditions: fields that only some operations have.
        scopes: by operation (`op`), the scope that a key of the HTTP service needs besides
            `events`.
    """

    record: type[Event]
    draft: type[Event] | None = None
    sent_by_shop: bool = True
    feeds_features: bool = True
    lookup: Lookup | None = None
    row_group: int = 50_000
    conditions: tuple[OnlyWith, ...] = ()
    scopes: Mapping[str, str] = dataclass_field(default_factory=dict)

    @cached_property
    def name(self) -> str:
        """The kind's name, the value of an event's key `kind`."""
        return str(self.record.__struct_config__.tag)

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The fields by name, in column order: first the fields that every event has."""
        common = Event.__struct_fields__
        own = (name for name in self.record.__struct_fields__ if name not in common)
        hints = get_type_hints(self.record, include_extras=True)
        declared = {name: declared_field(hints[name]) for name in (*common, *own)}
        if missing := [name for name, field in declared.items() if field is None]:
            raise TypeError(
                f"{self.record.__name__}: expected an annotation `Field(…)` for each field, found "
                f"none for {', '.join(missing)}; see fields.py."
            )
        return cast("Mapping[str, Field]", declared)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The fields that a sender must send, without `kind`."""
        return _required(self.draft or self.record, self.fields)

    @cached_property
    def required_in_log(self) -> frozenset[str]:
        """The fields that the record requires; a sender's event without one is a draft."""
        return frozenset(_required(self.record, self.fields))

    def record_for(self, names: Collection[str]) -> type[Event]:
        """Return the record of an event with these fields: `record`, or `draft` if it lacks one."""
        if self.draft is None or self.required_in_log.issubset(names):
            return self.record
        return self.draft

    @cached_property
    def readers(self) -> Mapping[str, Reader]:
        """The reader of each key that a sender may send."""
        readers = {name: field.type.read for name, field in self.fields.items()}
        return {"kind": text} | {name: read for name, read in readers.items() if read is not None}

    def scope_of(self, event: Event) -> str:
        """Return the scope that a key needs to send an event of the kind."""
        return self.scopes.get(getattr(event, "op", ""), "events")

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The columns of the kind in the compacted log."""
        columns = []
        for name, field in self.fields.items():
            is_nullable = field.nullable and name not in self.required_in_log
            columns.append(pa.field(name, field.type.arrow, nullable=is_nullable))
            columns += _derived_after(name)
        return pa.schema(columns)

    @cached_property
    def json_columns(self) -> frozenset[str]:
        """The columns that contain JSON text."""
        return frozenset(name for name, field in self.fields.items() if field.type.as_json)

    @cached_property
    def user_ids(self) -> tuple[str, ...]:
        """The fields that name a user; none if erasure does not change the kind."""
        return tuple(name for name, field in self.fields.items() if field.privacy == "user_id")

    @cached_property
    def erased_values(self) -> Mapping[str, object]:
        """The values of the personal fields after the user is erased."""
        defaults = {field.name: field for field in msgspec.structs.fields(self.record)}
        return {
            name: ERASED_USER if defaults[name].required else _default(defaults[name])
            for name, field in self.fields.items()
            if field.privacy != "public"
        }


def _required(record: type[Event], names: Mapping[str, Field]) -> tuple[str, ...]:
    required = {field.name for field in msgspec.structs.fields(record) if field.required}
    return tuple(name for name in names if name in required)


def _derived_after(column: str) -> list[pa.Field]:
    columns: list[pa.Field] = []
    for derived in DERIVED_COLUMNS.values():
        if derived.follows == column:
            columns.append(pa.field(derived.name, derived.arrow, nullable=derived.nullable))
            columns += _derived_after(derived.name)
    return columns


def _default(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default
