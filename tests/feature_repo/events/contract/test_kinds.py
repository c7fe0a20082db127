"""Each kind of event is declared completely and is read back from the log unchanged."""

from typing import Annotated, get_args

import msgspec
import pytest
from hypothesis import given, settings

from feature_repo.events.contract import (
    ARROW_SCHEMAS,
    DERIVED_COLUMNS,
    EVENT_KINDS,
    AnyEvent,
    Decision,
    EventKind,
)
from feature_repo.events.contract.event_kind import ERASED_USER
from feature_repo.events.contract.events import Event
from feature_repo.events.contract.fields import Field
from feature_repo.events.contract.value_types import ID, TEXT, platform_list
from feature_repo.events.ingest.parquet import kind_of_columns
from feature_repo.events.log import Seals, encode_event, to_table
from feature_repo.events.log.arrow import from_table
from feature_repo.events.log.erasure import Erased, anonymize
from feature_repo.events.log.segments import decode_event
from feature_repo.home import DAY
from tests.feature_repo.events.conftest import NOON
from tests.feature_repo.events.event_samples import click, events

ABOUT_A_PERSON = {"user", "session", "visitor", "customer", "shopper", "email", "device"}
SAMPLES = {str: "x", int: 7, float: 0.5, tuple: (), dict: {}}
SAMPLES[Decision] = Decision("banner/all/red", 0.5, NOON)


def omissions(kind):
    """Return the missing parts of a kind's declaration, each as a sentence."""
    try:
        fields = kind.fields
    except TypeError as error:
        return [str(error)]
    sentences = [
        f"{kind.name}.{name} sounds like a person but its privacy is public"
        for name, field in fields.items()
        if field.privacy == "public" and ABOUT_A_PERSON & {*name.split("_")}
    ]
    sentences += [
        f"{kind.name}.{name} is personal, but no field of {kind.name} has the privacy user_id, so "
        "it is never erased"
        for name, field in fields.items()
        if field.privacy == "personal" and not kind.user_ids
    ]
    sentences += [
        f"{kind.name}.{name} cannot be sent: its type has no reader"
        for name, field in fields.items()
        if kind.sent_by_shop and field.type.read is None and not field.by_platform
    ]
    types = {field.name: field.type for field in msgspec.structs.fields(kind.record)}
    sentences += [
        f"{kind.name}.{name} is personal and required, but erasure can only replace a text"
        for name, value in kind.erased_values.items()
        if value == ERASED_USER and plain(types[name]) is not str
    ]
    if kind.record not in get_args(AnyEvent):
        sentences.append(
            f"{kind.record.__name__} is missing in AnyEvent, so the log cannot decode it"
        )
    if EVENT_KINDS.get(kind.name) is not kind:
        sentences.append(f"{kind.name} is missing in EVENT_KINDS")
    if kind.sent_by_shop and kind_of_columns(set(kind.required_in_log)) != kind.name:
        sentences.append(
            f"{kind.name} requires the same fields as another kind: a Parquet file of it "
            "needs a column `kind`"
        )
    if not kind.record.__doc__:
        sentences.append(
            f"{kind.record.__name__} has no docstring, which its JSON Schema publishes"
        )
    return sentences


def sample(kind):
    """Return an event of a kind whose fields differ from their defaults."""
    types = {field.name: field.type for field in msgspec.structs.fields(kind.record)}
    names = (name for name in kind.fields if name not in ("op", "event_time", "received_at"))
    values = {name: SAMPLES[plain(types[name])] for name in names}
    return kind.record(**values, event_time=NOON, received_at=NOON)


def plain(type_):
    """Return the class in `Annotated[X, …]`, `X | None` or `dict[…]`."""
    inner = [part for part in get_args(type_) if part is not type(None)]
    return (
        type_
        if isinstance(type_, type) and not inner
        else (
            type_.__origin__
            if getattr(type_, "__origin__", None) in (tuple, dict)
            else plain(inner[0])
        )
    )


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_nothing_is_forgotten_in_the_declaration_of_a_kind(kind):
    assert omissions(EVENT_KINDS[kind]) == []


class Forgetful(Event, frozen=True, tag="forgetful"):
    stars: Annotated[float, Field(platform_list(), "Stars.", privacy="public")]
    session_id: Annotated[int, Field(ID, "The visit.", privacy="personal")]
    user_email: Annotated[str | None, Field(TEXT, "Address.", privacy="public")] = None


class Undeclared(Event, frozen=True, tag="undeclared"):
    """A kind whose field has no annotation."""

    stars: float


def test_omissions_name_what_a_declaration_forgot():
    missing = omissions(EventKind(Forgetful))

    assert [sentence.split()[0] for sentence in missing] == [
        "forgetful.user_email",
        "forgetful.session_id",
        "forgetful.stars",
        "forgetful.session_id",
        "Forgetful",
        "forgetful",
        "forgetful",
        "Forgetful",
    ]
    assert "sounds like a person" in missing[0]
    assert "never erased" in missing[1]
    assert omissions(EventKind(Undeclared)) == [
        "Undeclared: expected an annotation `Field(…)` for each field, found none for stars; see "
        "fields.py."
    ]


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_an_erased_user_leaves_no_personal_field(kind):
    event = sample(EVENT_KINDS[kind])
    user_ids = EVENT_KINDS[kind].user_ids

    erased = anonymize(event, Erased({"x": NOON}))

    if not user_ids:
        assert erased is event
        return
    for name, field in EVENT_KINDS[kind].fields.items():
        if field.privacy == "public":
            assert getattr(erased, name) == getattr(event, name)
        else:
            assert getattr(erased, name) in (None, ERASED_USER, {}, ())
    assert anonymize(event, Erased({"x": NOON - 1})) is event


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_columns_are_the_fields_of_the_record_and_the_derived_columns(kind):
    names = set(ARROW_SCHEMAS[kind].names) - set(DERIVED_COLUMNS)

    assert names == set(EVENT_KINDS[kind].record.__struct_fields__)


@given(events)
def test_event_survives_encoding_as_json_line(event):
    assert decode_event(encode_event(event)) == event
    assert b"\n" not in encode_event(event)


@settings(deadline=None)
@given(events)
def test_event_survives_conversion_to_arrow(event):
    kind = event.kind
    table = to_table(kind, [event, event], Seals().part_of)

    assert table.schema.equals(ARROW_SCHEMAS[kind])
    assert list(from_table(kind, table)) == [event, event]
    assert table.column("part").to_pylist() == [event.seen_at // DAY] * 2


def test_event_is_seen_after_event_time_and_received_at():
    assert click(at=7).seen_at == click(at=3, received_at=7).seen_at == 7


def test_record_is_immutable():
    with pytest.raises(AttributeError):
        click().event_time = 0
    assert msgspec.structs.replace(click(), received_at=5).received_at == 5
