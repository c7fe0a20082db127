"""The lineage of a view: up to the events that it is computed from, down to what reads it."""

from collections.abc import Iterator

from feature_repo.home import Home
from feature_repo.shop import Shop
from feature_repo.transformations import sources_of
from feature_repo.views import PURCHASE_SERVICE, RANKING_SERVICE, ViewSpec, features_of
from pipelines.console.content import Block, Column, Figure, Row, Table, address
from training.artifacts import list_versions, model_names
from training.plots import chain

_READERS = 5
"""Newest versions of each ranker that are listed."""


def lineage(home: Home, shop: Shop, spec: ViewSpec) -> list[Block]:
    """Draw the way from the events to the rankers, and list its stations."""
    rows = [*_upwards(spec), *_downwards(home, shop, spec)]
    columns = [
        Column("what", "what"),
        Column("name", "name", _address),
        Column("from", "computed from, or reads"),
    ]
    stations = {
        "events": [row["name"] for row in rows if row["what"] == "events"],
        "tables": [row["name"] for row in rows if row["what"] == "table"],
        "view": [spec.name],
        "feature services": [row["name"] for row in rows if row["what"] == "feature service"],
        "rankers": [f"{row['model']} {row['name']}" for row in rows if row["what"] == "ranker"],
    }
    title = f"From events to rankers by {spec.name}"
    return [
        Figure(chain("lineage-plot", title, stations)),
        Table("lineage", "What the view is computed from, and what reads it", columns, rows),
    ]


def _upwards(spec: ViewSpec) -> Iterator[Row]:
    sources = sources_of(spec)
    for one in reversed(sources):
        kind = one.event_kind
        yield {
            "what": "table" if kind is None else "events",
            "name": one.table if kind is None else kind,
            "from": None if kind else ", ".join(one.reads),
        }
    yield {"what": "view", "name": spec.name, "from": f"the tables above, by {spec.sql_file.name}"}


def _downwards(home: Home, shop: Shop, spec: ViewSpec) -> Iterator[Row]:
    for service in (RANKING_SERVICE, PURCHASE_SERVICE):
        if number := len(features_of(service, shop).get(spec.name, ())):
            yield {"what": "feature service", "name": service, "from": f"{number} of its fields"}
    for name in model_names(home):
        for version in list_versions(home, name)[:_READERS]:
            columns = version.manifest.columns
            number = sum(column.startswith(f"{spec.name}__") for column in columns)
            yield {
                "what": "ranker",
                "name": version.version,
                "model": name,
                "from": f"{number} of its {len(columns)} columns; it is {version.state}",
            }


def _address(row: Row) -> str:
    if row["what"] != "ranker":
        return ""
    return address("model", {"model": row["model"], "version": row["name"]})
