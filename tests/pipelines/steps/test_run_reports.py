"""The end of a run is written to the home, and posted to a webhook that may be away."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from feature_repo.home import Home
from pipelines.service import free_port
from pipelines.steps.run_reports import OPEN_RUNS, recent_runs, report


@pytest.fixture
def receiver():
    """A server on loopback that remembers what was posted to it."""
    posted = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            """Print nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", posted
    server.shutdown()
    server.server_close()


def runs_of(home):
    return [*map(json.loads, (home.root / "kubeflow/runs.jsonl").read_text().splitlines())]


def test_each_run_is_listed_in_the_home(tmp_path, capsys):
    home = Home(tmp_path)

    report(home, None, "retrain", "FAILED", "no space left")
    report(home, None, "retrain", "SUCCEEDED", "")

    assert [(run["state"], run["error"]) for run in runs_of(home)] == [
        ("FAILED", "no space left"),
        ("SUCCEEDED", ""),
    ]
    assert "The run of retrain ended: FAILED. no space left" in capsys.readouterr().err


def test_runs_are_listed_newest_first_and_an_interrupted_one_is_open(tmp_path):
    home = Home(tmp_path)
    report(home, None, "retrain", "FAILED", "no space left")
    report(home, None, "features", "SUCCEEDED", "")
    (home.root / OPEN_RUNS).mkdir()
    (home.root / OPEN_RUNS / "retrain.json").write_text('{"run": "ab12"}')

    runs = recent_runs(home)

    assert [(run["name"], run["state"], run["run"]) for run in runs] == [
        ("retrain", "OPEN", "ab12"),
        ("features", "SUCCEEDED", ""),
        ("retrain", "FAILED", ""),
    ]
    assert [run["state"] for run in recent_runs(home, "features")] == ["SUCCEEDED"]


def test_the_webhook_gets_the_end_of_the_run(tmp_path, receiver):
    url, posted = receiver

    said = report(Home(tmp_path), url, "verify", "SUCCEEDED", "")

    assert said["webhook"] == "204"
    assert posted == runs_of(Home(tmp_path))


def test_a_webhook_that_is_away_does_not_fail_the_run(tmp_path, capsys):
    said = report(Home(tmp_path), f"http://127.0.0.1:{free_port()}/", "verify", "SUCCEEDED", "")

    assert said["webhook"] == "ConnectError"
    assert "did not take the report" in capsys.readouterr().err
    assert len(runs_of(Home(tmp_path))) == 1
