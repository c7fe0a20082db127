"""The pages of features: all views, and one view with its fields, SQL and distributions."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from feature_repo.home import ArtifactError, Home, SettingError
from feature_repo.shop import Shop
from feature_repo.views import NUMERIC, FieldSpec, ViewSpec, views_of
from pipelines.console.content import (
    Block,
    Code,
    Column,
    Content,
    Figure,
    Heading,
    Notice,
    Row,
    Table,
    Text,
    Visit,
    address,
)
from pipelines.steps import view_ages
from training.artifacts import CURRENT, Version, find_version
from training.monitoring import Distribution, Snapshot
from training.plots import distribution

_SAMPLE = 20_000
"""Newest rows of entities that a distribution is drawn from at most."""


def features(visit: Visit) -> Content:
    """List the feature views."""
    ages = dict(view_ages(visit.home, visit.now))
    shop = Shop.load(visit.home.shop_toml)
    columns = [
        Column("view", "view", lambda row: address("feature", {"view": row["view"]})),
        Column("entity", "entity"),
        Column("fields", "fields"),
        Column("rows", "rows"),
        Column("hours_since_newest", "hours since the newest"),
        Column("fresh", "freshness"),
        Column("description", "description"),
    ]
    rows: list[Row] = [
        {
            "view": spec.name,
            "entity": spec.entity,
            "fields": len(spec.fields_of(shop)),
            "rows": ages.get(spec.name, {}).get("rows", 0),
            "hours_since_newest": ages.get(spec.name, {}).get("hours_since_newest"),
            "fresh": spec.freshness,
            "description": spec.description,
        }
        for spec in views_of(shop)
    ]
    return Content("Features", [Table("views", "Feature views", columns, rows)])


def feature(visit: Visit) -> Content:
    """Show one view: its fields with their missing shares, its SQL, and one distribution."""
    shop = Shop.load(visit.home.shop_toml)
    spec = _view(shop, visit.get("view"))
    fields, ranker = spec.fields_of(shop), _ranker(visit.home)
    return Content(
        spec.name,
        [
            Text(spec.description),
            Text(
                f"Of the entity {spec.entity}, {spec.freshness}. The log's events become rows by "
                f"`features/{spec.sql_file.name}`."
            ),
            _read_by(ranker, spec),
            *_fields(visit.home, spec, fields, ranker),
            *_distribution(visit, spec, fields),
            Code("SQL of the view", spec.sql_file.read_text(encoding="utf-8")),
        ],
    )


def _view(shop: Shop, name: str) -> ViewSpec:
    views = {spec.name: spec for spec in views_of(shop)}
    if name not in views:
        raise SettingError(f"view: expected one of {', '.join(views)}, found {name!r}.")
    return views[name]


def _ranker(home: Home) -> Version | None:
    """Return the ranker in use; None where none is."""
    try:
        return find_version(home, "default", CURRENT)
    except ArtifactError:
        return None


def _read_by(ranker: Version | None, spec: ViewSpec) -> Block:
    """Say how many columns of the ranker in use come from the view."""
    if ranker is None:
        return Text("No ranker is in use.")
    columns = ranker.manifest.columns
    number = sum(column.startswith(f"{spec.name}__") for column in columns)
    return Text(
        f"The ranker in use reads {number} of its {len(columns)} columns directly from this view.",
        address("model"),
        "What the ranker was made from",
    )


def _fields(
    home: Home, spec: ViewSpec, fields: Sequence[FieldSpec], ranker: Version | None
) -> list[Block]:
    shares, trained = _null_shares(home, spec, fields), _trained(ranker)
    columns = [
        Column("field", "field", lambda row: _field_address(spec, row)),
        Column("kind", "kind"),
        Column("unit", "unit"),
        Column("null_share", "missing now"),
        Column("trained_null_share", "missing in training"),
        Column("description", "description"),
    ]
    rows: list[Row] = [
        {
            "field": field.name,
            "kind": field.kind,
            "unit": field.unit,
            "null_share": shares.get(field.name),
            "trained_null_share": _trained_share(trained, f"{spec.name}__{field.name}"),
            "description": field.description,
        }
        for field in fields
    ]
    caption = "Fields, with the share of entities whose newest row has no value"
    notice = [] if shares else [Notice("The view has no rows yet; `aisle refresh` computes them.")]
    return [*notice, Table("fields", caption, columns, rows)]


def _field_address(spec: ViewSpec, row: Row) -> str:
    if row["kind"] not in NUMERIC:
        return ""
    return address("feature", {"view": spec.name, "field": row["field"]})


def _trained(ranker: Version | None) -> Mapping[str, Distribution]:
    """Return the distributions of the ranker's training by column; empty without a snapshot."""
    snapshot = None if ranker is None else Snapshot.load(ranker.folder)
    return {} if snapshot is None else snapshot.features


def _trained_share(trained: Mapping[str, Distribution], column: str) -> float | None:
    return trained[column].null_share if column in trained else None


def _null_shares(home: Home, spec: ViewSpec, fields: Sequence[FieldSpec]) -> dict[str, float]:
    """Return the share of newest rows without a value, by field; empty without rows."""
    counts = ", ".join(f"count({_quoted(field.name)})" for field in fields)
    result = _newest_rows(home, spec, f"select count(*), {counts} from newest")
    if not result or not result[0][0]:
        return {}
    rows, *present = result[0]
    return {field.name: 1 - count / rows for field, count in zip(fields, present, strict=True)}


def _distribution(visit: Visit, spec: ViewSpec, fields: Sequence[FieldSpec]) -> list[Block]:
    """Draw the values of the field of the address, or say how to choose one."""
    name = visit.get("field")
    if not name:
        return [Text("A field with numbers links to the distribution of its values.")]
    numeric = [field.name for field in fields if field.kind in NUMERIC]
    if name not in numeric:
        raise SettingError(f"field: expected one of {', '.join(numeric)}, found {name!r}.")
    sql = f"select cast({_quoted(name)} as double) from newest using sample {_SAMPLE}"
    values = [
        float("nan") if value is None else value for (value,) in _newest_rows(visit.home, spec, sql)
    ]
    title = f"{name}: newest value of each {spec.entity}"
    return [Heading(f"Distribution of {name}"), Figure(distribution("values", title, values))]


def _newest_rows(home: Home, spec: ViewSpec, select: str) -> list[tuple[Any, ...]]:
    """Return what a query selects from the newest row of each entity; empty without files."""
    paths = [str(path) for path in (home.features / spec.name).glob("*.parquet")]
    if not paths:
        return []
    with duckdb.connect() as database:
        return database.execute(
            f"with newest as (from read_parquet($paths, union_by_name := true) "
            f"qualify row_number() over (partition by {spec.key} order by event_timestamp desc) = 1"
            f") {select}",
            {"paths": paths},
        ).fetchall()


def _quoted(column: str) -> str:
    escaped = column.replace('"', '""')
    return f'"{escaped}"'
