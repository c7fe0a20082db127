"""The page of the simulator: shoppers who visit the running service, and what they do."""

from pipelines.console.content import (
    Block,
    Column,
    Content,
    Figure,
    Form,
    FormField,
    Heading,
    Live,
    Notice,
    Row,
    Table,
    Text,
    Visit,
    address,
)
from pipelines.simulator import MOST_REQUESTS, Counts, Simulator
from training.plots import sparkline
from training.studies.simulation import ShopConfig

_SECONDS = 2
"""Between two readings of a simulation that runs."""

_USUAL = "300"

_WHAT = (
    "Shoppers ask the running service for home pages and searches, look at what it answers, click, "
    "fill carts and order. In a simulated shop they have the tastes that its log was made with, so "
    "a better ranker gets more clicks. Their events are sent like those of any shop: they stay in "
    "the log, and features and rankers use them."
)
_STATES = {
    "running": "is running",
    "done": "has ended",
    "stopped": "was stopped",
    "failed": "failed",
}


def simulator(visit: Visit) -> Content:
    """Show the last simulation, and for those who signed in the forms that start and stop one."""
    return Content("Simulator", [Text(_WHAT), *_forms(visit), *_last(visit)])


def _forms(visit: Visit) -> list[Block]:
    if not visit.author:
        label = "Sign in to start shoppers"
        return [Text("Who signs in can start shoppers.", address("sign-in"), label)]
    if visit.simulator.is_running:
        return [Form("simulator/stop", "Stop the shoppers", "Stop", [], is_change=True)]
    fields = [
        FormField("requests", f"Requests of the day, at most {MOST_REQUESTS:,}", _USUAL),
        FormField("seed", "Seed of `aisle simulate`", str(ShopConfig.seed)),
        FormField("shop", "Name of the shop, only if it is not a simulated one"),
    ]
    return [Form("simulator/start", "Start a day of shoppers", "Start", fields, is_change=True)]


def _last(visit: Visit) -> list[Block]:
    last = visit.simulator.last
    if last is None:
        return [Text("No shoppers came since this console started.")]
    watches = last.state == "running" and visit.get("watch") != "no"
    total = last.sum
    progress = (
        f"The simulation of {last.total:,} requests, begun at {last.began_at[:19]}Z, "
        f"{_STATES[last.state]} after {total.slates:,} of them. Its events are named "
        f"simulated-{last.name}-…"
    )
    columns = [Column("what", "what"), Column("count", "count"), Column("a_slate", "per slate")]
    rows: list[Row] = [
        {"what": what, "count": count, "a_slate": count / max(total.slates, 1)}
        for what, count in _figures(total).items()
    ]
    said = [Column("number", "request"), Column("what", "what happened")]
    newest: list[Row] = [
        {"number": last.sum.slates - number, "what": words}
        for number, words in enumerate(last.newest)
    ]
    blocks: list[Block] = [
        Text(progress),
        *([Notice(last.error)] if last.error else []),
        Table("sum", "What happened so far", columns, rows),
        Table("newest", "The last requests, the newest first", said, newest),
    ]
    return [
        Heading("Shoppers"),
        *_update(last.state, watches=watches),
        Live(blocks, _SECONDS if watches else None),
        *_parts(visit.simulator),
    ]


def _update(state: str, *, watches: bool) -> list[Block]:
    """Return the links by which a reader gets newer figures, or stops the automatic update."""
    if state != "running":
        return []
    if watches:
        return [
            Text(
                f"With scripts, the figures are read again every {_SECONDS} seconds.",
                address("simulator", {"watch": "no"}),
                "Stop the automatic update",
            )
        ]
    return [Text("The figures are as of now.", address("simulator"), "Show newer ones")]


def _figures(total: Counts) -> dict[str, float]:
    return {
        "slates that were shown": total.slates,
        "items on them": total.items,
        "slates without an item": total.empty,
        "clicks": total.click,
        "additions to a cart": total.add_to_cart,
        "orders": total.purchase,
        "degraded answers": total.degraded,
        "milliseconds of waiting for answers": round(total.milliseconds),
    }


def _parts(simulator: Simulator) -> list[Block]:
    """Draw how clicks developed, from part to part."""
    last = simulator.last
    parts = [] if last is None else [part for part in last.parts if part.slates]
    if len(parts) < 2:
        return []
    names = [f"part {number}" for number in range(1, len(parts) + 1)]
    rates = [part.clicks_a_slate for part in parts]
    title = "Clicks per slate, in parts of the simulation"
    columns = [
        Column("part", "part"),
        Column("slates", "slates"),
        Column("clicks_a_slate", "clicks per slate"),
        Column("orders", "orders"),
        Column("milliseconds", "mean answer, ms"),
    ]
    rows: list[Row] = [
        {
            "part": number,
            "slates": part.slates,
            "clicks_a_slate": part.clicks_a_slate,
            "orders": part.purchase,
            "milliseconds": part.milliseconds / part.slates,
        }
        for number, part in enumerate(parts, 1)
    ]
    return [
        Figure(sparkline("clicks", title, names, rates), title),
        Table("parts", "Parts of the simulation, in their order", columns, rows),
    ]
