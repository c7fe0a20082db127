"""Changed bytes: files of published artifacts and values in Redis."""

import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import redis

from feature_repo.feast_repo import repository
from feature_repo.home import Home
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.redis import redis_client
from feature_repo.online.redis.server import ensure_redis
from feature_repo.shop import Shop
from pipelines.steps import refresh
from tests.benchmarks.faults.fault import Fault, Measured
from tests.integration.http.small_shop import Service

CHANGES = 200
_SLATE = 50
_SHOPPERS = 20
"""Shoppers with live lists."""
_SEED = 17


def changed(content: bytes, rng: random.Random) -> bytes:
    """Return other bytes: a flipped bit, overwritten bytes, a cut or a longer end."""
    at = rng.randrange(len(content)) if content else 0
    new = rng.randbytes(rng.randint(1, 64))
    flipped = bytes([content[at] ^ 1 << rng.randrange(8)]) if content else b"x"
    result = rng.choice(
        [
            content[:at] + flipped + content[at + 1 :],
            content[:at] + new + content[at + len(new) :],
            content[:at],
            content + new,
        ]
    )
    return result if result != content else content + new


def change_artifacts(service: Service) -> Measured:
    """Publish changed copies of all artifacts, in rounds, until there were enough."""
    rng, links = random.Random(_SEED), sorted(service.home.current.glob("*/*"))
    before = _versions(service)
    earlier = _refusals(service)
    done = served = failed = 0
    while done < CHANGES:
        with _changed_copies(links, rng):
            done += len(links)
            service.eventually(lambda done=done: _refusals(service) - earlier >= done, 120)
            failed += not answers(service)
            served += _versions(service) != before
        service.eventually(lambda: answers(service))
    refused = _refusals(service) - earlier
    return Measured(
        held=refused == done and not served and not failed,
        text=f"{done} changes, {refused} refused, {served} rounds with one served, "
        f"{failed} rounds with an error; the former versions ranked",
    )


def change_redis(service: Service) -> Measured:
    """Change values of all kinds in Redis at once, read every item and user, and refresh."""
    rng, home = random.Random(_SEED), service.home
    with redis_client(ensure_redis(service.settings), timeout=30) as client:
        _click_around(service)
        reader = OnlineReader(home, Shop.load(home.shop_toml), client)
        t = service.clock.now()
        before = online_values(service, reader, t)
        values, lists = _keys(client, home, b"string"), _keys(client, home, b"zset", ":recent:")
        for key in rng.sample(values, CHANGES - len(lists)):
            client.set(key, changed(client.get(key) or b"", rng))
        for key in lists:
            _change_list(client, key, rng)
        after = online_values(service, reader, t)
        other, missing = differences(before, after)
        answered = answers(service)
        degraded = {stage for user in service.users for stage in _degraded(service, user)}
        repository.clear_online(home)
        report = refresh(service.settings)
        repaired = differences(before, online_values(service, reader, t))
    return Measured(
        held=other == 0 and answered and degraded == {"hydrate"} and repaired == (0, 0),
        text=f"{CHANGES} of {len(values) + len(lists)} values changed, {len(lists)} of them lists "
        f"of shoppers: {other} other feature values read, {missing} missing; degraded: "
        f"{', '.join(sorted(degraded))}; {sum(repaired)} differ after a refresh"
        f"{', which built the live state again' if report.rebuilt else ''}",
    )


def _click_around(service: Service) -> None:
    """Let shoppers have live lists."""
    for user, item in zip(service.users[:_SHOPPERS], service.items, strict=False):
        service.click(item, user_id=user)
        service.rank(service.items[:3], user=user, params={"shown": "1"})


def _keys(client: "redis.Redis", home: Home, kind: bytes, part: str = "") -> list[bytes]:
    """Return the keys of a type, except the home's mark."""
    return sorted(
        key
        for key in client.scan_iter(f"*{home.project}*{part}*", count=1000)
        if client.type(key) == kind and key != f"{home.project}:home".encode()
    )


def _change_list(client: "redis.Redis", key: bytes, rng: random.Random) -> None:
    """Change an entry of a list, or its instant."""
    member, score = rng.choice(client.zrange(key, 0, -1, withscores=True))
    if rng.random() < 0.5:
        client.zadd(key, {member: score + rng.choice([-1, 2**20])})
    else:
        client.zrem(key, member)
        client.zadd(key, {changed(member, rng): score})


