"""The console of a home, in the process of the tests."""

import socket
import threading
from contextlib import contextmanager

import httpx
import uvicorn

from pipelines.console.application import application
from tests.scale import seconds

AWAY = "http://127.0.0.1:9"
"""An address where no service answers."""


@contextmanager
def running_console(settings, service_url):
    """Run the console on a free port until the block ends; yield its address."""
    config = uvicorn.Config(application(settings, service_url), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def console_client(settings, service_url=AWAY):
    """Run the console until the block ends; yield a client of it."""
    with (
        running_console(settings, service_url) as url,
        httpx.Client(base_url=url, timeout=seconds(20), trust_env=False) as client,
    ):
        yield client
