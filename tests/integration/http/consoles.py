"""The console of a home, in the process of the tests."""

import re
import socket
import threading
from contextlib import contextmanager

import httpx
import uvicorn

from feature_repo.home import ApiKeys
from pipelines.console.application import application
from pipelines.console.pages import PAGES
from tests.scale import seconds

ADDRESSES = {page.path: f"/{page.path}" for page in PAGES if page.label} | {
    "sorted table": "/overview?sort=events.-item",
    "model": "/model",
    "comparison": "/comparison",
    "feature": "/feature?view=item_engagement&field=clicks_7d",
    "item": "/entity?of=item:i00001",
    "user": "/entity?of=user:u00001",
    "query": "/entity?of=query:red+shoes",
    "search": "/explorer?q=red+shoes+under+50&user=u00001",
    "recommendation": "/explorer?surface=home&user=u00001",
    "personalization off": "/explorer?q=red+shoes&user=u00001&with=nameless",
    "rules off": "/explorer?q=red+shoes&with=rules-off",
    "another ranker": "/explorer?surface=home&with=model&model=default",
    "sign in": "/sign-in",
    "export": "/export?user=u00001",
    "user view": "/feature?view=user_recent",
    "judged query": "/judgments?q=red",
}
"""The pages of a small shop in their states, by a name."""

HOSTILE = "\"'><img src=x onerror=window.hit=1><script>window.hit=1</script>"

TOKEN = re.compile(r'name="token" value="([^"]+)"')

AWAY = "http://127.0.0.1:9"
"""An address where no service answers."""


@contextmanager
def running_console(settings, service_url, wait=60.0):
    """Run the console on a free port until the block ends; yield its address.

    Its pages wait so many seconds for slow figures.
    """
    app = application(settings, service_url, wait)
    config = uvicorn.Config(app, log_level="warning", lifespan="off")
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
def console_client(settings, service_url=AWAY, wait=60.0):
    """Run the console until the block ends; yield a client of it."""
    with (
        running_console(settings, service_url, wait) as url,
        httpx.Client(base_url=url, timeout=seconds(20), trust_env=False) as client,
    ):
        yield client


@contextmanager
def operating(console_url, secret):
    """Sign in at a running console until the block ends; yield a client and its token."""
    with httpx.Client(base_url=console_url, timeout=seconds(20), trust_env=False) as client:
        answer = client.post("/session", data={"key": secret})
        assert answer.status_code == 303, answer.text
        (token,) = {*TOKEN.findall(client.get("/models").text)}
        yield client, token


@contextmanager
def operator_key(service, *scopes):
    """Give the home of a service one key until the block ends; yield its secret."""
    keys, secret = ApiKeys().with_new("anna", scopes)
    keys.save(service.home.api_keys)
    try:
        assert service.eventually(lambda: service.http.get("/autocomplete").status_code == 401)
        yield secret
    finally:
        service.home.api_keys.unlink()
        assert service.eventually(lambda: service.http.get("/autocomplete").status_code == 200)
