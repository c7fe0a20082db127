"""Compare reading the features of one user, query and N items in serving with Feast's `to_df`.

Both read the view rows of one home from one Redis server, as of the last load.  Aisle's is the
call that serving makes: one round trip, decoded into the columns of a request, items cached or
not.

python -m tests.benchmarks matrix
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import uvloop
from feast import FeatureService, FeatureStore

from feature_repo.events.contract import DEFAULT_MARKET, query_key
from feature_repo.events.log import read_seals
from feature_repo.home import Settings
from feature_repo.online.hydration import ItemCache, OnlineReader
from feature_repo.online.redis import PipelinedClient, RedisAddress, redis_client, running_redis
from feature_repo.online.redis.server import ensure_redis
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from tests.benchmarks.__main__ import RESULTS
from tests.benchmarks.bench_serving import slates_of, stock_store
from tests.benchmarks.measuring import costs
from tests.benchmarks.plot import draw
from tests.integration.http.small_shop import build_home

SHOP = {"users": 60, "items": 1000, "days": 4}
SIZES, RUNS = (100, 200, 300), 5
READS, STOCK_READS = 100, 3
TIMEOUT_SECONDS = 5.0
AISLE, STOCK = ("cached", "uncached"), ("stock to_df", "stock proto")
COMMANDS = {"cmdstat_zrevrange": 2, "cmdstat_mget": 2, "cmdstat_client|caching": 1}
"""Redis commands of an uncached read, sent in one piece.  A cached read needs only one MGET and no
tracking."""


@dataclass(frozen=True)
class Slate:
    """One request, as arguments of `OnlineReader.slate` and as entity rows of Feast."""

    arguments: dict[str, object]
    rows: list[dict[str, str]]


class Reader:
    """Reads slates as serving does, on a private event loop."""

    def __init__(self, settings: Settings, address: RedisAddress) -> None:
        self.redis = redis_client(address, timeout=TIMEOUT_SECONDS)
        self._reader = OnlineReader(settings.home, Shop.load(settings.home.shop_toml), self.redis)
        self._items = ItemCache(self._reader.item_keys)
        self._client = PipelinedClient(
            address, TIMEOUT_SECONDS, _on_connect, self._items.invalidate
        )
        # `asyncio.Runner.run` formats the result of every task, which takes longer than the read.
        self._loop = uvloop.new_event_loop()

    def cached(self, slate: Slate) -> RequestContext:
        """Read a slate whose items are cached since the last read."""
        read = self._items.read(self._client, self._reader.slate(**slate.arguments))
        return self._loop.run_until_complete(read)

    def uncached(self, slate: Slate) -> RequestContext:
        """Read a slate after dropping all cached items."""
        self._items.invalidate(None)
        return self.cached(slate)

    def close(self) -> None:
        """Close the connections and the loop."""
        self._client.close()
        self._loop.close()
        self.redis.close()


def main() -> dict[str, object]:
    """Return the best medians of five runs at each size, after the values agree."""
    with TemporaryDirectory() as folder, prepared(Path(folder)) as (reader, stock, slates):
        service = stock.get_feature_service("ranking_v1")
        features = sum(len(view.features) for view in service.feature_view_projections)
        views = len(service.feature_view_projections)
        sizes = {str(size): _at(reader, stock, service, slates[size]) for size in SIZES}
    _draw(sizes)
    return {"what": f"1 user × N items × {features} features of {views} views", "sizes": sizes}


@contextmanager
def prepared(folder: Path) -> Iterator[tuple[Reader, FeatureStore, dict[int, Slate]]]:
    """Build a home with its features in Aisle's online store and in stock Feast's."""
    with ExitStack() as stack:
        settings = build_home(folder / "home", **SHOP)
        stack.enter_context(running_redis(settings))
        address = ensure_redis(settings)
        stock = FeatureStore(repo_path=str(stock_store(settings, address, folder / "stock")))
        reader = Reader(settings, address)
        stack.callback(reader.close)
        t = read_seals(settings.home.log / "seals").last + 1
        slates = {size: _slate(some[0], t) for size, some in slates_of(settings, SIZES).items()}
        yield reader, stock, slates


def _slate(request: dict[str, object], t: int) -> Slate:
    user, query, items = request["user"], request["query"], request["items"]
    key = query_key(query, DEFAULT_MARKET)
    arguments = {
        "user_id": user,
        "query": query,
        "query_key": key,
        "item_ids": items,
        "market": DEFAULT_MARKET,
        "t": t,
    }
    keys = {"user_id": user, "query_key": key, "market": DEFAULT_MARKET}
    return Slate(arguments, [{**keys, "item_id": item} for item in items])


def _at(
    reader: Reader, stock: FeatureStore, service: FeatureService, slate: Slate
) -> dict[str, object]:
    def answer():
        return stock.get_online_features(service, slate.rows, full_feature_names=True)

    _assert_same(reader.uncached(slate), answer().to_df())
    _assert_same(reader.cached(slate), answer().to_df())
    measured = costs(
        {
            "cached": (lambda: reader.cached(slate), READS),
            "uncached": (lambda: reader.uncached(slate), READS),
            "stock to_df": (lambda: answer().to_df(), STOCK_READS),
            "stock proto": (lambda: answer().proto, STOCK_READS),
        },
        runs=RUNS,
        with_memory=False,
    )
    ratios = {
        f"{stock} to {aisle} {unit}": measured[stock][unit] / measured[aisle][unit]
        for stock in STOCK
        for aisle in AISLE
        for unit in ("seconds", "cpu_seconds")
    }
    return {**measured, "ratios": ratios, "commands_at_the_server": _commands(reader, slate)}


def _assert_same(context: RequestContext, expected: pd.DataFrame) -> None:
    """Compare every feature: item features row by row, all others with each row."""
    features_read = {**context.items, **context.user, **context.query_row, **context.market_row}
    presence_bits = sum(name.endswith("__present") for name in features_read)
    features = [name for name in expected.columns if name in features_read]
    assert len(features) == len(features_read) - presence_bits
    for name in features:
        is_item = name in context.items
        values = features_read[name] if is_item else [features_read[name]] * len(expected)
        assert _comparable(values) == _comparable(expected[name].tolist()), name


def _comparable(values: Sequence[object]) -> list[object]:
    return [_plain(value) for value in values]


def _plain(value: object) -> object:
    """Return lists as tuples, numbers as float, times as µs, and None for every null."""
    if isinstance(value, list | np.ndarray):
        return tuple(map(_plain, value)) or None
    if isinstance(value, pd.Timestamp):
        return None if pd.isna(value) else float(value.value // 1000)
    if isinstance(value, bool | int | float | np.number | np.bool_):
        return None if np.isnan(value) else float(value)
    return value


def _commands(reader: Reader, slate: Slate) -> dict[str, int]:
    """Count the commands that the server gets during one uncached read."""
    reader.redis.config_resetstat()
    reader.uncached(slate)
    stats = reader.redis.info("commandstats")
    commands = {name: of["calls"] for name, of in stats.items() if "config" not in name}
    assert commands == COMMANDS, commands
    return commands


def _draw(sizes: dict[str, dict[str, object]]) -> None:
    panels = {
        what: {
            name: {float(size): measured[name][unit] for size, measured in sizes.items()}
            for name in (*AISLE, *STOCK)
        }
        for what, unit in (("seconds", "seconds"), ("CPU seconds", "cpu_seconds"))
    }
    draw(RESULTS / "matrix.svg", "1 user, N items, all features", "items", panels)


async def _on_connect(connection: object) -> None:
    await connection.on_connect()
