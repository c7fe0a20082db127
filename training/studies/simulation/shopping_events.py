"""Ranking and interaction events of slates, in the event contract's columns, and their truth."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from feature_repo.events.contract import ARROW_SCHEMAS
from feature_repo.home import SECOND
from training.metrics import Floats, Ints
from training.studies.simulation.catalogue_events import INSTANT
from training.studies.simulation.day import Day
from training.studies.simulation.ids import Ids, concat_texts
from training.studies.simulation.slates import Slates
from training.studies.simulation.truth import ideal_order
from training.studies.simulation.users import DEVICES

_SECONDS_PER_POSITION = 3


@dataclass(frozen=True)
class Interactions:
    """Interactions of one type.

    Attributes:
        type: of the events.
        rows: rows of the impressions that have the interaction.
        t: shape (n,), instants by impression, µs.
        value: shape (n,), values by impression.
        name: prefix of the event ids; the type by default.
        corrects: prefix of the ids of the corrected interactions.
    """

    type: str
    rows: Ints
    t: Ints
    value: Floats | None = None
    name: str = ""
    corrects: str | None = None


def ranking_events(ids: Ids, slates: Slates) -> pa.Table:
    """Return R rows: each slate with its scores, propensities, temperature and seed."""
    requests = ids.requests(slates.request)
    offsets = pa.array([ids.shop.markets[0].utc_offset_minutes], pa.int32())
    if len(ids.shop.markets) > 1 or offsets.null_count == 0:
        minutes = [market.utc_offset_minutes for market in ids.shop.markets]
        offsets = pa.array(minutes, pa.int32())
    home = pa.array(np.where(slates.intent < 0, 0, 1))
    return pa.table(
        {
            "event_id": concat_texts("ranking-", requests),
            "event_time": pa.array(slates.t).cast(INSTANT),
            "request_id": requests,
            "items": _shown_items(ids, slates),
            "user_id": _user_ids(ids, slates, np.arange(len(slates))),
            "session_id": ids.sessions(slates.visit),
            "surface": pa.array(["home", "search"]).take(home),
            "query": ids.queries(slates.market, slates.intent, slates.form),
            "market": ids.markets(slates.market),
            "utc_offset_minutes": offsets.take(pa.array(slates.market)),
            "temperature": pa.array(slates.temperature),
            "seed": pa.array(slates.seed.astype(np.int64)),
        }
    )


def interaction_events(ids: Ids, day: Day, slates: Slates) -> pa.Table:
    """Return every click, dwell, cart, order and return of some slates, on any later day too."""
    return pa.concat_tables(
        [_events(ids, slates, interactions) for interactions in _interactions(day, slates)]
    )


def truth_table(ids: Ids, slates: Slates) -> pa.Table:
    """Return n rows, one per impression, by position: the hidden truth that no event contains."""
    ideal = np.empty(slates.item.size, np.int64)
    ideal[ideal_order(slates)] = slates.position
    requests = {
        "request_id": ids.requests(slates.request),
        "device": pa.array(DEVICES).take(pa.array(slates.device)),
        "market": ids.markets(slates.market),
        "focus": pa.array(slates.focus),
        "is_bot": pa.array(slates.bot >= 0),
        "randomized": pa.array(slates.randomized),
        "temperature": pa.array(slates.temperature),
        "seed": pa.array(slates.seed),
    }
    impressions = (
        "position",
        "score",
        "propensity",
        "examination",
        "attraction",
        "click_probability",
        "examined",
        "clicked",
        "carted",
        "ordered",
        "returned",
    )
    row = pa.array(slates.row)
    return pa.table(
        {
            **{name: values.take(row) for name, values in requests.items()},
            "item_id": ids.items(slates.item),
            **{name: pa.array(getattr(slates, name)) for name in impressions},
            "ideal_position": pa.array(ideal),
        }
    )


def _shown_items(ids: Ids, slates: Slates) -> pa.Array:
    type_ = ARROW_SCHEMAS["ranking"].field("items").type
    children = [
        ids.items(slates.item),
        pa.array(slates.score),
        pa.array(np.maximum(slates.propensity, np.finfo(np.float64).tiny)),
    ]
    flat = pa.StructArray.from_arrays(children, fields=list(type_.value_type))
    return pa.ListArray.from_arrays(pa.array(slates.offsets, pa.int32()), flat, type=type_)


def _user_ids(ids: Ids, slates: Slates, rows: Ints) -> pa.Array:
    users = np.where(slates.anonymous, -1, slates.user)
    return ids.users(users[rows], slates.bot[rows])


def _interactions(day: Day, slates: Slates) -> list[Interactions]:
    """Time the interactions: clicks follow the slate by seconds, position by position."""
    clicked = np.flatnonzero(slates.clicked)
    dwell = (slates.dwell * SECOND).astype(np.int64)
    # The dwell times of all earlier impressions, of the slate and of slates before it.
    before = np.cumsum(dwell) - dwell
    first = slates.offsets[:-1][slates.row]
    examined_at = slates.of_impressions("t") + slates.position * _SECONDS_PER_POSITION * SECOND
    # A user returns to the slate from one item page before opening the next.
    clicked_at = examined_at + before - before[first]
    closed_at = clicked_at + dwell
    ordered_at = closed_at + slates.order_delay
    returned_at = ordered_at + slates.return_delay
    price = day.price[slates.item]
    carted, ordered, returned = map(
        np.flatnonzero, (slates.carted, slates.ordered, slates.returned)
    )
    return [
        Interactions("click", clicked, clicked_at),
        Interactions("dwell", clicked, closed_at, slates.dwell.round(1)),
        Interactions("add_to_cart", carted, closed_at),
        Interactions("purchase", ordered, ordered_at, price),
        Interactions("purchase", returned, returned_at, price, "return", corrects="purchase"),
    ]


def _events(ids: Ids, slates: Slates, interactions: Interactions) -> pa.Table:
    rows = interactions.rows
    slate = slates.row[rows]
    requests, items = ids.requests(slates.request[slate]), ids.items(slates.item[rows])
    value = None if interactions.value is None else interactions.value[rows]

    def event_ids(name: str) -> pa.Array:
        return concat_texts(f"{name}-", requests, "-", items)

    return pa.table(
        {
            "event_id": event_ids(interactions.name or interactions.type),
            "event_time": pa.array(interactions.t[rows]).cast(INSTANT),
            "item_id": items,
            "type": pa.array([interactions.type] * rows.size, pa.string()),
            "request_id": requests,
            "user_id": _user_ids(ids, slates, slate),
            "session_id": ids.sessions(slates.visit[slate]),
            "value": pa.nulls(rows.size, pa.float64()) if value is None else pa.array(value),
            "corrects": event_ids(interactions.corrects)
            if interactions.corrects
            else pa.nulls(rows.size, pa.string()),
        }
    )
