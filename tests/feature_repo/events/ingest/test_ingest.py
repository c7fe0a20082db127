"""Files are ingested once, with the right times and a consistent report."""

import gzip
import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.events.ingest import ingest, validate
from feature_repo.events.log import EventLog
from feature_repo.home import (
    DAY,
    HOUR,
    MINUTE,
    Clock,
    Home,
    LateFileError,
    LogError,
    parse_instant,
    to_text,
)
from tests.feature_repo.events.conftest import NOON
from tests.feature_repo.events.event_samples import compacted, everything, served
from tests.feature_repo.hostile_inputs import HOSTILE, interaction, item, line, ranking
from tests.scale import examples

DATA = Path(os.environ.get("AISLE_DATA", "../shared/data"))
RANKLENS = DATA / "ranklens" / "events.jsonl.gz"


def raw(event_id, at=NOON - HOUR, **changes):
    return interaction(event_id, event_time=to_text(at), **changes)


@pytest.mark.skipif(not RANKLENS.exists(), reason=f"{RANKLENS} is missing; see AISLE_DATA")
def test_ranklens_is_ingested_completely(home):
    report = ingest([RANKLENS], home=home, clock=Clock())

    assert (report.read, report.accepted, report.quarantined.first) == (46_881, 46_881, [])
    assert report.kinds == {"item": 2_512, "ranking": 7_852, "interaction": 36_517}
    assert report.unknown_items["interactions"] == 73
    assert report.out_of_order == 0
    assert sum(report.click_positions.values()) == 36_517
    assert report.click_positions[1] > report.click_positions[12] > 0
    assert report.to_dict()["first_event_time"] == "2021-11-14T16:25:00.000000Z"


def test_file_is_logged_sealed_and_compacted(home, clock, write, log):
    report = ingest([write([item(), raw("c1")])], home=home, clock=clock)

    assert report.seal == log.seals().last
    assert log.compacted_ids(["i1", "c1"]) == {"i1", "c1"}
    assert list(log.unsealed()) == []
    assert [event.received_at for event in compacted(log)] == [NOON, NOON - HOUR]


def test_repeated_file_contains_only_duplicates_even_before_the_seal(home, clock, write):
    path = write([raw("c1"), raw("c2"), raw("c1")])

    first = ingest([path], home=home, clock=clock)
    again = ingest([path], home=home, clock=clock)

    assert (first.accepted, first.duplicate) == (2, 1)
    assert (again.accepted, again.duplicate) == (0, 3)


def test_file_with_new_events_before_the_seal_is_refused(home, clock, write, log):
    ingest([write([raw("c1")])], home=home, clock=clock)
    later = write([raw("c1"), raw("c2"), raw("c3", clock.instant + 1)], "later.jsonl")

    with pytest.raises(LateFileError, match="--backfill"):
        ingest([later], home=home, clock=clock)

    assert set(everything(log)) == {"c1"}
    assert list((home.log / "staging").iterdir()) == []


def test_received_at_of_a_file_is_retained(home, clock, write, log):
    seal = ingest([write([raw("c1")])], home=home, clock=clock).seal

    ingest([write([raw("c2", received_at=to_text(seal + 1))])], home=home, clock=clock)

    assert everything(log)["c2"].received_at == seal + 1
    assert everything(log)["c2"].event_time == NOON - HOUR


def test_late_mode_receives_events_now(home, clock, write, log):
    seal = ingest([write([raw("c1")])], home=home, clock=clock).seal

    report = ingest([write([raw("c1"), raw("c2")])], home=home, clock=clock, mode="late")

    assert (report.accepted, report.duplicate) == (1, 1)
    assert seal < everything(log)["c2"].received_at <= report.seal
    assert not log.rebuild_needed


