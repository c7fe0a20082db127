"""The service as a process: checks before its start, and its environment."""

import socket

import pytest

from feature_repo.home import Home, ServiceError, SettingError, Settings
from pipelines.cli.main import main
from pipelines.service import running_service
from pipelines.service.service_process import environment


def test_a_port_in_use_is_rejected_by_number(tmp_path):
    settings = Settings(home=Home(tmp_path / "home"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with (
            pytest.raises(ServiceError, match=rf"Port {port} .* --port"),
            running_service(settings, "redis://127.0.0.1:1", port=port),
        ):
            pass


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_an_invalid_number_of_processes_is_rejected(text):
    with pytest.raises(SettingError, match="AISLE_WORKERS"):
        Settings.from_environment({"AISLE_WORKERS": text})


def test_the_environment_has_the_number_of_processes(tmp_path):
    settings = Settings(home=Home(tmp_path / "home"), workers=3)

    variables = environment(settings, "redis://127.0.0.1:1", 3000)

    assert Settings.from_environment(variables).workers == 3


def test_zero_processes_are_rejected_before_anything_starts(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AISLE_HOME", str(tmp_path / "home"))

    assert main(["serve", "--workers", "0"]) != 0

    assert "--workers: expected at least 1" in capsys.readouterr().err
