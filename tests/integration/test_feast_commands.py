"""The stock `feast` commands, from the checkout's root and from inside `feature_repo/`.

They run in a copy of the repository, whose `.aisle/` is the default home.  The first command and
the web page are processes of `feast` itself, the others forks of one (`feast_forks.py`).
"""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from feature_repo.events.contract import InteractionEvent, ItemEvent, RankingEvent, ShownItem
from feature_repo.home import CHECKOUT, DAY, Home, Settings, to_text
from feature_repo.online.redis import running_redis
from feature_repo.transformations import transform
from tests.feature_repo.histories import START, write_log
from tests.integration.feast_forks import feast_forks
from tests.scale import seconds

FEAST = Path(sys.executable).with_name("feast")
FOLDERS = ("root", "inside")
VIEWS = (
    "item_attributes",
    "user_attributes",
    "user_first_seen",
    "item_engagement",
    "user_engagement",
    "query_engagement",
    "session_engagement",
    "session_first_seen",
    "session_owner",
    "session_recent",
    "user_recent",
    "user_purchases",
    "query_clicked_items",
    "item_percentiles",
    "market_baseline",
    "arm_engagement",
)


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository with a separate home and a Redis server."""

    root: Path
    forked: Callable[..., int]

    @property
    def environment(self):
        """This process's variables without Aisle's; Python imports from the copy first."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AISLE_", "REDIS_"))}
        return inherited | {"PYTHONPATH": str(self.root), "NO_COLOR": "1"}

    def command(self, folder, *words):
        if folder == "root":
            return [str(FEAST), "-c", "feature_repo", *words], self.root
        return [str(FEAST), *words], self.root / "feature_repo"

    def feast(self, folder, *words, **more):
        (_, *command), cwd = self.command(folder, *words)
        output = self.root / "output.txt"
        output.unlink(missing_ok=True)

        code = self.forked(command, cwd, self.environment | more, output)

        assert code == 0, output.read_text()
        return output.read_text()


def events():
    yield ItemEvent(event_id="1", event_time=START, item_id="a", fields={"price": 5.0})
    yield RankingEvent(
        event_id="2",
        event_time=START + DAY,
        request_id="r",
        user_id="u",
        query="red",
        items=(ShownItem("a"), ShownItem("b")),
    )
    yield InteractionEvent(
        event_id="3", event_time=START + DAY + 1, item_id="a", type="click", request_id="r"
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkout")
    rendered = shutil.ignore_patterns("__pycache__", "feature_store.yaml")
    shutil.copytree(CHECKOUT / "feature_repo", root / "feature_repo", ignore=rendered)
    home = Home(root / ".aisle")
    write_log(home, list(events()))
    transform(home, START + 2 * DAY)
    with running_redis(Settings(home=home)), feast_forks(root) as forked:
        copy = Checkout(root, forked)
        subprocess.run(
            [sys.executable, "-m", "feature_repo.feast_repo.repository"],
            cwd=root,
            env=copy.environment,
            check=True,
        )
        command, cwd = copy.command("root", "apply")
        subprocess.run(command, cwd=cwd, env=copy.environment, check=True)
        yield copy


def registered(checkout):
    with sqlite3.connect(checkout.root / ".aisle" / "registry.db") as database:
        names = database.execute("select feature_view_name from feature_views").fetchall()
    return {name for (name,) in names}


@pytest.mark.parametrize("folder", FOLDERS)
def test_apply_and_list_use_one_registry(checkout, folder):
    checkout.feast(folder, "apply")

    listed = checkout.feast(folder, "feature-views", "list")

    assert all(view in listed for view in VIEWS)
    assert registered(checkout) == set(VIEWS)
    assert [path.name for path in checkout.root.rglob("*.db")] == ["registry.db"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_plan_reports_no_changes(checkout, folder):
    plan = checkout.feast(folder, "plan")

    assert "Created" not in plan
    assert "Deleted" not in plan


def test_feast_ignores_a_variable_that_names_another_home(checkout, tmp_path):
    checkout.feast("root", "apply", AISLE_HOME=str(tmp_path / "elsewhere"))

    assert registered(checkout) == set(VIEWS)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("folder", FOLDERS)
def test_materialized_features_are_read_online(checkout, folder):
    checkout.feast(folder, "materialize", to_text(START)[:19], to_text(START + DAY)[:19])
    checkout.feast(folder, "materialize-incremental", to_text(START + 2 * DAY)[:19])

    answer = checkout.feast(
        folder,
        *("get-online-features", "-e", "item_id=a"),
        *("-f", "item_engagement:clicks_all", "-f", "item_attributes:price"),
    )

    features = json.loads(answer[answer.index("{") :])
    assert (features["clicks_all"], features["price"]) == ([1], [5.0])


@pytest.mark.parametrize("folder", FOLDERS)
def test_history_is_read_as_of_an_instant(checkout, folder):
    keys = [{"item_id": "a", "event_timestamp": to_text(START + DAY + at)[:26]} for at in (1, 2)]

    answer = checkout.feast(
        folder,
        *("get-historical-features", "-d", json.dumps(keys)),
        *("-f", "item_engagement:impressions_all", "-f", "item_engagement:clicks_all"),
    )

    counts = [
        (r["impressions_all"], r["clicks_all"]) for r in json.loads(answer[answer.index("[") :])
    ]
    assert counts == [(1, 0), (1, 1)]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_web_page_answers_on_loopback(checkout, folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command, cwd = checkout.command(folder, "ui", "--host", "127.0.0.1", "--port", str(port))
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=checkout.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            assert "<html" in page(port, server)
        finally:
            server.terminate()


def page(port, server):
    """Return the page as soon as the server answers."""
    deadline = time.monotonic() + seconds(200)
    while time.monotonic() < deadline and server.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=seconds(10))
        try:
            connection.request("GET", "/")
            return connection.getresponse().read().decode()
        except ConnectionRefusedError:
            time.sleep(0.2)
        finally:
            connection.close()
    raise AssertionError("the server ended without an answer")


def test_a_catalogue_is_applied_and_loaded_again_after_a_teardown(checkout):
    checkout.feast("root", "materialize", to_text(START)[:19], to_text(START + 2 * DAY)[:19])
    checkout.feast("root", "teardown")

    checkout.feast("inside", "apply")
    read = ("get-online-features", "-e", "item_id=a", "-f", "item_attributes:price")
    emptied = checkout.feast("root", *read)
    checkout.feast("root", "materialize", to_text(START)[:19], to_text(START + 2 * DAY)[:19])
    loaded = checkout.feast("root", *read)

    prices = [json.loads(text[text.index("{") :])["price"] for text in (emptied, loaded)]
    assert prices == [[None], [5.0]]
    assert registered(checkout) == set(VIEWS)
