"""Which answers `aisle verify` compares, and which it reports as skipped."""

import pytest

from feature_repo.events.contract import ServedEvent, ShownItem
from feature_repo.events.log import EventLog
from feature_repo.home import HOUR, Clock, DatasetError, Home
from tests.feature_repo.histories import START
from training.evaluation.parity import cause_of, recorded, waiting


@pytest.fixture
def log(tmp_path):
    return EventLog(Home(tmp_path / "home"), Clock())


def answer(name, vectors):
    return ServedEvent(
        event_id=name,
        event_time=START,
        received_at=0,
        request_id=name,
        items=(ShownItem("a"),),
        vectors=vectors,
    )


def test_answers_wait_until_they_are_compacted(log, tmp_path):
    home, writer = Home(tmp_path / "home"), log.writer()
    writer.append([answer("recorded", "AAAA"), answer("unrecorded", None)])

    before = waiting(home), len(recorded(home))
    log.seal()
    log.compact()

    assert (before, (waiting(home), len(recorded(home)))) == ((1, 0), (0, 1))


def test_a_range_that_ends_before_it_begins_is_rejected(tmp_path):
    with pytest.raises(DatasetError, match="a range that begins before it ends"):
        recorded(Home(tmp_path), START + HOUR, START)


def test_ambiguous_cause_lists_all_possible_causes():
    assert "--backfill" in cause_of("item_engagement__clicks_7d")
    assert "--backfill" in cause_of("item_percentiles__category_items")
