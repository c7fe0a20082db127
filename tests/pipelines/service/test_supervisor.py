"""The supervisor waits longer after each failed start, and gives up."""

import socket

import pytest

from feature_repo.home import Home, ServiceError, Settings
from pipelines.service import AisleClient, Supervisor, supervisor
from pipelines.service.service_process import ServiceProcess
from pipelines.service.supervisor import LONGEST_PAUSE_SECONDS, MOST_FAILURES, Backoff


@pytest.fixture
def impatient(monkeypatch):
    """Pauses of milliseconds."""
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_SECONDS", 0.005)
    monkeypatch.setattr(supervisor, "POLL_SECONDS", 0.001)


@pytest.fixture
def service_on_a_used_port(tmp_path):
    """A service that cannot start, and the lines it announces."""
    settings, lines = Settings(home=Home(tmp_path / "home")), []
    with socket.create_server(("127.0.0.1", 0)) as other, AisleClient() as client:
        port = other.getsockname()[1]
        yield ServiceProcess(settings, "127.0.0.1", port, 1.0, client, lines.append)


def test_pauses_double_up_to_a_limit():
    backoff = Backoff()

    pauses = [backoff.fail() for _ in range(9)]

    assert pauses == [0.5, 1, 2, 4, 8, 16, *[LONGEST_PAUSE_SECONDS] * 3]
    assert not backoff.is_due


@pytest.mark.usefixtures("impatient")
def test_a_service_that_cannot_start_is_an_error_after_some_attempts(service_on_a_used_port):
    service, lines = service_on_a_used_port, []
    watched = Supervisor(service.settings, service, lambda: True, lines.append)

    with pytest.raises(ServiceError, match=f"{MOST_FAILURES} starts in a row failed.*Port"):
        watched.run()

    assert sum("did not start and is started again" in line for line in lines) == MOST_FAILURES
    assert sum("next attempt" in line for line in lines) == MOST_FAILURES - 1


@pytest.mark.usefixtures("impatient")
def test_redis_is_tried_again_as_long_as_the_service_runs(
    service_on_a_used_port, tmp_path, monkeypatch
):
    service, lines = service_on_a_used_port, []
    (tmp_path / "home" / "redis" / "appendonlydir").parent.mkdir(parents=True)
    (tmp_path / "home" / "redis" / "appendonlydir").write_text("in the way")
    watched = Supervisor(service.settings, service, lambda: False, lines.append)
    monkeypatch.setattr(supervisor, "MOST_FAILURES", 20)

    with pytest.raises(ServiceError):
        watched.run()

    assert sum("Redis ended" in line for line in lines) > 1
    assert any("did not start" in line and "next attempt" in line for line in lines)
