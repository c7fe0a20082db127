"""A small shop with known truth, as an event file: same arguments, same bytes.

The demo and the tests learn from it; a Parquet file beside it holds the truth no event tells: how
likely each shown item was looked at, and clicked once looked at.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.errors import SettingError
from feature_repo.events.contract import (
    Event,
    FieldValue,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ShownItem,
)
from feature_repo.instants import SECOND
from training.simulation.shoppers import Shoppers, Slate
from training.simulation.words import BRANDS, CATEGORIES
from training.simulation.world import NEVER, START, Items, make_items, make_queries, make_users

_LONGEST_LOOK = 90 * SECOND
_CART, _PURCHASE = 0.5, 0.6
"""Share of the attraction that turns a click into a cart, and a cart into a purchase."""


def simulate(
    out: Path,
    *,
    users: int = 400,
    items: int = 400,
    days: int = 21,
    seed: int = 7,
    rankings_per_user_day: float = 0.42,
) -> Path:
    """Write the events to `out` as canonical JSON lines, and the truth beside them.

    Events are in time order, from 2026-01-05T00:00Z on.  A file is written whole or not at all.

    Returns:
        `out`; its truth is at `truth_path(out)`.

    Raises:
        SettingError: fewer than one user, item or day.
    """
    if min(users, items, days) < 1:
        found = f"{users} users, {items} items, {days} days"
        raise SettingError(f"A simulated shop: expected at least one of each, found {found}.")
    rng = np.random.default_rng(seed)
    stock = make_items(rng, items, days)
    shoppers = Shoppers(rng, stock, make_users(rng, users), make_queries(rng, stock))
    slates = list(shoppers.slates(days, rankings_per_user_day))
    out.parent.mkdir(parents=True, exist_ok=True)
    _write_truth(truth_path(out), slates, stock)
    events = [*_item_events(stock), *_shopping_events(slates, shoppers)]
    return _write_events(out, events)


def truth_path(events: Path) -> Path:
    """Where the truth of an event file lies: one row for each item of each slate, by position."""
    return events.with_suffix(".truth.parquet")


def _item_events(items: Items) -> Iterator[Event]:
    categories = list(CATEGORIES)
    for n, item_id in enumerate(items.ids):
        added_at = int(items.added_at[n])
        yield ItemEvent(
            event_id=f"added-{item_id}",
            event_time=max(added_at, START),
            item_id=item_id,
            fields={
                "title": items.titles[n],
                "category": categories[items.category[n]],
                "brand": BRANDS[items.brand[n]],
                "price": float(items.price[n]),
                "added_at": added_at,
            },
        )
        yield from _later_item_events(items, n)


def _later_item_events(items: Items, n: int) -> Iterator[Event]:
    item_id, deleted_at = items.ids[n], int(items.deleted_at[n])
    repriced_at = int(items.repriced_at[n])
    if items.added_at[n] < repriced_at < deleted_at:
        fields: dict[str, FieldValue] = {"price": float(items.reprice[n])}
        yield ItemEvent(
            event_id=f"repriced-{item_id}", event_time=repriced_at, item_id=item_id, fields=fields
        )
    if deleted_at < NEVER:
        yield ItemEvent(
            event_id=f"deleted-{item_id}", event_time=deleted_at, item_id=item_id, op="delete"
        )


def _shopping_events(slates: list[Slate], shoppers: Shoppers) -> Iterator[Event]:
    for number, slate in enumerate(slates):
        request_id = f"r{number:06d}"
        user_id = None if slate.anonymous else shoppers.users.ids[slate.user]
        yield RankingEvent(
            event_id=f"ranking-{request_id}",
            event_time=slate.t,
            request_id=request_id,
            items=tuple(ShownItem(shoppers.items.ids[n]) for n in slate.shown),
            user_id=user_id,
            session_id=f"s{slate.visit:06d}",
            surface="home" if slate.query is None else "search",
            query=None if slate.query is None else shoppers.queries.texts[slate.query],
        )
        yield from _interactions(slate, request_id, user_id, shoppers)


def _interactions(
    slate: Slate, request_id: str, user_id: str | None, shoppers: Shoppers
) -> Iterator[Event]:
    """Clicks in order of position, each perhaps followed by a cart and a purchase."""
    rng, items = shoppers.rng, shoppers.items
    t, prices = slate.t, items.price_at(slate.t)
    for place in np.flatnonzero(slate.clicked):
        item = int(slate.shown[place])
        types = ["click"]
        if rng.random() < _CART * slate.attraction[place]:
            types += ["add_to_cart", "purchase"][: 1 + int(rng.random() < _PURCHASE)]
        for type_ in types:
            t += int(rng.integers(SECOND, _LONGEST_LOOK))
            yield InteractionEvent(
                event_id=f"{type_}-{request_id}-{items.ids[item]}",
                event_time=t,
                item_id=items.ids[item],
                type=type_,
                request_id=request_id,
                user_id=user_id,
                session_id=f"s{slate.visit:06d}",
                value=float(prices[item]) if type_ == "purchase" else None,
            )


def _write_events(path: Path, events: Iterable[Event]) -> Path:
    ordered = sorted(events, key=lambda event: (event.event_time, event.event_id))
    encode = msgspec.json.Encoder().encode
    _replace(path, b"".join(encode(event) + b"\n" for event in ordered))
    return path


def _write_truth(path: Path, slates: list[Slate], items: Items) -> None:
    table = pa.table(
        {
            "request_id": np.repeat(
                [f"r{n:06d}" for n in range(len(slates))], [s.shown.size for s in slates]
            ),
            "item_id": [items.ids[n] for slate in slates for n in slate.shown],
            "position": np.concatenate([np.arange(1, s.shown.size + 1) for s in slates]),
            "examination": np.concatenate([s.examination for s in slates]),
            "attraction": np.concatenate([s.attraction for s in slates]),
            "clicked": np.concatenate([s.clicked for s in slates]),
        }
    )
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer)
    _replace(path, buffer.getvalue().to_pybytes())


def _replace(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)
