"""The console as a server on this machine."""

import socket
from collections.abc import Callable
from contextlib import closing

import uvicorn

from feature_repo.home import SettingError, Settings
from pipelines.console.application import application
from pipelines.service import check_port, is_loopback, url_of


def serve(
    settings: Settings, host: str, port: int, service_url: str, announce: Callable[[str], None]
) -> None:
    """Answer until interrupted.

    Raises:
        SettingError: other machines could reach the console, which shows all data of the shop.
        ServiceError: the port is in use, or the host is no address.
    """
    if not is_loopback(host):
        raise SettingError(
            f"--host: expected a loopback address, because the console has no keys and shows all "
            f"data of the shop, found {host}. Reach it from elsewhere by `ssh -L`."
        )
    check_port(host, port)
    config = uvicorn.Config(
        application(settings, service_url), log_level="warning", access_log=False, lifespan="off"
    )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.create_server((host, port), family=family)) as listener:
        announce(f"The console is at {url_of(host, port)}.  Ctrl-C stops it.")
        uvicorn.Server(config).run(sockets=[listener])
