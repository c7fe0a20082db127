"""The service as a process: only our own answers for us."""

import socket

import pytest

from feature_repo.home import Home, ServiceError, SettingError, Settings
from pipelines.cli.main import main
from pipelines.service import running_service
from pipelines.service.service_process import environment


def test_a_port_that_another_listens_on_is_refused_by_name(tmp_path):
    settings = Settings(home=Home(tmp_path / "home"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with (
            pytest.raises(ServiceError, match=rf"Port {port} .* --port"),
            running_service(settings, "redis://127.0.0.1:1", port=port),
        ):
            pass


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_a_number_of_processes_that_is_none_is_refused(text):
    with pytest.raises(SettingError, match="AISLE_WORKERS"):
        Settings.from_environment({"AISLE_WORKERS": text})


def test_the_service_is_told_how_many_processes_it_has(tmp_path):
    settings = Settings(home=Home(tmp_path / "home"), workers=3)

    told = environment(settings, "redis://127.0.0.1:1", 3000)

    assert Settings.from_environment(told).workers == 3


def test_no_process_is_refused_before_anything_is_started(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AISLE_HOME", str(tmp_path / "home"))

    assert main(["serve", "--workers", "0"]) != 0

    assert "--workers: expected at least 1" in capsys.readouterr().err
