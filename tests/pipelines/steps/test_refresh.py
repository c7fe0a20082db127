"""Refreshes of a home: failures, the lock, and periods."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from feature_repo.events.log import EventLog
from feature_repo.home import DAY, Clock, Home, RedisError, SettingError, Settings, exclusive
from feature_repo.home.errors import BusyError
from feature_repo.online.redis import redis_client
from feature_repo.transformations import is_current
from pipelines.steps import home_redis, parse_period, refresh, refresh_every
from tests.feature_repo.events.event_samples import click, item


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


def test_a_refresh_writes_nothing_unless_something_is_new(tmp_path):
    settings = Settings(home=Home(tmp_path / "home"))
    home, clock = settings.home, Clock.of(settings)
    log = EventLog(home, clock)
    log.writer().append([item("i1"), click("c1")])

    with home_redis(settings) as address, redis_client(address) as client:
        reports = [refresh(settings), refresh(settings)]
        written = features_and_keys(home, client)
        reports.append(refresh(settings))
        assert features_and_keys(home, client) == written

        log.writer().append([click("c2")])
        reports += [refresh(settings), refresh(settings)]
        client.flushall()
        reports.append(refresh(settings))
        reloaded = features_and_keys(home, client)[1]

    assert [report.skipped for report in reports] == [False, True, True, False, True, False]
    assert [report.compacted for report in reports] == [2, 0, 0, 1, 0, 0]
    assert len(reloaded) >= len(written[1])
    assert is_current(home, clock.now())
    assert not is_current(home, clock.now() + 8 * DAY)


def test_a_refresh_without_news_imports_no_library_of_learning_and_no_feast():
    steps = "pipelines.steps.refresh, pipelines.catalogue"
    modules = f"{steps}, feature_repo.feast_repo, training.retrieval.sources"
    code = f"import sys, {modules}\nprint({{'feast', 'scipy', 'xgboost'}} & set(sys.modules))"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout == "set()\n"


def features_and_keys(home, client):
    """Return the files of features with their times of change, and the keys of Redis."""
    files = {path: path.stat().st_mtime_ns for path in home.features.rglob("*.parquet")}
    return files, sorted(client.keys())


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400)])
def test_a_period_is_a_number_and_a_unit(text, seconds):
    assert parse_period(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "0s", "-1m", "1d", "1m1s"])
def test_an_invalid_period_is_rejected(text):
    with pytest.raises(SettingError, match="10m"):
        parse_period(text)
