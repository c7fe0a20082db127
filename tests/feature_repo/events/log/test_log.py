"""The log returns appended events, however writers, seals and files split them."""

import threading

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from feature_repo.events.contract import ARROW_SCHEMAS, FEATURE_KINDS, query_key
from feature_repo.events.log import EventLog, encode_event, read_relation
from feature_repo.events.log.segments import list_segments, new_segment, version_of
from feature_repo.home import DAY, MINUTE, Home, LogError, to_datetime
from tests.feature_repo.events.conftest import NOON, ManualClock
from tests.feature_repo.events.event_samples import (
    click,
    compacted,
    events,
    everything,
    item,
    ranking,
    served,
)
from tests.scale import examples, seconds

moves = st.one_of(
    st.tuples(st.just("append"), st.integers(0, 2), st.lists(events, max_size=4)),
    st.tuples(st.just("seal"), st.just(0), st.just([])),
    st.tuples(st.just("compact"), st.just(0), st.just([])),
    st.tuples(st.just("wait"), st.sampled_from([1, MINUTE, 5 * MINUTE, DAY]), st.just([])),
)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(moves, max_size=14))
def test_log_returns_the_appended_events(tmp_path_factory, history):
    clock = ManualClock()
    log = EventLog(Home(tmp_path_factory.mktemp("log") / "home"), clock)
    writers = [log.writer() for _ in range(3)]
    appended = {}
    for move, number, batch in history:
        match move:
            case "append":
                for event in writers[number].append(batch):
                    appended.setdefault(event.event_id, []).append(event)
            case "seal":
                log.seal()
            case "compact":
                log.compact()
            case "wait":
                clock.instant += number

    sealed, open_ = compacted(log), list(log.unsealed())

    assert len(sealed) + len(open_) == len(appended)
    assert all(event in appended[event.event_id] for event in [*sealed, *open_])
    assert all(event.seen_at <= log.seals().last for event in sealed)
    assert open_ == sorted(open_, key=lambda e: (e.received_at, e.event_id))
    of_shop = [event for event in open_ if event.kind in FEATURE_KINDS]
    # Here an answer may have the id of another event; the service makes ids of its own.
    assert [event for event in log.unsealed(FEATURE_KINDS) if event in open_] == of_shop
    assert log.compacted_ids(appended) == {event.event_id for event in sealed}


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(events, max_size=12, unique_by=lambda e: e.event_id), st.integers(0, 12))
def test_first_seen_event_of_each_id_is_retained(tmp_path_factory, batch, repeated):
    log = EventLog(Home(tmp_path_factory.mktemp("log") / "home"), ManualClock())
    appended = log.writer().append(batch[:repeated] + batch)
    first_seen = {}
    for event in sorted(appended, key=lambda event: event.seen_at):
        first_seen.setdefault(event.event_id, event)

    before = {event.event_id: event for event in log.unsealed()}
    log.seal()
    log.compact()

    assert before == first_seen
    assert everything(log) == first_seen


