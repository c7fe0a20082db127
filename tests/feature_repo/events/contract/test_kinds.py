"""The records, their Arrow columns and the log's two forms say the same."""

import msgspec
import pytest
from hypothesis import given, settings

from feature_repo.events.contract import ARROW_SCHEMAS, DERIVED_COLUMNS, EVENT_KINDS
from feature_repo.events.log import Seals, encode_event, to_table
from feature_repo.events.log.arrow import from_table
from feature_repo.events.log.segments import decode_event
from feature_repo.home import DAY
from tests.feature_repo.events.event_samples import click, events


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_columns_are_the_fields_of_the_record_and_the_derived_columns(kind):
    names = set(ARROW_SCHEMAS[kind].names) - set(DERIVED_COLUMNS)

    assert names == set(EVENT_KINDS[kind].record.__struct_fields__)


@given(events)
def test_an_event_comes_back_from_its_line(event):
    assert decode_event(encode_event(event)) == event
    assert b"\n" not in encode_event(event)


@settings(deadline=None)
@given(events)
def test_an_event_comes_back_from_its_row(event):
    kind = event.kind
    table = to_table(kind, [event, event], Seals().part_of)

    assert table.schema.equals(ARROW_SCHEMAS[kind])
    assert list(from_table(kind, table)) == [event, event]
    assert table.column("part").to_pylist() == [event.seen_at // DAY] * 2


def test_an_event_is_seen_when_it_happened_and_was_received():
    assert click(at=7).seen_at == click(at=3, received_at=7).seen_at == 7


def test_a_record_cannot_be_changed():
    with pytest.raises(AttributeError):
        click().event_time = 0
    assert msgspec.structs.replace(click(), received_at=5).received_at == 5
