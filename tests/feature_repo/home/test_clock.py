"""A home's clock is decided once, and never stands still."""

import threading
import time

import pytest

from feature_repo.home import MINUTE, Clock, EventError, SettingError, Settings, parse_instant
from feature_repo.home.clock import is_set

START = "2021-11-15T17:00:00Z"


def test_a_clock_starts_where_it_is_told(home):
    before = parse_instant(START)

    now = Clock.of(Settings(home, clock=START)).now()

    assert before <= now < before + MINUTE


def test_the_first_use_decides_for_ever(home):
    Clock.of(Settings(home, clock=START))

    again = Clock.of(Settings(home, clock="2001-01-01"))

    assert is_set(home)
    assert again.now() - parse_instant(START) < MINUTE


def test_without_a_setting_it_is_the_time_of_day(home):
    assert not is_set(home)
    assert abs(Clock.of(Settings(home)).now() - time.time_ns() // 1000) < MINUTE


def test_instants_are_strictly_increasing_over_threads():
    clock, seen = Clock(), []
    threads = [
        threading.Thread(target=lambda: seen.extend([clock.now() for _ in range(500)]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(seen)) == 2_000


def test_processes_that_come_first_together_agree(home):
    offsets, threads = [], []
    for n in range(8):
        settings = Settings(home, clock=f"20{10 + n}-01-01")
        threads.append(
            threading.Thread(target=lambda s=settings: offsets.append(Clock.of(s).offset))
        )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(offsets)) == 1


def test_a_start_that_is_no_time_is_refused(home):
    with pytest.raises(EventError, match="AISLE_CLOCK"):
        Clock.of(Settings(home, clock="noon"))


def test_a_damaged_offset_is_named(home):
    home.root.mkdir()
    home.clock.write_text("a while ago")

    with pytest.raises(SettingError, match="expected an offset in microseconds"):
        Clock.of(Settings(home))
