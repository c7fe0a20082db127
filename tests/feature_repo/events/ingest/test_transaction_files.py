"""A table of transactions becomes events by its mapping; no line is lost."""

import csv
import json
from collections import Counter
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.events.ingest import ingest, validate
from feature_repo.events.log import list_relations
from feature_repo.home import Clock, MappingError
from tests.feature_repo.events.event_samples import compacted
from tests.feature_repo.events.ingest.mapped_lines import events_of, lines, mapping_of
from tests.online_retail import EXCLUDED, needs_online_retail
from tests.scale import examples

KIOSK = """
name = "kiosk"
timezone = "America/New_York"
delimiter = ";"
decimal = ","
time_format = "%d.%m.%Y %H:%M"

[columns]
item = "article"
time = "sold"
order = "till slip"
user = "card"
quantity = "pieces"
unit_price = "each"

[item_fields]
title = "label"
price = "each"

[user_fields]
town = "town"

[[cancellation]]
column = "pieces"
at_most = -0.001

[[exclude]]
column = "article"
matches = "^DEPOSIT"
reason = "a deposit is no product"

[[guest]]
column = "card"
matches = "^0$"
"""
HEADER = ["till slip", "article", "label", "pieces", "each", "sold", "card", "town", "unread"]


def slip(**changes):
    cells = {
        "till slip": "s1",
        "article": "a1",
        "label": "Newspaper",
        "pieces": "2",
        "each": "1,50",
        "sold": "01.07.2026 08:30",
        "card": "7",
        "town": "Troy",
        "unread": "x",
    }
    return [{**cells, **changes}[name] for name in HEADER]


@pytest.fixture
def mapping(tmp_path):
    return mapping_of(tmp_path, KIOSK)


def table(folder, *rows, name="kiosk.csv"):
    path = folder / name
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=";").writerows([HEADER, *rows])
    return path


def reasons(records):
    return {line.number: str(line.error) for line in records if line.error}


def test_line_becomes_item_user_and_purchase(mapping, tmp_path):
    item, user, bought = (line.raw for line in lines(mapping, table(tmp_path, slip())))

    assert item["fields"] == {"title": "Newspaper", "price": 1.5}
    assert (user["user_id"], user["fields"]) == ("7", {"town": "Troy"})
    assert bought["type"] == "purchase"
    assert (bought["item_id"], bought["user_id"], bought["session_id"]) == ("a1", "7", "s1")
    assert (bought["quantity"], bought["value"]) == (2, 3.0)
    assert bought["event_time"] == "2026-07-01T12:30:00.000000Z"


def test_item_is_upserted_only_when_it_changed(mapping, tmp_path):
    rows = [
        slip(sold="01.07.2026 08:30"),
        slip(sold="01.07.2026 09:30"),
        slip(sold="01.07.2026 10:30", each="1,70"),
    ]

    items = events_of(lines(mapping, table(tmp_path, *rows)), "item")

    assert [item["fields"] for item in items] == [
        {"title": "Newspaper", "price": 1.5},
        {"price": 1.7},
    ]


def test_cancellation_corrects_its_purchase_and_others_are_returns(mapping, tmp_path):
    path = table(
        tmp_path,
        slip(),
        slip(pieces="-2", sold="02.07.2026 08:30"),
        slip(pieces="-2", sold="03.07.2026 08:30"),
        slip(pieces="-1", sold="04.07.2026 08:30", card="8"),
    )

    bought, corrected, again, other = events_of(lines(mapping, path), "interaction")

    assert (corrected["type"], corrected["corrects"]) == ("purchase", bought["event_id"])
    assert [event["type"] for event in (again, other)] == ["return", "return"]
    assert (again["quantity"], again["value"], again["corrects"]) == (2, 3.0, None)


def test_line_without_a_purchase_is_quarantined_with_the_reason(mapping, tmp_path):
    path = table(
        tmp_path,
        slip(article="DEPOSIT 25"),
        slip(pieces="0"),
        slip(pieces="many"),
        slip(sold="yesterday"),
        slip(article=""),
        slip()[:-1],
        slip(),
    )

    records = lines(mapping, path)

    assert len(events_of(records, "interaction")) == 1
    assert sorted(reasons(records)) == [2, 3, 4, 5, 6, 7]
    assert "a deposit is no product" in reasons(records)[2]
    assert "units above 0" in reasons(records)[3]
    assert reasons(records)[7] == "line: expected 9 cells, found 8"


def test_guest_has_no_user(mapping, tmp_path):
    path = table(tmp_path, slip(card=""), slip(card="0", sold="02.07.2026 08:30"))

    records = lines(mapping, path)

    assert [event["user_id"] for event in events_of(records, "interaction")] == [None, None]
    assert events_of(records, "user") == []


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2011-07-01T10:00:00", "2011-07-01T09:00:00"),
        ("2011-12-01T10:00:00", "2011-12-01T10:00:00"),
        ("2011-10-30T01:30:00", "2011-10-30T00:30:00"),
        ("2011-03-27T01:30:00", "2011-03-27T01:30:00"),
        ("2011-07-01T10:00:00+02:00", "2011-07-01T08:00:00"),
    ],
    ids=["summer", "winter", "ambiguous", "skipped", "with offset"],
)
def test_times_are_in_the_time_zone_of_the_mapping(tmp_path, local, utc):
    mapping = mapping_of(
        tmp_path, 'timezone = "Europe/London"\n[columns]\nitem = "i"\ntime = "t"\n'
    )
    path = tmp_path / "t.csv"
    path.write_text(f"i,t\na,{local}\n")

    (bought,) = events_of(lines(mapping, path), "interaction")

    assert bought["event_time"] == f"{utc}.000000Z"


