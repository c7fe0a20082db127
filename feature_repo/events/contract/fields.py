"""The declaration of one field of an event.

A record declares each of its fields with an annotation that describes it completely:

    stars: Annotated[float | None, Field(NUMBER, "Stars, 1 to 5.", privacy="public")] = None

Parsing, JSON Schemas, the columns of the compacted log and erasure follow from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from feature_repo.events.contract.value_types import ValueType

Privacy = Literal["public", "personal", "user_id"]


@dataclass(frozen=True)
class Field:
    """Everything about one field, except its name and Python type.

    Attributes:
        type: how a value is read, published and stored.
        description: one sentence for senders, in the JSON Schema.
        privacy: `user_id` if the value names the user; `personal` if it can lead to the user;
            `public` if it stays when the user is erased.
        nullable: whether its column may be null; the column of a required field never is.
        by_platform: whether the platform writes it into events that shops send; its type then has
            no reader.
    """

    type: ValueType
    description: str
    privacy: Privacy
    nullable: bool = True
    by_platform: bool = False


def declared_field(annotation: Any) -> Field | None:
    """Return the `Field` in an annotation such as `Annotated[str, Field(…)] | None`."""
    return next(_fields_in(annotation), None)


def _fields_in(annotation: Any) -> Iterator[Field]:
    for part in (*get_args(annotation), *getattr(annotation, "__metadata__", ())):
        if isinstance(part, Field):
            yield part
        else:
            yield from _fields_in(part)