def test_compacted_file_names_match_their_events(log, clock):
    midnight = (NOON // DAY + 1) * DAY
    writer = log.writer()
    writer.append([click("c1"), ranking("r1", query="Red  SHOES")])
    log.seal()
    clock.instant = midnight - 2
    writer.append([click("c2", NOON)])
    clock.instant = midnight
    writer.append([click("c3", NOON)])
    clock.instant = midnight + DAY
    log.seal()
    log.compact()

    for kind in ("interaction", "ranking"):
        for path in log.relation_paths(kind):
            table = pq.ParquetFile(path).read()
            rows = table.to_pylist()
            day = {to_datetime(_micros(row["seen_at"]) + 1).date().isoformat() for row in rows}
            assert table.schema.equals(ARROW_SCHEMAS[kind])
            assert day == {path.parent.name.removeprefix("day=")}
            assert {f"part-{row['part']:08d}.parquet" for row in rows} == {path.name}
            assert all(row["part"] == log.seals().part_of(_micros(row["seen_at"])) for row in rows)
    assert [path.parent.name for path in log.relation_paths("interaction")] == [
        "day=2021-11-15",
        "day=2021-11-16",
        "day=2021-11-16",
    ]
    (search,) = pq.ParquetFile(log.relation_paths("ranking")[0]).read().to_pylist()
    assert search["query_key"] == query_key("red shoes", "default")


def _micros(moment):
    return round(moment.timestamp() * 1_000_000)


def test_log_stamps_received_at(log, clock):
    (stamped,) = log.writer().append([click(at=NOON - DAY)])

    assert stamped.received_at == clock.instant
    assert list(log.unsealed()) == [stamped]


def test_received_at_is_after_the_last_seal(log, clock):
    seal = log.seal()
    clock.instant = seal - MINUTE

    (stamped,) = log.writer().append([click()])

    assert stamped.received_at > seal


def test_event_received_before_the_seal_is_refused(log):
    seal = log.seal()
    writer = log.writer()

    with pytest.raises(LogError, match="c1"):
        writer.append([click("c1", received_at=seal)])

    assert writer.append([click("c2")])[0].event_id == "c2"
    assert [event.event_id for event in log.unsealed()] == ["c2"]


def test_writer_opens_a_new_segment_after_a_seal(log, home):
    writer = log.writer()
    writer.append([click("c1")])
    log.seal()
    writer.append([click("c2")])

    assert [version_of(path) for path in list_segments(home.log / "segments")] == [0, 1]


def test_event_ahead_of_the_clock_is_compacted_after_its_seal(log, clock):
    log.writer().append([click("c1", NOON + 3 * MINUTE)])
    log.seal()

    report = log.compact()

    assert (report.compacted, report.held) == (0, 1)
    assert [event.event_id for event in log.unsealed()] == ["c1"]
    clock.instant += 4 * MINUTE
    log.seal()
    assert log.compact().compacted == 1
    assert list(log.unsealed()) == []


def test_threads_share_a_writer_without_loss(log):
    writer = log.writer()
    acknowledged = []

    def append(thread):
        for n in range(40):
            acknowledged.extend(writer.append([click(f"{thread}-{n}"), item(f"i{thread}-{n}")]))

    threads = [threading.Thread(target=append, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    log.seal()
    log.compact()
    for thread in threads:
        thread.join()

    assert len(acknowledged) == 480
    assert everything(log) == {event.event_id: event for event in acknowledged}


def test_failed_batch_does_not_affect_the_next(log):
    writer = log.writer()

    with pytest.raises(LogError, match="cannot be logged"):
        writer.append([click("half a pair \ud800")])

    assert writer.append([click("c2")])


def test_any_failure_of_the_writing_thread_fails_every_waiting_append(home):
    """The first append waits in the clock until the others are queued; then one thread writes these
    in one commit, which fails.
    """
    clock = OutOfMemoryClock()
    log = EventLog(home, clock)
    writer, outcomes = log.writer(), []

    def append(name):
        try:
            outcomes.append(writer.append([click(name)]))
        except (MemoryError, LogError) as error:
            outcomes.append(error)

    threads = [threading.Thread(target=append, args=(f"c{n}",)) for n in range(8)]
    threads[0].start()
    assert clock.entered.wait(seconds(30))
    for thread in threads[1:]:
        thread.start()
    while len(writer._waiting) < 7:
        pass
    clock.may_return.set()
    for thread in threads:
        thread.join()
    clock.is_out_of_memory = False

    failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [type(error) for error in failed].count(MemoryError) == 1
    assert len(failed) == 7
    assert [event.event_id for event in log.unsealed()] == ["c0"]
    assert writer.append([click("again")])


class OutOfMemoryClock(ManualClock):
    """Its first call returns when it may; each later one fails while memory lacks."""

    def __init__(self):
        super().__init__()
        self.entered, self.may_return = threading.Event(), threading.Event()
        self.is_out_of_memory = True

    def now(self):
        if self.may_return.is_set() and self.is_out_of_memory:
            raise MemoryError
        self.entered.set()
        self.may_return.wait(seconds(30))
        return super().now()


def test_unwritable_log_is_an_error(home, clock):
    home.root.mkdir()
    home.log.write_text("a file where the folder should be")

    with pytest.raises(LogError, match="cannot be written"):
        EventLog(home, clock).writer().append([click()])


def test_reading_an_empty_log_creates_no_file(log, home):
    assert list(log.unsealed()) == []
    assert log.compacted_ids(["c1"]) == set()
    assert log.ranking("r1") is None
    assert log.relation_paths("item") == []
    assert log.compact().compacted == 0
    assert log.seals().last == -1
    assert not home.root.exists()


@pytest.mark.parametrize("kind", ["ranking", "served"])
def test_compacted_file_of_an_earlier_version_is_read_and_extended(log, home, kind):
    build = {"ranking": ranking, "served": served}[kind]
    earlier, later = build("e1", temperature=None), build("e2", temperature=0.5, seed=7)
    log.writer().append([earlier])
    log.seal()
    log.compact()
    (path,) = log.relation_paths(kind)
    pq.write_table(pq.read_table(path).drop_columns(["temperature", "seed"]), path)

    before = list(read_relation(path))
    segment = new_segment(home.log / "segments", 0)
    segment.write_bytes(encode_event(structs.replace(later, received_at=NOON)) + b"\n")
    log.compact()

    assert [event.event_id for event in before] == ["e1"]
    assert before[0].seed is None
    assert {e.event_id: (e.temperature, e.seed) for e in compacted(log)} == {
        "e1": (None, None),
        "e2": (0.5, 7),
    }


@pytest.mark.parametrize("sealed", [False, True], ids=["unsealed", "sealed"])
def test_events_are_looked_up_by_request_and_id(log, sealed):
    writer = log.writer()
    first, _, _, last = writer.append(
        [ranking("r1"), ranking("r2", NOON, request_id="r1"), served("s1"), served("s2")]
    )
    (clicked,) = writer.append([click("c1", request_id="r1")])
    if sealed:
        log.seal()
        log.compact()

    assert log.ranking("r1") == first
    assert log.served("r1") == last
    assert log.interaction("c1") == clicked
    assert log.ranking("r9") is None
    assert log.interaction("r1") is None


def test_lookup_sees_events_of_other_processes(log, home, clock):
    other = EventLog(home, clock)
    assert other.ranking("r1") is None

    (logged,) = log.writer().append([ranking("r1")])

    assert other.ranking("r1") == logged


def test_missing_or_damaged_index_is_rebuilt(log, home, clock):
    log.writer().append([ranking("r1"), click("c1")])
    log.seal()
    log.compact()

    for damage in (None, b"not a database" * 100):
        for path in home.log.glob("index.db*"):
            path.unlink()
        if damage is not None:
            (home.log / "index.db").write_bytes(damage)
        again = EventLog(home, clock)
        again.compact()

        assert again.compacted_ids(["r1", "c1", "x"]) == {"r1", "c1"}
