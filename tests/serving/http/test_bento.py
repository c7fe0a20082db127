"""Undocumented behaviour of BentoML and Starlette that the service relies on."""

import asyncio
import inspect
import os
import signal

import bentoml
import httpx
import pytest
import uvicorn
from _bentoml_impl.server.app import ServiceAppFactory
from _bentoml_impl.worker import service as worker
from bentoml._internal.server.http import traffic
from starlette.applications import Starlette
from starlette.routing import Route

from serving.http import bento
from serving.http.connections import BoundedConnection
from tests.scale import seconds


class Small:
    """A service without methods."""


class Echo:
    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["method"].encode()})


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PURGE"])
def test_starlette_routes_every_method_to_an_asgi_object(method):
    transport = httpx.ASGITransport(Starlette(routes=[Route("/", Echo())]))

    async def send():
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            return await http.request(method, "/")

    assert asyncio.run(send()).text == method


def test_bentoml_calls_the_readiness_check_of_the_service():
    assert "__is_ready__" in inspect.getsource(ServiceAppFactory.readyz)


def test_uvicorn_installs_its_signal_handler_before_it_starts_the_application():
    serve = inspect.getsource(uvicorn.Server.serve)

    assert "capture_signals" in serve
    assert "signal.signal" in inspect.getsource(uvicorn.Server.capture_signals)


def test_shutdown_is_announced_before_the_earlier_handler_runs(monkeypatch):
    calls = []
    monkeypatch.setattr(BoundedConnection, "draining", False)
    original = signal.signal(signal.SIGTERM, lambda *_: calls.append("shut down"))

    async def run():
        bento.before_shutdown(lambda: calls.append("notified"), 0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        while "shut down" not in calls:
            await asyncio.sleep(0.01)

    try:
        asyncio.run(asyncio.wait_for(run(), seconds(30)))
    finally:
        signal.signal(signal.SIGTERM, original)

    assert calls == ["notified", "shut down"]
    assert BoundedConnection.draining


def test_uvicorn_serves_connections_with_limits():
    bento.limit_connections()
    config = uvicorn.Config(Echo())
    config.load()

    assert config.http_protocol_class is BoundedConnection
    assert "http=" not in inspect.getsource(worker.main.callback)


def test_an_answered_request_leaves_no_timer(monkeypatch):
    monkeypatch.setattr(traffic, "TimeoutMiddleware", traffic.TimeoutMiddleware)
    bento.start_no_timers()
    service = bentoml.service(
        bentoml.asgi_app(Starlette(routes=[Route("/", Echo())]), path="/")(Small)
    )

    async def timers_after(requests):
        transport = httpx.ASGITransport(service.to_asgi())
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            for _ in range(requests):
                assert (await http.get("/")).text == "GET"
        return len(asyncio.get_running_loop()._scheduled)

    assert asyncio.run(timers_after(5)) == 0