def _degraded(service: Service, user: str) -> list[str]:
    stages: list[str] = service.rank(service.items[:3], user=user).json()["degraded"]
    return stages


def answers(service: Service) -> bool:
    """Return whether rankings and searches are answered without an error."""
    ranked = service.rank(service.items[:_SLATE], user=service.users[0])
    searched = service.search("red", user=service.users[0])
    return {ranked.status_code, searched.status_code} == {200} and bool(ranked.json()["items"])


def _versions(service: Service) -> tuple[object, object]:
    models = service.http.get("/models").json()
    return models["models"], models["indices"]


def _refusals(service: Service) -> int:
    lines = service.http.get("/metrics").text.splitlines()
    counted = [line for line in lines if line.startswith("aisle_artifact_loads_total")]
    return int(sum(float(line.rpartition(" ")[2]) for line in counted if '"refused"' in line))


@contextmanager
def _changed_copies(links: list[Path], rng: random.Random) -> Iterator[None]:
    """Let all links point to copies with one changed file each, and restore them at the end."""
    targets = {link: link.readlink() for link in links}
    copies = []
    for link in links:
        whole = link.resolve()
        stamp = f"20990101T{rng.randrange(10**6):06d}Z"
        copy = whole.with_name(f"{stamp}-{whole.name.rpartition('-')[2]}")
        shutil.copytree(whole, copy)
        copies.append(copy)
        file = rng.choice(sorted(path for path in copy.rglob("*") if path.is_file()))
        file.write_bytes(changed(file.read_bytes(), rng))
        _repoint(link, copy)
    try:
        yield
    finally:
        for link, target in targets.items():
            _repoint(link, target)
        for copy in copies:
            shutil.rmtree(copy)


def _repoint(link: Path, target: Path) -> None:
    new = link.with_name(f".{link.name}-new")
    new.symlink_to(target)
    new.replace(link)


def online_values(service: Service, reader: OnlineReader, t: int) -> dict[str, Any]:
    """Return every value of every item and user, by view, feature and entity."""
    items = service.items
    context = reader.read(user_id=None, query_key=None, item_ids=items, t=t)
    values = {
        f"{name} {item}": value
        for name, column in context.items.items()
        for item, value in zip(items, column, strict=True)
    }
    for user in service.users:
        person = reader.read(user_id=user, query_key=None, item_ids=[], t=t).user
        values |= {f"{name} {user}": value for name, value in person.items()}
    return values


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many values are other ones, and how many are missing."""
    differing = [name for name in before if not _same(before[name], after[name])]
    missing = [name for name in differing if _is_missing(name, after[name])]
    return len(differing) - len(missing), len(missing)


def _same(one: Any, other: Any) -> bool:
    return bool(np.array_equal(_plain(one), _plain(other)))


def _plain(value: Any) -> Any:
    return "nan" if isinstance(value, float | np.floating) and np.isnan(value) else value


def _is_missing(name: str, value: Any) -> bool:
    """Return whether a value says that there is none; `<view>__present` is then 0."""
    if "__present " in name:
        return not value
    return value is None or _plain(value) == "nan" or np.size(value) == 0


_TEST_OF_ARTIFACTS = "tests/training/artifacts/test_artifact.py"
_TEST_OF_CODECS = "tests/feature_repo/online/codec/test_packing.py"


def _fault(name: str, measure: Callable[[Service], Measured], expected: str, test: str) -> Fault:
    return Fault(name, (measure.__doc__ or "").rstrip("."), expected, measure, test)


FAULTS = (
    _fault(
        "artifacts changed",
        change_artifacts,
        "each is refused, and the former version ranks",
        f"{_TEST_OF_ARTIFACTS}::test_an_artifact_with_changed_bytes_is_refused",
    ),
    _fault(
        "values in Redis changed",
        change_redis,
        "a changed value is missing and named in `degraded`, no other one is read; a refresh "
        "repairs it",
        f"{_TEST_OF_CODECS}::test_a_changed_row_is_damaged_and_the_others_are_not",
    ),
)
