"""Compare an incremental transform of the events of an hour with a full rebuild.

The log before the hour has 1, 2 and 4 times as many days.  Both runs must give the same rows.  Each
figure is the median of runs on copies of the home, whose event index is already up to date, as
after compaction.

python -m tests.benchmarks transforms
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ShownItem,
)
from feature_repo.events.log import EventIndex, Seals, to_table
from feature_repo.events.log.partitions import relation_path
from feature_repo.home import DAY, HOUR, Home
from feature_repo.transformations import transform
from tests.benchmarks.__main__ import RESULTS
from tests.benchmarks.plot import draw
from tests.feature_repo.growing_log import tables

DAYS = (10, 20, 40)
SLATES_A_DAY, SLATES_OF_THE_HOUR, SHOWN = 200, 50, 10
ITEMS, USERS, QUERIES = 2_000, 1_000, 300
RUNS = 3
START = 19_900 * DAY


def main() -> dict[str, object]:
    """Return CPU and wall seconds, and events read, of both runs at each length of the log."""
    results: dict[str, dict[str, Any]] = {}
    for days in DAYS:
        with tempfile.TemporaryDirectory() as name:
            results[str(days)] = _at(Path(name), days)
    panels = {
        "CPU seconds": {
            kind: {float(days): one[kind]["cpu_seconds"] for days, one in results.items()}
            for kind in ("incremental", "rebuild")
        }
    }
    draw(RESULTS / "transforms.svg", "Feature rows after an hour's events", "days of log", panels)
    first, last = (results[str(days)] for days in (DAYS[0], DAYS[-1]))
    growth = {
        kind: last[kind]["cpu_seconds"] / first[kind]["cpu_seconds"]
        for kind in ("incremental", "rebuild")
    }
    return {"what": "an hour's events after N days of log", "days": results, "growth": growth}


def _at(folder: Path, days: int) -> dict[str, Any]:
    home = Home(folder / "home")
    end = START + days * DAY
    seals = Seals((end,), 1)
    _write(home, _history(days), seals)
    transform(home, end)
    later = Seals((end, end + HOUR), 2)
    _write(home, _slates(days, SLATES_OF_THE_HOUR, end + 1, HOUR - 1), later)
    costs: dict[str, list[dict[str, float]]] = {"incremental": [], "rebuild": []}
    for n in range(RUNS):
        both = [_copy(home, folder / f"{kind}-{n}") for kind in costs]
        (both[1].features / "state").unlink()
        for kind, one in zip(costs, both, strict=True):
            costs[kind].append(_cost(one, rebuilt=kind == "rebuild"))
        assert tables(both[0]) == tables(both[1])
        for one in both:
            shutil.rmtree(one.root)
    medians = {
        kind: {name: median(run[name] for run in runs) for name in runs[0]}
        for kind, runs in costs.items()
    }
    ratio = medians["rebuild"]["cpu_seconds"] / medians["incremental"]["cpu_seconds"]
    return {**medians, "cpu_ratio": ratio}


def _cost(home: Home, *, rebuilt: bool) -> dict[str, float]:
    began, cpu = time.perf_counter(), time.process_time()
    report = transform(home, START)
    cost = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    assert report.rebuilt == rebuilt
    return cost | {"events_read": report.events}


def _copy(home: Home, root: Path) -> Home:
    shutil.copytree(home.root, root, symlinks=True)
    return Home(root)


def _history(days: int) -> Iterator[AnyEvent]:
    for n in range(ITEMS):
        fields = {"category": f"c{n % 40}", "brand": f"b{n % 90}", "price": float(n % 500)}
        yield ItemEvent(event_id=f"item-{n}", event_time=START, item_id=f"i{n}", fields=fields)
    for day in range(days):
        yield from _slates(day, SLATES_A_DAY, START + day * DAY, DAY)


def _slates(seed: int, slates: int, since: int, span: int) -> Iterator[AnyEvent]:
    """Yield slates in a span of time, each with one click; a tenth names an earlier request."""
    chance = np.random.default_rng(seed)
    user: Callable[[], str] = lambda: f"u{chance.integers(USERS)}"  # noqa: E731
    for n in range(slates):
        at = since + int(n * span / slates)
        shown = [f"i{item}" for item in chance.choice(ITEMS, SHOWN, replace=False)]
        request = f"r{seed}-{n}"
        yield RankingEvent(
            event_id=request,
            event_time=at,
            request_id=request,
            user_id=user(),
            query=f"query {chance.integers(QUERIES)}",
            items=tuple(map(ShownItem, shown)),
        )
        named = request if n % 10 else f"r{max(seed - 1, 0)}-{n}"
        yield InteractionEvent(
            event_id=f"click-{request}",
            event_time=at,
            item_id=str(chance.choice(shown)),
            type="click",
            request_id=named,
        )


def _write(home: Home, events: Iterator[AnyEvent], seals: Seals) -> None:
    """Add files to a log, and its seals, as compaction would."""
    groups: dict[tuple[str, int, int], list[AnyEvent]] = {}
    for event in events:
        kind = str(type(event).__struct_config__.tag)  # type: ignore[attr-defined]
        at = event.seen_at
        groups.setdefault((kind, (at + 1) // DAY, seals.part_of(at)), []).append(event)
    for (kind, day, part), group in groups.items():
        path = relation_path(home.log / "compacted", kind, day, part)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(to_table(kind, group, seals.part_of), path)
    (home.log / "seals").write_text("".join(f"{instant}\n" for instant in seals.instants))
    EventIndex(home.log).sync()
