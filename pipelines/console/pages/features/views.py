"""The page of all feature views, and of the features that moved most since training."""

from collections.abc import Collection

from feature_repo.shop import Shop
from feature_repo.views import views_of
from pipelines.console.content import (
    Block,
    Column,
    Content,
    Heading,
    Loading,
    Row,
    Table,
    Text,
    Visit,
    address,
)
from pipelines.console.pages.features.served import (
    NOT_RECORDED,
    drift_in_words,
    ranker_in_use,
    served_by,
)
from pipelines.inspection import row_ages

_MOST = 20
"""Features that are listed by their drift."""


def features(visit: Visit) -> Content:
    """List the feature views, and what moved since training."""
    return Content("Features", [_views(visit), Heading("Drift"), *_drift(visit)])


def _views(visit: Visit) -> Table:
    ages_of = row_ages(visit.home, visit.figures, visit.now)
    shop = Shop.load(visit.home.shop_toml)
    columns = [
        Column("view", "view", _address),
        Column("entity", "entity"),
        Column("fields", "fields"),
        Column("rows", "rows"),
        Column("hours_since_newest", "newest row, hours ago"),
        Column("fresh", "freshness"),
        Column("description", "description"),
    ]
    rows: list[Row] = [
        {
            "view": spec.name,
            "entity": spec.entity,
            "fields": len(spec.fields_of(shop)),
            "rows": ages_of.get(spec.name, {}).get("rows", 0),
            "hours_since_newest": ages_of.get(spec.name, {}).get("hours_since_newest"),
            "fresh": spec.freshness,
            "description": spec.description,
        }
        for spec in views_of(shop)
    ]
    return Table(
        "views", "Feature views: the tables of features, each of one entity", columns, rows
    )


def _drift(visit: Visit) -> list[Block]:
    """Show the columns of the ranker that moved most."""
    ranker = ranker_in_use(visit.home)
    if ranker is None:
        return [Text("No ranker is in use, so there is no training to compare with.")]
    served = served_by(visit, ranker)
    if served is None:
        return [Loading("The drift of the features")]
    views = {spec.name for spec in views_of(Shop.load(visit.home.shop_toml))}
    columns = [
        Column("feature", "feature", lambda row: _drift_address(row["feature"], views)),
        Column("index", "stability index"),
        Column("drift", "drift"),
        Column("null_share", "missing now"),
        Column("trained_null_share", "missing in training"),
        Column("outside_share", "outside the range of training"),
    ]
    rows: list[Row] = [
        {
            "feature": name,
            "index": one.stability_index,
            "drift": drift_in_words(one),
            "null_share": one.null_share,
            "trained_null_share": one.trained.null_share,
            "outside_share": one.outside_share,
        }
        for name, one in served.items()
        if one.stability_index is not None
    ]
    rows.sort(key=lambda row: -row["index"])
    text = (
        "The stability index compares recorded answers with the training of the ranker in use: "
        "below 0.1 nothing moved, above 0.25 the values are others. Shares are from 0 to 1."
    )
    caption = f"Features of the ranker that moved most, {min(_MOST, len(rows))} of {len(rows)}"
    return [Text(text), Table("drift", caption, columns, rows[:_MOST], NOT_RECORDED)]


def _address(row: Row) -> str:
    return address("feature", {"view": row["view"]})


def _drift_address(column: str, views: Collection[str]) -> str:
    """Return the address of a field; empty for a feature that exists only in requests."""
    view, _, field = column.partition("__")
    return address("feature", {"view": view, "field": field}) if view in views else ""
