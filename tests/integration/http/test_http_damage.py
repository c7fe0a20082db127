"""A service with damaged artifacts, or a slow Redis, answers and recovers."""

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
from pipelines.steps import ensure_home_redis, load_missing_features
from serving.state import DEFAULT_MODEL, ModelRegistry
from tests.integration.http.small_shop import publish_ranker, run_service
from tests.redis_addresses import behind
from training.artifacts import RANKER, current, publish
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


def removed(folder):
    for path in files_of(folder):
        path.unlink()


def without_manifest_entries(folder):
    (folder / MANIFEST).write_text("{}")


def damage(home, kind, how):
    """Damage the current artifact of a home that no process serves."""
    how(current(home, kind, DEFAULT_MODEL))


@pytest.fixture
def home_copy(shop, tmp_path):
    """A copy of the shop's home, with a Redis of its own that has its features."""
    home = Home(tmp_path / shop.home.root.name)
    ignored = shutil.ignore_patterns("redis", "bentoml", "*.log")
    shutil.copytree(shop.home.root, home.root, symlinks=True, ignore=ignored)
    settings = replace(shop, home=home)
    load_missing_features(settings, ensure_home_redis(settings), print)
    return settings


class SlowProxy:
    """A proxy in front of Redis with an adjustable delay."""

    def __init__(self):
        self.seconds, self.port = 0.0, 0

    async def serve(self, reader, writer, address):
        server_reader, server_writer = await asyncio.open_connection(*address)

        async def forward(source, target, delayed):
            with closing(target):
                while data := await source.read(1 << 20):
                    await asyncio.sleep(self.seconds if delayed else 0)
                    target.write(data)

        await asyncio.gather(
            forward(reader, server_writer, False), forward(server_reader, writer, True)
        )


@contextmanager
def slow_proxy(address):
    """Run a proxy of a server in a thread until the block ends."""
    proxy, loop = SlowProxy(), asyncio.new_event_loop()

    async def stop():
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    serve = partial(proxy.serve, address=(address.host, address.port))
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    proxy.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(stop())
        loop.close()


def test_a_service_started_with_damaged_artifacts_answers_and_loads_the_next_publication(
    home_copy, tmp_path
):
    damage(home_copy.home, RANKER, truncated)
    damage(home_copy.home, "lexical", garbled)
    damage(home_copy.home, "popular", removed)

    with run_service(home_copy) as service:
        ready = service.http.get("/readyz").status_code
        items = service.items
        ranked, by_popularity = service.rank(items), service.by_popularity(items)
        search = service.search("red")
        pages = [service.recommend(surface, user="u00001") for surface in SURFACES]
        publish_ranker(home_copy.home, tmp_path / "ranker", seed=3)
        publish_indexes(home_copy.home)
        recovered = service.eventually(
            lambda: (
                service.rank(items).json()["degraded"] == []
                and service.search("red").json()["degraded"] == []
                and service.recommend("home").json()["degraded"] == []
            )
        )

    assert ready == 200
    assert ranked.json()["degraded"] == ["score"]
    assert [i["item"] for i in ranked.json()["items"]] == by_popularity
    assert ranked.json()["model_version"].startswith("popularity/")
    assert search.json()["degraded"] == ["retrieve", "score"]
    assert {page.status_code for page in (ranked, search, *pages)} == {200}
    assert all(page.json()["items"] for page in pages)
    assert "retrieve" in pages[0].json()["degraded"]
    assert recovered


def test_a_slow_redis_is_skipped_until_it_is_fast_again(home_copy):
    address = ensure_redis(home_copy)
    with slow_proxy(address) as proxy:
        slow = replace(home_copy, redis_url=behind(address, proxy.port).url)
        with run_service(slow) as service:
            assert service.eventually(lambda: service.rank(["a"]).json()["degraded"] == [])
            items = [item["item"] for item in service.search("", size=20).json()["items"]]
            proxy.seconds = 5.0  # Far above the read timeout, on a busy machine too.
            ranked = [service.rank(items, user="u00001") for _ in range(4)]
            pages = [service.search("red", user="u00001") for _ in range(4)]
            acknowledged = service.click(items[0])[1]
            proxy.seconds = 0.0
            recovered = service.eventually(lambda: service.search("red").json()["degraded"] == [])

    assert {answer.status_code for answer in (*ranked, *pages)} == {200}
    assert {tuple(answer.json()["degraded"]) for answer in ranked} == {("hydrate",)}
    assert all("hydrate" in answer.json()["degraded"] for answer in pages)
    assert all(answer.json()["items"] for answer in (*ranked, *pages))
    assert acknowledged.json()["accepted"] == 1
    assert recovered


@pytest.mark.parametrize("kind", [RANKER, *index_specs()])
def test_a_registry_survives_any_damage_and_loads_every_next_publication(shop, tmp_path, kind):
    declared = Shop.load(shop.home.shop_toml)
    good = Path(shutil.copytree(current(shop.home, kind, DEFAULT_MODEL), tmp_path / "good"))
    for how in (truncated, garbled, emptied, removed, without_manifest_entries):
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


@pytest.mark.parametrize("target", ["nothing", DEFAULT_MODEL, "..", __file__])
def test_a_link_to_elsewhere_is_rejected_and_the_previous_version_stays(shop, tmp_path, target):
    home, build = Home(tmp_path / "home"), tmp_path / "build"
    shutil.copytree(current(shop.home, RANKER, DEFAULT_MODEL), build)
    registry = ModelRegistry(home, Shop.load(shop.home.shop_toml))
    version = publish(home, RANKER, DEFAULT_MODEL, build, {})
    registry.reload()
    link = home.current / RANKER / DEFAULT_MODEL
    link.unlink()

    link.symlink_to(target)
    registry.reload()

    assert registry.artifacts[RANKER, DEFAULT_MODEL].version == version
    link.unlink()
    registry.reload()
    assert registry.artifacts == {}


@pytest.mark.parametrize("kind", [RANKER, *index_specs()])
@pytest.mark.parametrize("how", [truncated, garbled, emptied])
def test_a_damaged_publication_is_rejected_and_the_previous_version_stays(
    shop, tmp_path, kind, how
):
    home, build = Home(tmp_path / "home"), tmp_path / "build"
    shutil.copytree(current(shop.home, kind, DEFAULT_MODEL), build)
    registry = ModelRegistry(home, Shop.load(shop.home.shop_toml))
    version = publish(home, kind, DEFAULT_MODEL, build, {})
    registry.reload()
    how(build)
    publish(home, kind, DEFAULT_MODEL, build, {})

    registry.reload()

    assert registry.artifacts[kind, DEFAULT_MODEL].version == version
