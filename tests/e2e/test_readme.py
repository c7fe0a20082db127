"""Every command of the README works as documented, in a copy of this checkout.

Commands run in the order of the page, in one shell environment.  Servers (`make demo`,
`aisle serve`, `feast ui`) start on free ports and are interrupted.  `make demo` resumes a demo that
`test_demo.py` finished, and `aisle simulate` makes a smaller shop.  The first command of Feast and
its web page are processes of `feast` itself, the others forks of one (`feast_forks.py`).
`make test` runs this file; the test checks that the gate runs it.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from pipelines.cli.main import TERMINATED
from tests.e2e.odd_shop import write_odd_shop
from tests.integration.feast_forks import feast_forks
from tests.scale import seconds

ROOT = Path(__file__).parents[2]
SECONDS = seconds(420)

TEST_OPTIONS = {"aisle simulate --out build/events.jsonl": " --users 80 --items 80"}
"""Options that the test adds to a command, so that it takes less time."""

pytestmark = pytest.mark.timeout(seconds(150))


def blocks():
    """Return the `sh` blocks of the README, each a list of commands."""
    texts = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    return [text.strip().splitlines() for text in texts]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Shell:
    """Runs commands in the copy, in the order of the README."""

    def __init__(self, folder):
        self.folder = folder
        excluded = ("AISLE_", "REDIS_", "MAKE", "MFLAGS")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(excluded)}
        self.environment = {
            **inherited,
            "PATH": f"{folder}/.venv/bin:{inherited['PATH']}",
            "PYTHONPATH": str(folder),
        }

    def run(self, command):
        """Run one command; an `export` applies to the commands after it, as in a terminal."""
        if setting := re.fullmatch(r"export (AISLE_\w+)=(\S+)", command):
            self.environment[setting[1]] = setting[2]
        run = subprocess.run(
            ["bash", "-euc", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert run.returncode == 0, f"{command}\n{run.stdout[-1500:]}\n{run.stderr[-3000:]}"
        return run.stdout

    def run_feast(self, forked, command):
        """Run a `feast` command in a fork; the shell expands its words."""
        words = self.run(f"printf '%s\\n' {command}").splitlines()[1:]
        output = self.folder / "output.txt"
        output.unlink(missing_ok=True)
        code = forked(words, self.folder, self.environment, output)
        assert code == 0, f"{command}\n{output.read_text()[-3000:]}"
        return output.read_text()

    def start(self, command):
        with (self.folder / "output.txt").open("w") as output:
            return subprocess.Popen(
                ["bash", "-euc", f"exec {command}"],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def until(self, process, ready):
        """Wait until `ready` returns true while the process runs."""
        deadline = time.monotonic() + SECONDS
        while not ready():
            output = (self.folder / "output.txt").read_text()[-3000:]
            assert process.poll() is None, output
            assert time.monotonic() < deadline, output
            time.sleep(0.2)


def interrupt(process):
    """Ctrl-C, as a terminal sends it: to the whole group."""
    os.killpg(process.pid, signal.SIGINT)
    return process.wait(seconds(60))


def console_of(shell):
    """The address that the demo prints at its end."""
    output = (shell.folder / "output.txt").read_text()
    return re.search(r"the console is at (\S+)", output)[1]


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=seconds(5)) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy") / "aisle"
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in files:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    yield Shell(folder)
    subprocess.run(
        [ROOT / ".venv/bin/aisle", "redis", "stop"],
        env={**os.environ, "AISLE_HOME": str(folder / ".aisle"), "REDIS_URL": ""},
        check=False,
        capture_output=True,
    )


def test_the_first_command_starts_a_service_and_an_interrupt_stops_it(shell, finished_demo):
    finished_demo.copy_to(shell.folder / ".aisle")
    first, second = blocks()[0]
    assert (first, second) == ("make demo", "make test")
    assert "make test" in (ROOT / ".ci/run").read_text()
    url = f"http://127.0.0.1:{(port := free_port())}"

    process = shell.start(f"{first} ARGS='--port {port}'")
    shell.until(process, lambda: "the console is at" in (shell.folder / "output.txt").read_text())
    ready = answers(f"{url}/readyz")
    shell.until(process, lambda: answers(console_of(shell)))
    status = interrupt(process)

    output = (shell.folder / "output.txt").read_text()
    assert ready
    assert "moved" in output
    assert f"curl {url}/rank/default" in output
    assert status in (0, 2, -signal.SIGINT)
    assert not answers(f"{url}/livez")


def test_a_shop_with_other_fields_is_inferred_from_its_events(shell):
    """It takes 25 s: a ranker that beats the click rate needs a thousand rankings and a service."""
    first, second = blocks()[1]
    assert second == f'{first} ARGS="--once --json"'
    write_odd_shop(shell.folder / "events.jsonl.gz")

    answer = json.loads(shell.run(second).splitlines()[-1])

    declared = tomllib.loads((shell.folder / ".aisle-events/shop.toml").read_text())["item"]
    ranker = next(r for r in answer["evaluation"]["models"] if r["name"] == "ranker")
    assert answer["home"].endswith("/.aisle-events")
    assert [field["name"] for field in declared] == ["Name 🎸", "hue", "weight (kg)", "woods"]
    assert ranker["difference"]["low"] > 0
    assert any(name.startswith("taste__hue") for name in answer["slates"]["after"][0]["features"])
    assert answer["showcase"]["after"]["degraded"] == []


def test_step_by_step_goes_from_events_to_a_compiled_pipeline(shell):
    """It takes most of a minute: thirteen commands learn a shop twice, each in its own process."""
    shutil.rmtree(shell.folder / ".aisle")

    output = {c: shell.run(c + TEST_OPTIONS.get(c, "")) for c in blocks()[2]}

    assert "Written to" in output["aisle init build/events.jsonl"]
    assert "ranker" in output["aisle train"]
    assert (shell.folder / "build/evaluation.html").read_text().startswith("<!doctype html>")
    assert (shell.folder / "build/retrain.yaml").exists()
    assert (shell.folder / ".aisle/current/ranker/default").is_symlink()


def test_the_service_answers_every_curl_of_the_page(shell):
    (serve,) = blocks()[3]
    port = free_port()

    process = shell.start(f"{serve} --port {port}")
    shell.until(process, lambda: answers(f"http://127.0.0.1:{port}/readyz"))
    outputs = [
        shell.run(f"{c.replace(':3000', f':{port}')} -sS --fail-with-body") for c in blocks()[4]
    ]
    process.terminate()
    status = process.wait(seconds(60))

    ranked, searched, home, events, feedback, person = (json.loads(text) for text in outputs[:6])
    assert {item["item"] for item in ranked["items"]} == {"i00001", "i00002"}
    assert (ranked["degraded"], ranked["dropped"]) == ([], [])
    assert (len(searched["items"]) > 0, searched["degraded"]) == (True, [])
    assert (len(home["items"]), home["degraded"]) == (5, [])
    assert person["user"] == "u00001"
    assert (events["accepted"], feedback["accepted"]) == (1, 1)
    assert status == TERMINATED
    assert not answers(f"http://127.0.0.1:{port}/livez")


def test_every_stock_feast_command_works_on_one_registry(shell):
    """It takes half a minute: each command reads the repository again, as Feast does."""
    shell.run("aisle redis start")
    first, *commands, ui = blocks()[5]

    shell.run(first)
    with feast_forks(shell.folder) as forked:
        output = {command.split()[3]: shell.run_feast(forked, command) for command in commands}
    port = free_port()
    process = shell.start(f"{ui} --port {port}")
    shell.until(process, lambda: answers(f"http://127.0.0.1:{port}/"))
    interrupt(process)

    assert "item_engagement" in output["feature-views"]
    assert "i00001" in output["get-online-features"]
    assert "clicks_7d" in output["get-historical-features"]
    assert not (shell.folder / "feature_repo/registry.db").exists()
