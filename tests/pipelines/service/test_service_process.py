"""The service as a process: checks before its start, and its environment."""

import socket
import subprocess
import sys

import httpx
import pytest

from feature_repo.home import Home, ServiceError, SettingError, Settings
from pipelines.cli.main import main
from pipelines.service import AisleClient, free_port, running_service
from pipelines.service.service_process import ServiceStart, environment
from training.artifacts import POPULARITY, publish


def test_a_port_in_use_is_rejected_by_number(tmp_path):
    settings = Settings(home=Home(tmp_path / "home"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with (
            pytest.raises(ServiceError, match=rf"Port {port} .* --port"),
            running_service(settings, port=port),
        ):
            pass


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_an_invalid_number_of_processes_is_rejected(text):
    with pytest.raises(SettingError, match="AISLE_WORKERS"):
        Settings.from_environment({"AISLE_WORKERS": text})


def test_the_environment_has_the_number_of_processes(tmp_path):
    settings = Settings(home=Home(tmp_path / "home"), workers=3)

    variables = environment(settings, 3000)

    assert Settings.from_environment(variables).workers == 3


def test_zero_processes_are_rejected_before_anything_starts(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AISLE_HOME", str(tmp_path / "home"))

    assert main(["serve", "--workers", "0"]) != 0

    assert "--workers: expected at least 1" in capsys.readouterr().err


def unready(request):
    """Answer as a service that lives and is not ready."""
    return httpx.Response(200 if request.url.path == "/livez" else 503)


def refuse(request):
    """Behave as a port on which nothing listens."""
    raise httpx.ConnectError("refused")


@pytest.fixture
def error_of(tmp_path):
    """Returns a function that starts a process, and returns why it was not ready."""
    settings = Settings(home=Home(tmp_path / "home"))
    settings.home.root.mkdir()
    (settings.home.root / "service.log").write_text("the last line\n")

    def start(code, answer, limit=0.3):
        client = AisleClient(transport=httpx.MockTransport(answer))
        with subprocess.Popen([sys.executable, "-c", code]) as process, client:
            begun = ServiceStart(settings, process, client, limit, lambda _: None)
            with pytest.raises(ServiceError) as failed:
                begun.await_ready()
            process.kill()
        return str(failed.value), settings.home

    return start


WAIT = "import time; time.sleep(60)"


def test_a_service_without_anything_published_names_the_cause(error_of):
    error, home = error_of(WAIT, unready)

    assert f"nothing that ranks is published in {home.root}; run `aisle refresh`." in error
    assert error.endswith("the last line")


def test_a_service_that_cannot_load_what_is_published_names_the_cause(error_of, tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "popularity.json").write_text("damaged")
    publish(Home(tmp_path / "home"), POPULARITY, "default", tmp_path / "build", {})

    error, _ = error_of(WAIT, unready)

    assert "not loaded what is published; `aisle doctor`" in error


def test_a_service_that_does_not_answer_in_time_names_the_limit_and_the_option(error_of):
    error, _ = error_of(WAIT, refuse)

    assert "not ready within 0.3 s: it does not answer yet" in error
    assert "--wait" in error


def test_a_service_that_ends_names_its_status(error_of):
    error, _ = error_of("raise SystemExit(7)", refuse, limit=60)

    assert error.startswith("The service ended with status 7.")


@pytest.mark.parametrize("wait", ["0", "-3", "nan"])
def test_an_invalid_limit_is_rejected_before_the_service_starts(tmp_path, wait):
    settings = Settings(home=Home(tmp_path / "home"))

    with (
        pytest.raises(SettingError, match="--wait: expected more than 0"),
        running_service(settings, port=free_port(), wait=float(wait)),
    ):
        pass


def test_the_state_is_announced_while_the_service_starts(tmp_path):
    settings = Settings(home=Home(tmp_path / "home"))
    settings.home.root.mkdir()
    lines = []

    with (
        pytest.raises(ServiceError),
        running_service(settings, port=free_port(), wait=0.01, announce=lines.append),
    ):
        pass

    assert lines == ["Starting the service; --wait limits this to 0.01 s."]
