"""Event files of every format are read completely."""

import gzip
import json
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_repo.events.dialects import parse_events
from feature_repo.events.ingest import ingest
from feature_repo.events.ingest.files import EventFiles
from feature_repo.events.log import EventLog
from feature_repo.home import Home, parse_instant
from tests.feature_repo.events.event_samples import click, compacted, everything, item, ranking
from tests.feature_repo.hostile_inputs import GOOD_TIME, interaction
from tests.feature_repo.hostile_inputs import item as raw_item

MOMENT = datetime.fromisoformat(GOOD_TIME)


def lines(*paths):
    return list(EventFiles(paths))


def parsed(path):
    return [event for line in lines(path) for event in parse_events(line.raw)]


@pytest.fixture
def parquet(tmp_path):
    """Writes columns to a Parquet file."""

    def to_file(columns, name="events.parquet"):
        table = columns if isinstance(columns, pa.Table) else pa.table(columns)
        pq.write_table(table, tmp_path / name)
        return tmp_path / name

    return to_file


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
@pytest.mark.parametrize("name", ["e.jsonl", "e.json", "e.ndjson.gz", "without suffix"])
def test_json_lines_are_recognized_by_content(write, name, packed):
    content = b"".join(json.dumps(interaction(f"e{n}")).encode() + b"\n" for n in range(3))

    records = lines(write(packed(content), name))

    assert [line.number for line in records] == [1, 2, 3]
    assert [line.raw["event_id"] for line in records] == ["e0", "e1", "e2"]


def test_array_and_multi_line_object_are_read(write):
    events = [interaction("e0"), interaction("e1")]

    array = lines(write(json.dumps(events, indent=2).encode(), "a.json"))
    single = lines(write(json.dumps(events[0], indent=2).encode(), "b.json"))

    assert [line.raw for line in array] == events
    assert [line.raw for line in single] == events[:1]


def test_line_numbers_count_blank_lines(write):
    records = lines(write(b"\n\n{}\n  \n{broken\n"))

    assert [(line.number, line.error is None) for line in records] == [(3, True), (5, False)]


def test_too_long_line_does_not_affect_the_next(write):
    records = lines(write(b'"' + b"x" * 3_000_000 + b'"\n{}\n'))

    assert [(line.number, line.raw) for line in records] == [(1, None), (2, {})]
    assert "at most 1048576 bytes" in str(records[0].error)


def test_truncated_gzip_is_read_up_to_the_damage(write):
    content = b"".join(json.dumps(interaction(f"e{n}")).encode() + b"\n" for n in range(5_000))

    records = lines(write(gzip.compress(content)[:-30]))

    assert len(records) > 2_000
    assert [line.raw["event_id"] for line in records[:-1]] == [
        f"e{n}" for n in range(len(records) - 1)
    ]
    assert "damage from here on" in str(records[-1].error)


def test_folder_is_read_in_order_of_file_names(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.jsonl").write_text('{"n": 2}\n')
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"n": 1}\n'))
    (tmp_path / "deep" / "c.json").write_text('[{"n": 3}]')
    (tmp_path / "README.md").write_text("not an event")
    (tmp_path / ".hidden.jsonl").write_text("not an event")

    assert [line.raw["n"] for line in lines(tmp_path)] == [1, 2, 3]


def test_parquet_file_of_one_kind_needs_no_kind_column(parquet):
    path = parquet(
        {
            "event_id": ["e1", "e2"],
            "event_time": pa.array([MOMENT, MOMENT], pa.timestamp("ns", tz="Europe/Berlin")),
            "item_id": ["i1", "i1"],
            "type": ["click", "purchase"],
            "value": [None, 9.5],
        }
    )

    at = parse_instant(GOOD_TIME)
    assert parsed(path) == [
        click("e1", at),
        click("e2", at).__class__(
            event_id="e2", event_time=at, item_id="i1", type="purchase", value=9.5
        ),
    ]


def test_kind_column_sets_the_kind_of_each_row(parquet):
    path = parquet(
        {
            "kind": ["item", "ranking"],
            "event_id": ["i1", "r1"],
            "event_time": [GOOD_TIME, GOOD_TIME],
            "item_id": ["i1", None],
            "request_id": [None, "r1"],
            "items": [None, ["i1", "i2"]],
        }
    )

    first, second = parsed(path)

    assert first.item_id == "i1"
    assert [shown.item_id for shown in second.items] == ["i1", "i2"]
    assert second.utc_offset_minutes == 0


@pytest.mark.parametrize(
    ("column", "fields"),
    [
        (pa.array(['{"price": 1.5, "brand": null}']), {"price": 1.5, "brand": None}),
        (pa.array([{"price": 1.5, "brand": None}]), {"price": 1.5}),
        (
            pa.array([[("brand", None), ("title", "x")]], pa.map_(pa.string(), pa.string())),
            {"brand": None, "title": "x"},
        ),
        (
            pa.array([{"price": Decimal("1.50"), "added": date(2021, 1, 2), "at": MOMENT}]),
            {"price": 1.5, "added": "2021-01-02", "at": "2021-11-15T12:00:00"},
        ),
        (pa.array([None], pa.string()), {}),
    ],
    ids=["json", "struct", "map", "rich struct", "null"],
)
def test_parquet_fields_may_be_json_struct_or_map(parquet, column, fields):
    path = parquet(
        {"event_id": ["i1"], "event_time": [1636977600], "item_id": [7], "fields": column}
    )

    (event,) = parsed(path)

    assert (event.item_id, event.fields) == ("7", fields)


def test_compacted_files_can_be_ingested(log, home, tmp_path, clock):
    log.writer().append(
        [item(fields={"tags": ["a"], "gone": None}), click(value=2.0), ranking(query="q")]
    )
    log.seal()
    log.compact()
    other = Home(tmp_path / "other")

    report = ingest([home.log / "compacted"], home=other, clock=clock)

    assert (report.accepted, report.quarantined.first) == (3, [])
    copied = EventLog(other, clock)
    assert everything(copied) == {event.event_id: event for event in compacted(log)}


def test_rows_of_an_unrelated_table_are_quarantined(parquet, home, clock):
    path = parquet({"product": ["a", "b"], "colour": ["red", "blue"]})

    report = ingest([path], home=home, clock=clock)

    assert [(q.line, q.reason.split(":")[0]) for q in report.quarantined.first] == [
        (1, "kind"),
        (2, "kind"),
    ]


def test_damaged_parquet_page_affects_only_its_row_group(parquet, home, clock):
    events = [raw_item(event_id=f"i{n}") for n in range(40)]
    path = parquet(pa.Table.from_pylist(events))
    pq.write_table(pa.Table.from_pylist(events), path, row_group_size=10, compression="none")
    content = bytearray(path.read_bytes())
    start = pq.read_metadata(path).row_group(1).column(1).data_page_offset
    content[start : start + 30] = b"\xff" * 30
    path.write_bytes(bytes(content))

    report = ingest([path], home=home, clock=clock)

    assert report.read == 40
    assert report.accepted + report.quarantined.count == 40
    assert report.accepted >= 30
