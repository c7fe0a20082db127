"""The pages of features: all views, and one view with its fields, SQL and distributions."""

from collections.abc import Mapping, Sequence

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
from pipelines.console.pages.ages import ages
from pipelines.inspection import feature_state, newest_values, null_shares
from training.artifacts import CURRENT, Version, find_version
from training.monitoring import Distribution, Snapshot
from training.plots import distribution


def features(visit: Visit) -> Content:
    """List the feature views."""
    ages_of = ages(visit)
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
            "rows": ages_of.get(spec.name, {}).get("rows", 0),
            "hours_since_newest": ages_of.get(spec.name, {}).get("hours_since_newest"),
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
            *_fields(visit, spec, fields, ranker),
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
    visit: Visit, spec: ViewSpec, fields: Sequence[FieldSpec], ranker: Version | None
) -> list[Block]:
    state = feature_state(visit.home)
    measured = visit.figures.get(
        ("nulls", spec.name), state, lambda: null_shares(visit.home, spec, fields)
    )
    shares, trained = measured.shares, _trained(ranker)
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
    caption = f"Fields, with the share of {measured.entities:,} entities without a value"
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


def _distribution(visit: Visit, spec: ViewSpec, fields: Sequence[FieldSpec]) -> list[Block]:
    """Draw the values of the field of the address, or say how to choose one."""
    name = visit.get("field")
    if not name:
        return [Text("A field with numbers links to the distribution of its values.")]
    numeric = [field.name for field in fields if field.kind in NUMERIC]
    if name not in numeric:
        raise SettingError(f"field: expected one of {', '.join(numeric)}, found {name!r}.")
    values = visit.figures.get(
        ("values", spec.name, name),
        feature_state(visit.home),
        lambda: newest_values(visit.home, spec, name),
    )
    title = f"{name}: newest value of each {spec.entity}"
    return [Heading(f"Distribution of {name}"), Figure(distribution("values", title, values))]
