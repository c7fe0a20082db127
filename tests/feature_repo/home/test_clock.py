"""The offset of a home's clock is fixed once, and the clock always advances."""

import random
import re
import threading
import time

import pytest

from feature_repo.home import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Clock,
    EventError,
    SettingError,
    Settings,
    parse_instant,
)

START = "2021-11-15T17:00:00Z"
NOON = parse_instant("2024-10-04T12:00:00Z")


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


def clock_of(home, system):
    """Return the clock of another process of the home, whose system clock returns `system[0]`."""
    clock = Clock.of(Settings(home))
    clock.system_now = lambda: system[0]
    return clock


def test_every_process_continues_after_the_newest_instant_of_the_log(home):
    system = [NOON]
    first, second = clock_of(home, system), clock_of(home, system)
    assert first.now() == NOON

    first.advance(NOON + 5)
    system[0] = NOON - HOUR

    assert second.now() == NOON + 6
    assert [clock_of(home, system).now() for _ in range(2)] == [NOON + 7, NOON + 8]
    assert first.behind == HOUR + 8
    system[0] = NOON + HOUR
    assert second.now() == NOON + HOUR
    assert second.behind == 0


def test_instant_that_no_event_has_leaves_other_processes_alone(home):
    system = [NOON + DAY]
    assert clock_of(home, system).now() == NOON + DAY

    system[0] = NOON

    assert clock_of(home, system).now() == NOON


def test_clock_that_goes_back_says_so_once(home, caplog):
    system = [NOON]
    clock = clock_of(home, system)
    clock.advance(clock.now())

    system[0] = NOON - HOUR
    instants = [clock.now() for _ in range(3)]
    system[0] = NOON + SECOND
    instants.append(clock.now())

    assert instants == sorted({NOON, *instants})[1:]
    assert [record.getMessage()[:38] for record in caplog.records] == [
        "the system's clock is 3600 s behind th",
        "the system's clock has caught up with ",
    ]
    assert "Set the system's clock right" in caplog.text


def test_clock_that_jumps_ahead_says_so_once(home, caplog):
    system = [NOON]
    clock = clock_of(home, system)
    clock.now()

    for instant in (NOON + SECOND, NOON + HOUR, NOON + HOUR + SECOND, NOON, NOON + MINUTE):
        system[0] = instant
        clock.now()

    (message,) = [m for record in caplog.records if "jumped" in (m := record.getMessage())]
    assert re.search(r"jumped ahead by 35\d\d s, to 2024-10-04T13:00:00", message)


def damage(rng, content):
    """Return other bytes: one flipped bit, cut short, longer, empty or random."""
    flipped = bytearray(content)
    flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return rng.choice(
        [flipped, content[: rng.randrange(len(content))], content + b"?", b"", rng.randbytes(8)]
    )


def test_changed_newest_instant_is_none_until_the_next_one(home, caplog):
    rng, system = random.Random(3), [NOON]
    clock = clock_of(home, system)
    for _ in range(50):
        clock.advance(NOON + HOUR)
        home.latest_instant.write_bytes(damage(rng, home.latest_instant.read_bytes()))

        assert clock_of(home, system).now() == NOON
        assert clock.now() > NOON + HOUR

        clock_of(home, system).advance(NOON + 2 * HOUR)
        assert clock_of(home, system).now() == NOON + 2 * HOUR + 1
        home.latest_instant.unlink()
        clock = clock_of(home, system)
    assert "the newest event or seal writes it again" in caplog.text


def test_folder_that_replaces_the_newest_instant_is_an_error(home):
    home.latest_instant.mkdir(parents=True)

    with pytest.raises(SettingError, match="expected a file, found a folder"):
        Clock.of(Settings(home))


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
    rng = random.Random(4)
    Clock.of(Settings(home, clock=START))
    good = home.clock.read_bytes()

    for content in (b"a while ago", *(damage(rng, good) for _ in range(50))):
        home.clock.write_bytes(content)
        with pytest.raises(SettingError, match="expected an offset in microseconds"):
            Clock.of(Settings(home))


def test_folder_that_replaces_the_offset_is_an_error(home):
    home.clock.mkdir(parents=True)

    with pytest.raises(SettingError, match=r"expected an offset .* found .*directory"):
        Clock.of(Settings(home))


def test_home_with_a_log_starts_no_clock_by_itself(home):
    (home.log / "seals").parent.mkdir(parents=True)
    (home.log / "seals").touch()

    with pytest.raises(SettingError, match="set AISLE_CLOCK once to the present time of the shop"):
        Clock.of(Settings(home))

    assert Clock.of(Settings(home, clock=START)).now() - parse_instant(START) < MINUTE