def test_backfill_changes_the_past_and_requires_a_rebuild(home, clock, write, log):
    for day in range(3):
        clock.instant = NOON + day * DAY
        ingest([write([raw(f"c{day}", clock.instant - 1)])], home=home, clock=clock)

    report = ingest([write([raw("old", NOON + DAY // 2)])], home=home, clock=clock, mode="backfill")

    assert report.accepted == 1
    assert everything(log)["old"].seen_at == NOON + DAY // 2
    assert log.seals().instants == (report.seal,)
    assert len(compacted(log)) == 4
    parts = {path.name for path in log.relation_paths("interaction")}
    assert parts == {f"part-{(NOON + n * DAY - 1) // DAY:08d}.parquet" for n in range(3)} | {
        f"part-{(NOON + DAY // 2) // DAY:08d}.parquet"
    }
    assert log.rebuild_needed
    log.rebuild_done()
    assert not log.rebuild_needed


def test_backfill_of_recent_events_drops_no_seal(home, clock, write, log):
    ingest([write([raw("c1")])], home=home, clock=clock)

    ingest([write([raw("c2", clock.instant + 1)])], home=home, clock=clock, mode="backfill")

    assert len(log.seals().instants) == 2
    assert not log.rebuild_needed


def test_file_without_valid_events_adds_no_seal(home, clock, write, log):
    report = ingest([write(b"wrong file\n")], home=home, clock=clock)

    assert (report.read, report.seal) == (1, None)
    assert log.seals().version == 0


def test_event_slightly_ahead_of_the_clock_stays_unsealed(home, clock, write, log):
    path = write([raw("soon", NOON + 4 * MINUTE), raw("far", NOON + 6 * MINUTE)])

    report = ingest([path], home=home, clock=clock)

    assert (report.accepted, report.quarantined.count) == (1, 1)
    assert "at most 5 minutes after" in report.quarantined.first[0].reason
    assert [event.event_id for event in log.unsealed()] == ["soon"]


def test_ingested_ranking_without_items_gets_the_served_items(home, clock, write, log):
    (answer,) = log.writer().append([served(request_id="r1")])
    omitting = {k: v for k, v in ranking(event_time=to_text(NOON)).items() if k != "items"}

    report = ingest([write([omitting])], home=home, clock=clock)

    assert report.accepted == 1
    assert everything(log)["r1"].items == answer.items


def test_metarank_search_without_results_is_logged(home, clock, write, log):
    search = {"event": "ranking", "timestamp": to_text(NOON), "items": []}
    query = {"fields": [{"name": "query", "value": "green shoes"}]}

    report = ingest(
        [write([search | {"id": "r1"} | query, search | {"id": "r2"}])], home=home, clock=clock
    )

    assert report.accepted == 1
    assert "a query without results" in report.quarantined.first[0].reason
    assert everything(log)["r1"].items == ()
    assert everything(log)["r1"].query == "green shoes"


def test_unknown_items_have_no_item_event_in_file_or_log(home, clock, write):
    ingest([write([item(event_time=to_text(NOON - DAY))])], home=home, clock=clock)
    path = write(
        [
            ranking(event_id="r2", items=["i1", "i2", "i3"], event_time=to_text(clock.instant + 1)),
            raw("c1", clock.instant + 1, item_id="i2"),
            raw("c2", clock.instant + 1, item_id="i9"),
            item(event_id="later", item_id="i3", event_time=to_text(clock.instant + 1)),
        ]
    )

    report = ingest([path], home=home, clock=clock)

    assert report.unknown_items == {"interactions": 2, "ranking_items": 1, "items": 2}


def test_clicks_are_counted_by_position_before_and_after_their_ranking(clock, write):
    path = write(
        [
            raw("c1", item_id="i2", request_id="r1"),
            ranking(event_time=to_text(NOON)),
            raw("c2", item_id="i1", request_id="r1"),
            raw("c3", item_id="i2", request_id="r1"),
            raw("c4", item_id="i7", request_id="r1"),
            raw("c5", item_id="i1"),
            raw("p1", item_id="i1", request_id="r1", type="purchase"),
        ]
    )

    report = validate([path], clock=clock)

    assert report.click_positions == {1: 1, 2: 2}
    assert (report.unplaced_clicks, report.unshown_clicks) == (2, 1)
    assert report.out_of_order == 1


def test_dry_run_writes_nothing_and_compares_with_a_given_log(home, clock, write):
    path = write([raw("c1")])

    assert validate([path], clock=clock, home=home).accepted == 1
    assert not home.root.exists()
    ingest([path], home=home, clock=clock)
    assert validate([path], clock=clock, home=home).duplicate == 1


def test_progress_increases_to_the_total(home, clock, write):
    path = write([raw(f"c{n}") for n in range(3_000)])
    seen = []

    ingest([path], home=home, clock=clock, progress=lambda *at: seen.append(at))

    assert seen == sorted(seen)
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)


def test_missing_path_is_an_error(home, clock, tmp_path):
    with pytest.raises(LogError, match="found neither"):
        ingest([tmp_path / "absent.jsonl"], home=home, clock=clock)
    with pytest.raises(LogError, match="found none"):
        ingest([tmp_path], home=home, clock=clock)


def test_server_can_write_during_an_ingest(home, write):
    clock = Clock()
    log, start = EventLog(home, clock), clock.now()
    path = write([raw(f"c{n}", start) for n in range(2_000)])
    writer, logged, stop = log.writer(), [], threading.Event()

    def serve():
        while not stop.is_set():
            (event,) = writer.append([served(f"s{len(logged)}", start)])
            logged.append(event)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        ingest([path], home=home, clock=clock, mode="late")
    finally:
        stop.set()
        thread.join()

    assert {event.event_id for event in logged} | {f"c{n}" for n in range(2_000)} == set(
        everything(log)
    )
    log.seal()
    log.compact()
    assert len(compacted(log)) == len(logged) + 2_000


lines = st.one_of(
    st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")),
    st.sampled_from([line(interaction(f"e{n}")).rstrip() for n in range(4)]),
    st.sampled_from([h.body.rstrip(b"\n") for h in HOSTILE if len(h.body) < 2_000]),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    ).map(lambda value: json.dumps(value).encode()),
    st.builds(
        lambda key, value: json.dumps(interaction(**{key: value})).encode(),
        st.sampled_from(["kind", "event_id", "event_time", "item_id", "type", "value", "else"]),
        st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.lists(st.none()),
    ),
)


@settings(max_examples=examples(120), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(lines, max_size=12), st.sampled_from([bytes, gzip.compress]))
def test_every_line_is_accepted_duplicate_or_quarantined(tmp_path_factory, content, packed):
    folder = tmp_path_factory.mktemp("garbage")
    path = folder / "events.jsonl"
    path.write_bytes(packed(b"\n".join([*content, b"{}"])))

    report = ingest([path], home=Home(folder / "home"), clock=Clock())

    assert report.read == report.accepted + report.duplicate + report.quarantined.count
    assert report.accepted == sum(report.kinds.values())
    log = EventLog(Home(folder / "home"), Clock())
    assert len(everything(log)) == report.accepted
    assert report.seal is None or report.seal > parse_instant("2021-01-01")


def test_corrections_take_an_interaction_back_once_wherever_they_stand(home, clock, write):
    ingest([write([raw("logged")])], home=home, clock=clock)
    clock.instant = NOON + 2 * HOUR
    named = {"event_time": to_text(NOON + HOUR)}
    lines = [
        interaction("before-its-event", **named, corrects="c1"),
        interaction("c1", **named),
        interaction("again", **named, corrects="c1"),
        interaction("of-logged", **named, corrects="logged"),
        interaction("of-logged-again", **named, corrects="logged"),
        interaction("of-a-correction", **named, corrects="of-logged"),
        interaction("of-nothing", **named, corrects="?"),
        item(**named),
        interaction("of-an-item", **named, corrects="i1"),
    ]

    dry = validate([write(lines)], home=home, clock=clock)
    report = ingest([write(lines)], home=home, clock=clock)
    repeated = ingest([write([raw("later", corrects="c1")])], home=home, clock=clock, mode="late")

    assert (report.read, report.accepted, report.duplicate) == (9, 4, 0)
    reasons = {entry.line: entry.reason for entry in report.quarantined.first}
    assert {entry.line: entry.reason for entry in dry.quarantined.first} == reasons
    assert sorted(reasons) == [1, 5, 6, 7, 9]
    assert "not corrected before, found 'c1, corrected by again'" in reasons[1]
    assert "'logged, corrected by of-logged'" in reasons[5]
    assert "'c1, corrected by again'" in repeated.quarantined.first[0].reason


def test_erasure_in_a_file_logs_the_user_out_of_shared_devices(home, clock, write, log):
    clicks = [raw(f"c-{user}", user_id=user, session_id="lent") for user in ("lender", "other")]
    own = raw("c-own", user_id="other", session_id="own")
    erasure = {"kind": "user", "op": "erase", "event_id": "e", "user_id": "other"}
    times = {"event_time": to_text(NOON - MINUTE)}

    ingest([write([*clicks, own, erasure | times])], home=home, clock=clock)
    before = [link.user_id for link in log.links(["lent", "own"])]
    log.seal()
    log.compact()

    assert before == ["lender", None]
    assert [link.user_id for link in log.links(["lent", "own"])] == before
