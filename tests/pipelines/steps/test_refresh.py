"""Refreshes of a home: failures, the lock, and periods."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from feature_repo.home import Home, RedisError, SettingError, Settings, exclusive
from feature_repo.home.errors import BusyError
from pipelines.steps import parse_period, refresh, refresh_every


def test_a_failed_refresh_is_announced_and_tried_again(tmp_path):
    settings = Settings(home=Home(tmp_path / "home"), redis_url="redis://127.0.0.1:1")
    lines = []

    def announce(text):
        lines.append(text)
        if sum("tried again" in line for line in lines) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(refresh_every(settings, 0.01, announce))

    assert [line for line in lines if "tried again" in line and "Redis" in line] == [lines[-1]] * 2


def test_an_error_names_the_process_that_uses_the_home(tmp_path):
    home = Home(tmp_path / "home")

    with exclusive(home, "a test"), pytest.raises(BusyError, match="a test"):
        refresh(Settings(home=home))


def test_a_refresh_waits_while_the_home_is_in_use(tmp_path):
    settings = Settings(home=Home(tmp_path / "home"), redis_url="redis://127.0.0.1:1")

    with ThreadPoolExecutor() as pool:
        with exclusive(settings.home, "a test"):
            waiting = pool.submit(refresh, settings, wait=True)
            wait([waiting], timeout=0.2)
            assert not waiting.done()

        with pytest.raises(RedisError):
            waiting.result()


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400)])
def test_a_period_is_a_number_and_a_unit(text, seconds):
    assert parse_period(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "0s", "-1m", "1d", "1m1s"])
def test_an_invalid_period_is_rejected(text):
    with pytest.raises(SettingError, match="10m"):
        parse_period(text)
