"""Fixtures of all tests: an empty home, a real Redis server, and golden files.

Property tests draw new cases in each local run.  Where `CI` is set they repeat the same cases, so
that a failure can be reproduced.
"""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from feature_repo.home import Home, Settings, locked
from feature_repo.online.redis import RedisAddress, redis_client, running_redis
from tests.browser import CHROMIUM, MISSING, running_chromium
from tests.online_retail import EXCLUDED, read_online_retail
from tests.scale import EXAMPLES, PATIENCE, examples, seconds

if TYPE_CHECKING:
    from playwright.sync_api import Browser

hypothesis.settings.register_profile("person", deadline=None, max_examples=examples(100))
hypothesis.settings.register_profile(
    "gate", parent=hypothesis.settings.get_profile("person"), derandomize=True
)
hypothesis.settings.load_profile("gate" if os.environ.get("CI") else "person")

# The workers of the tests fill the cores.  A second thread of XGBoost would wait for the other,
# which costs eight times the CPU on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# MLflow would report its use to its makers.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# Feast, BentoML and Hypothesis leave a large heap, and the default collects its garbage so often
# that this takes a sixth of the CPU.
gc.set_threshold(50_000)

# A shell ignores SIGINT in background jobs, and the processes that tests interrupt inherit this.
signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST_SECONDS = 300
"""Time limit of a test on an idle machine."""

ROOT = Path(__file__).parent
GOLDEN = ROOT / "golden"

LONGEST_FILES = (
    "e2e/test_demo.py",
    "training/studies/next_purchase/test_next_purchase.py",
    "pipelines/kubeflow/test_pipeline.py",
    "e2e/test_readme.py",
    "e2e/test_sameness.py",
    "pipelines/kubeflow/test_every_pipeline.py",
    "feature_repo/transformations/test_incremental.py",
    "integration/test_feast_commands.py",
    "training/ranker/test_variants.py",
    "integration/test_live_and_loaded.py",
    "feature_repo/views/test_history_limits.py",
    "feature_repo/online/feast/test_killed_loads.py",
)
"""The files of 30 CPU seconds and more start first, so that the workers finish together.  The
README uses the demo's home, so it starts when the first of these files is done."""


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden with the actual results"
    )


def pytest_collection_modifyitems(items):
    items.sort(key=_start)
    for item in items:
        if item.get_closest_marker("timeout") is None:
            limit = seconds(LONGEST_SECONDS) * max(1.0, EXAMPLES)
            item.add_marker(pytest.mark.timeout(limit))


def _start(item):
    """Position of the test's file; the sort keeps the order of all others."""
    name = item.nodeid.partition("::")[0].removeprefix("tests/")
    return LONGEST_FILES.index(name) if name in LONGEST_FILES else len(LONGEST_FILES)


@pytest.fixture
def golden(request):
    """Returns a function that reads a golden file; with --update-golden it first writes `actual` to
    it."""

    def text_of(name, actual):
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.write_text(actual, encoding="utf-8")
        return path.read_text(encoding="utf-8")

    return text_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home; its folder does not exist yet."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the run that all its workers share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def online_retail(shared_folder: Path) -> Home:
    """A home with the purchases of a year; the first worker that needs it reads the table."""
    home = Home(shared_folder / "online_retail")
    with locked(shared_folder / "online_retail.lock"):
        if not (home.root / EXCLUDED).exists():
            read_online_retail(home)
    return home


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The debugging address of one browser for the whole run."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    with running_chromium(tmp_path_factory.mktemp("chromium")) as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator["Browser"]:
    """The browser, as Playwright drives it; its event loop ends with the module."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.connect_over_cdp(chromium)


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisAddress]:
    """One private server for the whole run."""
    settings = Settings(home=Home(tmp_path_factory.mktemp("redis")))
    with running_redis(settings) as address:
        yield address


@pytest.fixture
def redis_address(shared_redis: RedisAddress) -> RedisAddress:
    """The server, empty."""
    with redis_client(shared_redis, timeout=seconds(5)) as client:
        client.flushall()
    return shared_redis


@pytest.fixture
def redis_settings(home: Home, redis_address: RedisAddress) -> Settings:
    """Settings of `home` that use the emptied server."""
    return Settings(home=home, redis_url=redis_address.url, patience=PATIENCE)