def test_typed_parquet_equals_the_same_table_as_text(mapping, tmp_path):
    sold = datetime(2026, 7, 1, 8, 30)
    columns = {
        "till slip": ["s1", "s2"],
        "article": pa.array(["a1", "a1"]).dictionary_encode(),
        "label": ["Newspaper", "Newspaper"],
        "pieces": [2, 1],
        "each": [1.5, 1.5],
        "sold": pa.array([sold, sold], pa.timestamp("ns")),
        "card": [7.0, float("nan")],
        "town": ["Troy", None],
    }
    pq.write_table(pa.table(columns), tmp_path / "kiosk.parquet")
    text = table(
        tmp_path, slip(), slip(**{"till slip": "s2", "pieces": "1", "card": "", "town": ""})
    )

    of_parquet = lines(mapping, tmp_path / "kiosk.parquet")

    assert [line.raw for line in of_parquet] == [line.raw for line in lines(mapping, text)]


slips = st.builds(
    slip,
    article=st.sampled_from(["a1", "a2", "DEPOSIT"]),
    pieces=st.sampled_from(["1", "2", "-1", "-2", "0", ""]),
    each=st.sampled_from(["1,50", "2", "", "x"]),
    sold=st.sampled_from(["01.07.2026 08:30", "01.07.2026 08:31", "02.07.2026 08:30", "?"]),
    card=st.sampled_from(["7", "8", "0", ""]),
)


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(slips, max_size=12), st.randoms())
def test_every_line_is_an_interaction_or_a_reason_in_any_order(tmp_path, rows, random):
    mapping = mapping_of(tmp_path, KIOSK)
    shuffled = list(rows)
    random.shuffle(shuffled)

    records = lines(mapping, table(tmp_path, *rows))
    again = lines(mapping, table(tmp_path, *shuffled))

    assert len(events_of(records, "interaction")) + len(reasons(records)) == len(rows)
    ids = [line.raw["event_id"] for line in records if line.raw]
    assert len(set(ids)) == len(ids)
    assert Counter(ids) == Counter(line.raw["event_id"] for line in again if line.raw)


def test_repeated_table_has_only_duplicates_and_dry_run_agrees(home, mapping, tmp_path):
    rows = [slip(), slip(), slip(article="DEPOSIT"), slip(article="a2", pieces="-1")]
    path = table(tmp_path, *rows)

    dry = validate([path], clock=Clock(), mapping=mapping)
    first = ingest([path], home=home, clock=Clock(), mapping=mapping)
    shuffled = ingest([table(tmp_path, *rows[::-1])], home=home, clock=Clock(), mapping=mapping)

    assert dry.kinds == first.kinds == {"item": 2, "user": 1, "interaction": 3}
    assert first.read == first.accepted + first.duplicate + first.quarantined.count
    assert (shuffled.accepted, shuffled.duplicate) == (0, first.accepted)


def test_quantity_is_stored_in_the_log(home, mapping, tmp_path, log):
    ingest([table(tmp_path, slip())], home=home, clock=Clock(), mapping=mapping)

    assert [e.quantity for e in compacted(log) if e.event_id.endswith("-1")] == [2.0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[columns]\nitem = 'a'", "a column for 'time', found none"),
        ("[columns]\nitem = 'a'\ntime = 't'\nprize = 'p'", "found prize"),
        ("timezone = 'Mars/Olympus'\n[columns]\nitem = 'a'\ntime = 't'", "Mars/Olympus"),
        (
            "[columns]\nitem = 'a'\ntime = 't'\n[[exclude]]\ncolumn = 'a'\nmatches = '('",
            "expression",
        ),
        ("[columns]\nitem = 'a'\ntime = 't'\n[[exclude]]\ncolumn = 'a'", "either"),
        ("columns = 3", "[columns]"),
        ("= 3", "expected TOML"),
    ],
)
def test_error_of_a_mapping_names_the_key(tmp_path, text, reason):
    with pytest.raises(MappingError, match=r"mapping\.toml") as error:
        mapping_of(tmp_path, text)

    assert reason in str(error.value)


def test_missing_column_of_a_table_is_named(mapping, tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("article;sold\na;b\n")

    with pytest.raises(MappingError, match=r"till slip.*the table has article, sold"):
        lines(mapping, path)


def test_undecodable_line_is_quarantined_alone(mapping, tmp_path):
    path = table(tmp_path, slip(), slip(label="@@"))
    path.write_bytes(path.read_bytes().replace(b"@@", b"\xff\xfe"))

    records = lines(mapping, path)

    assert list(reasons(records)) == [3]
    assert len(events_of(records, "interaction")) == 1


@needs_online_retail
def test_every_line_of_online_retail_is_an_event_or_a_reason(online_retail):
    excluded = json.loads((online_retail.root / EXCLUDED).read_text())
    (interactions,) = list_relations(online_retail.log / "compacted", "interaction")
    counts = Counter(pq.read_table(interactions, columns=["type"])["type"].to_pylist())

    assert counts.total() + sum(excluded.values()) == 431_673
    assert set(excluded) == {"StockCode", "UnitPrice"}
    assert counts["purchase"] > 50 * counts["return"] > 0
