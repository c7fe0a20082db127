"""A changed byte of the compacted log is reported, whoever reads it: nothing can derive the log."""

import random
import shutil

import pytest

from feature_repo.events.contract import UserEvent
from feature_repo.events.log import EventLog, check_relations, list_relations, read_relation
from feature_repo.home import DAY, Home, LogError
from feature_repo.transformations import transform
from tests.feature_repo.events.conftest import ManualClock
from tests.feature_repo.events.event_samples import NOON, click, item, ranking

FLIPS = 100


@pytest.fixture(scope="module")
def compacted_home(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("compacted") / "home")
    log = EventLog(home, ManualClock())
    clicks = [click(f"c{n}") for n in range(100)]
    log.writer().append([item(), ranking("r1", user_id="u"), *clicks])
    log.seal()
    log.compact()
    return home


@pytest.fixture
def home(compacted_home, tmp_path):
    home = Home(tmp_path / "home")
    shutil.copytree(compacted_home.root, home.root)
    return home


def flip(path, rng):
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def flip_in_first_page(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 8] ^= 1
    path.write_bytes(content)


def relation(home, kind):
    (path,) = list_relations(home.log / "compacted", kind)
    return path


def test_a_flipped_bit_is_reported_or_changes_no_event(home):
    path, rng = relation(home, "interaction"), random.Random(5)
    whole, events = path.read_bytes(), list(read_relation(path))
    reports = list[str]()

    for _ in range(FLIPS):
        path.write_bytes(whole)
        flip(path, rng)
        try:
            assert list(read_relation(path)) == events
        except LogError as error:
            reports.append(str(error))

    assert len(reports) > FLIPS // 2
    assert all(str(path) in report for report in reports)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not Parquet " * 50])
def test_another_file_is_reported(home, content):
    path = relation(home, "item")
    path.write_bytes(content)

    with pytest.raises(LogError, match="Restore the file from a backup"):
        check_relations([path])


def test_features_are_not_computed_from_a_damaged_log(home):
    transform(home, 0)
    before = home.features.resolve()
    flip_in_first_page(relation(home, "ranking"))

    with pytest.raises(LogError, match="ranking/day="):
        transform(home, 0)
    assert home.features.resolve() == before


def test_an_erasure_stops_at_a_damaged_file_and_keeps_its_events(home):
    path = relation(home, "ranking")
    flip_in_first_page(path)
    damaged, log = path.read_bytes(), EventLog(home, ManualClock(NOON + DAY))
    log.writer().append([UserEvent(event_id="u1", event_time=NOON + DAY, user_id="u", op="erase")])
    log.seal()

    with pytest.raises(LogError, match="ranking/day="):
        log.compact()
    assert path.read_bytes() == damaged
    assert log.segment_lines == 1
