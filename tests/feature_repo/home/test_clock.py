"""The offset of a home's clock is fixed once, and the clock always advances."""

import threading
import time

import pytest

from feature_repo.home import MINUTE, Clock, EventError, SettingError, Settings, parse_instant

START = "2021-11-15T17:00:00Z"


def test_clock_starts_at_the_setting(home):
    before = parse_instant(START)

    now = Clock.of(Settings(home, clock=START)).now()

    assert before <= now < before + MINUTE


def test_first_use_fixes_the_clock(home):
    Clock.of(Settings(home, clock=START))

    again = Clock.of(Settings(home, clock="2001-01-01"))

    assert Clock.is_set(home)
    assert again.now() - parse_instant(START) < MINUTE


def test_clock_without_a_setting_is_the_system_clock(home):
    assert not Clock.is_set(home)
    assert abs(Clock.of(Settings(home)).now() - time.time_ns() // 1000) < MINUTE


def test_instants_increase_strictly_over_threads():
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


def test_concurrent_first_uses_agree_on_one_offset(home):
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


def test_invalid_start_is_an_error(home):
    with pytest.raises(EventError, match="AISLE_CLOCK"):
        Clock.of(Settings(home, clock="noon"))


def test_damaged_offset_is_an_error(home):
    home.root.mkdir()
    home.clock.write_text("a while ago")

    with pytest.raises(SettingError, match="expected an offset in microseconds"):
        Clock.of(Settings(home))
