"""Refreshes of a home: failures, the lock, and periods."""

import pytest

from feature_repo.home import Home, SettingError, Settings, exclusive
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


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400)])
def test_a_period_is_a_number_and_a_unit(text, seconds):
    assert parse_period(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "0s", "-1m", "1d", "1m1s"])
def test_an_invalid_period_is_rejected(text):
    with pytest.raises(SettingError, match="10m"):
        parse_period(text)
