"""The service as a process: only our own answers for us."""

import socket

import pytest

from feature_repo.config import Settings
from feature_repo.errors import ServiceError
from feature_repo.home import Home
from pipelines.service_process import serving


def test_a_port_that_another_listens_on_is_refused_by_name(tmp_path):
    settings = Settings(home=Home(tmp_path / "home"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with (
            pytest.raises(ServiceError, match=rf"Port {port} .* --port"),
            serving(settings, "redis://127.0.0.1:1", port=port),
        ):
            pass
