"""Clients that send too much, too slowly or nothing, and the end of the service."""

import os
import signal
import socket
from contextlib import ExitStack

import httpx
import pytest

from tests.integration.http.small_shop import run_service
from tests.scale import seconds

SILENT = 140
DESCRIPTORS = 64
IDLE_CLIENTS = 8


def connect(service, sent=b""):
    port = int(service.url.rpartition(":")[2])
    connection = socket.create_connection(("127.0.0.1", port), timeout=seconds(30))
    connection.sendall(sent)
    return connection


@pytest.mark.parametrize("path", [b"/", b"/livez", b"/nowhere"])
def test_a_head_of_a_mebibyte_is_431_and_another_client_is_answered(service, path):
    with connect(service, b"GET " + path + b" HTTP/1.1\r\nX: " + b"a" * 40_000) as attacker:
        assert service.http.get("/livez").status_code == 200
        assert attacker.recv(4096).startswith(b"HTTP/1.1 431 ")

    assert service.metric('aisle_refused_total{status="431"}') >= 1


def test_silent_connections_do_not_stop_a_service_with_few_descriptors(shop, tmp_path):
    """Then a terminated service answers every idle client once more, and closes its connection."""
    with (
        run_service(
            shop, descriptors=DESCRIPTORS, BENTOML_HOME=str(tmp_path), AISLE_DRAIN="3"
        ) as service,
        ExitStack() as open_,
    ):
        for _ in range(SILENT):
            open_.enter_context(connect(service))
        assert service.http.get("/livez").status_code == 200
        assert service.rank(service.items).json()["degraded"] == []
        assert service.click("few-descriptors")[1].status_code == 200
        assert "Traceback" not in service.output()

        clients = [
            open_.enter_context(
                httpx.Client(base_url=service.url, timeout=seconds(20), trust_env=False)
            )
            for _ in range(IDLE_CLIENTS)
        ]
        assert {client.get("/livez").status_code for client in clients} == {200}
        os.kill(service.process.pid, signal.SIGTERM)
        assert service.eventually(lambda: clients[0].get("/readyz").status_code == 503)
        last = [client.get(path) for client in clients for path in ("/", "/livez", "/nowhere")]

    assert {answer.headers["connection"] for answer in last} == {"close"}
    assert {answer.status_code for answer in last} == {200, 404}
