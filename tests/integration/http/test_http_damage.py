"""A service with damaged artifacts, or a slow Redis, answers and becomes whole again."""

import asyncio
import shutil
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from feature_repo.home import Home
from feature_repo.online.redis.server import ensure_redis
from feature_repo.shop import Shop
from serving.state import DEFAULT_MODEL, POPULARITY, RANKER, ModelRegistry
from tests.integration.http.small_shop import publish_ranker, run_service
from training.artifacts import current, publish
from training.artifacts.artifact import MANIFEST
from training.retrieval.sources import index_specs, publish_indexes

SURFACES = ("home", "again", "trending", "together")


def files_of(folder):
    return [path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST]


def truncated(folder):
    for path in files_of(folder):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garbled(folder):
    for path in files_of(folder):
        path.write_bytes(b"\x00\xff garbage" * 9)


def emptied(folder):
    for path in files_of(folder):
        path.write_bytes(b"")


def lost(folder):
    for path in files_of(folder):
        path.unlink()


def of_nothing(folder):
    (folder / MANIFEST).write_text("{}")


def damage(home, kind, how):
    """Damage the artifact in use, of a home that no process serves."""
    how(current(home, kind, DEFAULT_MODEL))


@pytest.fixture
def own(shop, tmp_path):
    """A copy of the shop's home, of the same name and so of the same features in Redis."""
    home = Home(tmp_path / shop.home.root.name)
    leave = shutil.ignore_patterns("redis", "bentoml", "*.log")
    shutil.copytree(shop.home.root, home.root, symlinks=True, ignore=leave)
    return replace(shop, home=home)


class Delay:
    """A way to Redis that can be made slow."""

    def __init__(self):
        self.seconds, self.port = 0.0, 0

    async def serve(self, reader, writer, address):
        theirs, ours = await asyncio.open_connection(*address)

        async def passed(source, target, slow):
            with closing(target):
                while data := await source.read(1 << 20):
                    await asyncio.sleep(self.seconds if slow else 0)
                    target.write(data)

        await asyncio.gather(passed(reader, ours, False), passed(theirs, writer, True))


@contextmanager
def delaying(address):
    """Pass everything on to a server and back, in a thread, until the block ends."""
    delay, loop = Delay(), asyncio.new_event_loop()

    async def end():
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    serve = partial(delay.serve, address=(address.host, address.port))
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    delay.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield delay
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(end())
        loop.close()


def test_a_service_begun_on_damaged_artifacts_answers_and_takes_what_is_published_next(
    own, tmp_path
):
    damage(own.home, RANKER, truncated)
    damage(own.home, "lexical", garbled)
    damage(own.home, "popular", lost)

    with run_service(own) as service:
        ready = service.http.get("/readyz").status_code
        items = service.items
        ranked, by_popularity = service.rank(items), service.rank(items, model="unranked")
        found = service.search("red")
        pages = [service.recommend(surface, user="u00001") for surface in SURFACES]
        publish_ranker(own.home, tmp_path / "ranker", seed=3)
        publish_indexes(own.home)
        whole = service.eventually(
            lambda: (
                service.rank(items).json()["degraded"] == []
                and service.search("red").json()["degraded"] == []
                and service.recommend("home").json()["degraded"] == []
            )
        )

    assert ready == 200
    assert ranked.json()["degraded"] == ["score"]
    assert [i["item"] for i in ranked.json()["items"]] == [
        i["item"] for i in by_popularity.json()["items"]
    ]
    assert found.json()["degraded"] == ["retrieve", "score"]
    assert {page.status_code for page in (ranked, found, *pages)} == {200}
    assert all(page.json()["items"] for page in pages)
    assert "retrieve" in pages[0].json()["degraded"]
    assert whole


def test_a_slow_redis_is_not_waited_for_and_is_asked_again_when_it_is_quick(own):
    with delaying(ensure_redis(own)) as delay:
        slow = replace(own, redis_url=f"redis://127.0.0.1:{delay.port}/0")
        with run_service(slow) as service:
            assert service.eventually(lambda: service.rank(["a"]).json()["degraded"] == [])
            items = [item["item"] for item in service.search("", size=20).json()["items"]]
            delay.seconds = 1.0
            ranked = [service.rank(items, user="u00001") for _ in range(4)]
            pages = [service.search("red", user="u00001") for _ in range(4)]
            acknowledged = service.click(items[0])[1]
            delay.seconds = 0.0
            whole = service.eventually(lambda: service.search("red").json()["degraded"] == [])

    assert {answer.status_code for answer in (*ranked, *pages)} == {200}
    assert {tuple(answer.json()["degraded"]) for answer in ranked} == {("hydrate",)}
    assert all("hydrate" in answer.json()["degraded"] for answer in pages)
    assert all(answer.json()["items"] for answer in (*ranked, *pages))
    assert acknowledged.json()["accepted"] == 1
    assert whole


@pytest.mark.parametrize("kind", [RANKER, POPULARITY, *index_specs()])
def test_no_damage_stops_a_shelf_and_every_next_publication_is_taken(shop, tmp_path, kind):
    declared = Shop.load(shop.home.shop_toml)
    good = Path(shutil.copytree(current(shop.home, kind, DEFAULT_MODEL), tmp_path / "good"))
    for how in (truncated, garbled, emptied, lost, of_nothing):
        home = Home(tmp_path / how.__name__)
        publish(home, kind, DEFAULT_MODEL, good, {})
        damage(home, kind, how)
        registry = ModelRegistry(home, declared)
        registry.reload()
        assert registry.artifacts == {}, how
        (home.current / kind / DEFAULT_MODEL).unlink()
        publish(home, kind, DEFAULT_MODEL, good, {"query_key_version": 1})
        registry.reload()
        assert [*registry.artifacts] == [(kind, DEFAULT_MODEL)], how


@pytest.mark.parametrize("kind", [RANKER, POPULARITY, *index_specs()])
@pytest.mark.parametrize("how", [truncated, garbled, emptied])
def test_what_was_published_damaged_is_refused_and_the_one_before_stays(shop, tmp_path, kind, how):
    home, build = Home(tmp_path / "home"), tmp_path / "build"
    shutil.copytree(current(shop.home, kind, DEFAULT_MODEL), build)
    registry = ModelRegistry(home, Shop.load(shop.home.shop_toml))
    version = publish(home, kind, DEFAULT_MODEL, build, {})
    registry.reload()
    how(build)
    publish(home, kind, DEFAULT_MODEL, build, {})

    registry.reload()

    assert registry.artifacts[kind, DEFAULT_MODEL].version == version
