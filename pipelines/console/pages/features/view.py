"""The page of one feature view: lineage, fields with missing values, distributions, drift, SQL."""

from collections.abc import Hashable, Mapping, Sequence

from feature_repo.home import DAY, SettingError
from feature_repo.shop import Shop
from feature_repo.views import NUMERIC, FieldSpec, ViewSpec, views_of
from pipelines.console.content import (
    Block,
    Code,
    Column,
    Content,
    Figure,
    Heading,
    Loading,
    Notice,
    Row,
    Table,
    Text,
    Visit,
    address,
)
from pipelines.console.pages.features.lineage import lineage
from pipelines.console.pages.features.served import (
    NOT_RECORDED,
    drift_in_words,
    ranker_in_use,
    served_by,
)
from pipelines.inspection import feature_state, newest_values, null_shares
from training.artifacts import Version
from training.monitoring import Distribution, ServedFeature, Snapshot
from training.plots import buckets, distribution

_FRESH = {True: "counted live, event by event", False: "computed once a day by `aisle refresh`"}

_NOT_COMPARED = (
    "Its values moved within the time of the training already, or are too few, so their "
    "distributions are not compared."
)


def feature(visit: Visit) -> Content:
    """Show one view: its fields with their missing shares, its lineage, and one distribution."""
    shop = Shop.load(visit.home.shop_toml)
    spec = _view(shop, visit.get("view"))
    fields, ranker = spec.fields_of(shop), ranker_in_use(visit.home)
    compared = served_by(visit, ranker)
    served = compared or {}
    return Content(
        spec.name,
        [
            Text(spec.description),
            Text(f"Of the entity {spec.entity}, {_FRESH[spec.freshness == 'live']}."),
            *([Loading("The drift figures")] if compared is None else []),
            *_fields(visit, spec, fields, ranker, served),
            *_distribution(visit, spec, fields, served),
            Heading("Lineage"),
            *lineage(visit.home, shop, spec),
            Code("SQL of the view", spec.sql_file.read_text(encoding="utf-8")),
        ],
    )


def _view(shop: Shop, name: str) -> ViewSpec:
    views = {spec.name: spec for spec in views_of(shop)}
    if name not in views:
        raise SettingError(f"view: expected one of {', '.join(views)}, found {name!r}.")
    return views[name]


def _fields(
    visit: Visit,
    spec: ViewSpec,
    fields: Sequence[FieldSpec],
    ranker: Version | None,
    served: Mapping[str, ServedFeature],
) -> list[Block]:
    measured = visit.figures.get(
        ("nulls", spec.name),
        _state(visit),
        lambda: null_shares(visit.home, spec, fields, visit.now),
    )
    shares, trained = measured.shares, _trained(ranker)
    columns = [
        Column("field", "field", lambda row: _field_address(spec, row)),
        Column("kind", "kind"),
        Column("unit", "unit"),
        Column("null_share", "missing now"),
        Column("trained_null_share", "missing in training"),
        Column("drift", "drift since training"),
        Column("description", "description"),
    ]
    rows: list[Row] = [
        {
            "field": field.name,
            "kind": field.kind,
            "unit": field.unit,
            "null_share": shares.get(field.name),
            "trained_null_share": _trained_share(trained, _column(spec, field.name)),
            "drift": drift_in_words(one)
            if (one := served.get(_column(spec, field.name)))
            else None,
            "description": field.description,
        }
        for field in fields
    ]
    caption = f"Fields, with the share (0 to 1) of {measured.entities:,} entities without a value"
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


def _column(spec: ViewSpec, field: str) -> str:
    """Return the name of a field as a column of a ranker."""
    return f"{spec.name}__{field}"


def _state(visit: Visit) -> Hashable:
    """Return what the newest rows depend on: counts leave their windows at midnight."""
    return feature_state(visit.home), visit.now // DAY


def _distribution(
    visit: Visit,
    spec: ViewSpec,
    fields: Sequence[FieldSpec],
    served: Mapping[str, ServedFeature],
) -> list[Block]:
    """Draw the values of the field of the address, or say how to choose one."""
    name = visit.get("field")
    if not name:
        text = "A field with numbers links to the distribution of its values, now and in training."
        return [Text(text)]
    numeric = [field.name for field in fields if field.kind in NUMERIC]
    if name not in numeric:
        raise SettingError(f"field: expected one of {', '.join(numeric)}, found {name!r}.")
    values = visit.figures.get(
        ("values", spec.name, name),
        _state(visit),
        lambda: newest_values(visit.home, spec, name, visit.now),
    )
    title = f"{name}: value of each {spec.entity} now"
    return [
        Heading(f"Distribution of {name}"),
        Figure(distribution("values", title, values)),
        *_drift(name, served.get(_column(spec, name))),
    ]


def _drift(name: str, one: ServedFeature | None) -> list[Block]:
    """Draw the values of recorded answers next to those of training."""
    heading = Heading(f"Drift of {name} since training")
    if one is None:
        return [heading, Text(f"The ranker does not read it, or: {NOT_RECORDED}")]
    shares = (
        f"Missing in {one.null_share:.1%} of {one.rows:,} values of recorded answers, and in "
        f"{one.trained.null_share:.1%} of the values of training."
    )
    if one.stability_index is None:
        return [heading, Text(f"{shares} {_NOT_COMPARED}")]
    title = f"{name}: share of the values in the buckets of training"
    counts = {"in training": one.trained.counts, "in recorded answers": one.counts}
    text = (
        f"{shares} The stability index is {one.stability_index:.3f}: {drift_in_words(one)} drift."
    )
    return [heading, Text(text), Figure(buckets("drift", title, one.trained.edges, counts))]
