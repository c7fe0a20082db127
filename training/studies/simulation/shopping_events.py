"""Slates as tables of events, in the columns of the event contract, and as tables of the truth."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from feature_repo.events.contract import ARROW_SCHEMAS
from feature_repo.home import SECOND
from training.metrics import Bools, Floats, Ints
from training.studies.simulation.catalogue_events import INSTANT
from training.studies.simulation.day import Day
from training.studies.simulation.ids import Names, joined
from training.studies.simulation.slates import Slates
from training.studies.simulation.truth import ideal_order
from training.studies.simulation.users import DEVICES

_SECONDS_PER_POSITION = 3


@dataclass(frozen=True)
class Followed:
    """Interactions of one type: on which impressions, when, and with which value.

    name: what their ids begin with.  corrects: of the interactions that they take back.
    """

    type: str
    impression: Ints
    t: Ints
    value: Floats | None = None
    name: str = ""
    corrects: str | None = None


def ranking_events(names: Names, slates: Slates) -> pa.Table:
    """R rows: every slate that was shown, with scores, propensities and where these come from."""
    requests = names.requests(slates.request)
    offsets = pa.array([names.shop.markets[0].utc_offset_minutes], pa.int32())
    if len(names.shop.markets) > 1 or offsets.null_count == 0:
        minutes = [market.utc_offset_minutes for market in names.shop.markets]
        offsets = pa.array(minutes, pa.int32())
    home = pa.array(np.where(slates.intent < 0, 0, 1))
    return pa.table(
        {
            "event_id": joined("ranking-", requests),
            "event_time": pa.array(slates.t).cast(INSTANT),
            "request_id": requests,
            "items": _shown(names, slates),
            "user_id": _user_ids(names, slates, np.arange(len(slates))),
            "session_id": names.sessions(slates.visit),
            "surface": pa.array(["home", "search"]).take(home),
            "query": names.queries(slates.market, slates.intent, slates.form),
            "market": names.markets(slates.market),
            "utc_offset_minutes": offsets.take(pa.array(slates.market)),
            "temperature": pa.array(slates.temperature),
            "seed": pa.array(slates.seed.astype(np.int64)),
        }
    )


def interaction_events(names: Names, day: Day, slates: Slates) -> pa.Table:
    """Every click, dwell, cart, order and return that came of some slates, whenever it came."""
    return pa.concat_tables(
        [_interactions(names, slates, followed) for followed in _followed(day, slates)]
    )


def truth(names: Names, slates: Slates) -> pa.Table:
    """n rows, one for each item of each slate, by position: what no event tells."""
    ideal = np.empty(slates.item.size, np.int64)
    ideal[ideal_order(slates)] = slates.position
    requests = {
        "request_id": names.requests(slates.request),
        "device": pa.array(DEVICES).take(pa.array(slates.device)),
        "market": names.markets(slates.market),
        "focus": pa.array(slates.focus),
        "is_bot": pa.array(slates.bot >= 0),
        "randomized": pa.array(slates.randomized),
        "temperature": pa.array(slates.temperature),
        "seed": pa.array(slates.seed),
    }
    impressions = (
        "position", "score", "propensity", "examination", "attraction", "click_probability",
        "examined", "clicked", "carted", "ordered", "returned",
    )  # fmt: skip
    row = pa.array(slates.row)
    return pa.table(
        {
            **{name: values.take(row) for name, values in requests.items()},
            "item_id": names.items(slates.item),
            **{name: pa.array(getattr(slates, name)) for name in impressions},
            "ideal_position": pa.array(ideal),
        }
    )


def _shown(names: Names, slates: Slates) -> pa.Array:
    type_ = ARROW_SCHEMAS["ranking"].field("items").type
    children = [
        names.items(slates.item),
        pa.array(slates.score),
        pa.array(np.maximum(slates.propensity, np.finfo(np.float64).tiny)),
    ]
    flat = pa.StructArray.from_arrays(children, fields=list(type_.value_type))
    return pa.ListArray.from_arrays(pa.array(slates.offsets, pa.int32()), flat, type=type_)


def _user_ids(names: Names, slates: Slates, rows: Ints) -> pa.Array:
    named = np.where(slates.anonymous, -1, slates.user)
    return names.users(named[rows], slates.bot[rows])


def _followed(day: Day, slates: Slates) -> list[Followed]:
    """A click comes seconds after the slate, position by position; the rest when it is drawn."""
    clicked = np.flatnonzero(slates.clicked)
    t = np.zeros(slates.item.size, np.int64)
    dwell = (slates.dwell * SECOND).astype(np.int64)
    before = np.cumsum(dwell) - dwell
    first = slates.offsets[:-1][slates.row]
    reached = slates.of_impressions("t") + slates.position * _SECONDS_PER_POSITION * SECOND
    # A shopper comes back to the slate from one page before opening the next.
    t = reached + before - before[first]
    left = t + dwell
    ordered_at = left + slates.order_delay
    paid = day.price[slates.item]
    return [
        Followed("click", clicked, t),
        Followed("dwell", clicked, left, slates.dwell.round(1)),
        Followed("add_to_cart", _where(slates.carted), left),
        Followed("purchase", _where(slates.ordered), ordered_at, paid),
        Followed("purchase", _where(slates.returned), ordered_at + slates.return_delay, paid,
                 name="return", corrects="purchase"),
    ]  # fmt: skip


def _where(happened: Bools) -> Ints:
    return np.flatnonzero(happened)


def _interactions(names: Names, slates: Slates, followed: Followed) -> pa.Table:
    at = followed.impression
    rows = slates.row[at]
    requests, items = names.requests(slates.request[rows]), names.items(slates.item[at])
    value = None if followed.value is None else followed.value[at]

    def ids(name: str) -> pa.Array:
        return joined(f"{name}-", requests, "-", items)

    return pa.table(
        {
            "event_id": ids(followed.name or followed.type),
            "event_time": pa.array(followed.t[at]).cast(INSTANT),
            "item_id": items,
            "type": pa.array([followed.type], pa.string()).take(pa.array(np.zeros(at.size, int))),
            "request_id": requests,
            "user_id": _user_ids(names, slates, rows),
            "session_id": names.sessions(slates.visit[rows]),
            "value": pa.nulls(at.size, pa.float64()) if value is None else pa.array(value),
            "corrects": ids(followed.corrects)
            if followed.corrects
            else pa.nulls(at.size, pa.string()),
        }
    )
