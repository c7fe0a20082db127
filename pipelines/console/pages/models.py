"""The pages of rankers: all versions, one version, and two versions compared."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.console.content import (
    Block,
    Column,
    Content,
    Figure,
    Form,
    FormField,
    Heading,
    Row,
    Table,
    Text,
    Visit,
    address,
)
from pipelines.inspection import SHOWN_METRICS, compare_models, list_models, show_model
from training.artifacts import CURRENT
from training.gate import in_digits
from training.plots import Mark, bars

Json = Mapping[str, Any]
_DEFAULT = "default"


def models(visit: Visit) -> Content:
    """List the versions of all rankers, and how the ones in use changed."""
    data = list_models(visit.home)
    columns = [
        Column("version", "version", _model_address),
        Column("model", "model"),
        Column("state", "state"),
        Column("columns", "features that it reads"),
        *_interval_columns("ndcg", "ndcg@10 on its test"),
        Column("reason", "reason"),
    ]
    rows = [one | _interval("ndcg", one["metrics"].get("ndcg@10")) for one in data["models"]]
    changes = [
        Column("at", "at"),
        Column("model", "model"),
        Column("action", "action"),
        Column("version", "version", _model_address),
        Column("reason", "reason"),
    ]
    history = [
        {"model": name, **change} for name, listed in data["history"].items() for change in listed
    ]
    empty = "No ranker is stored in this home; `aisle train` makes one."
    return Content(
        "Models",
        [
            Table("versions", "Versions of rankers", columns, rows, empty),
            *_choice(data["models"]),
            *_changes(visit, data["models"]),
            Table("history", "What changed", changes, history[::-1], "Nothing changed yet."),
        ],
    )


def _changes(visit: Visit, versions: Sequence[Json]) -> list[Block]:
    """Return the forms that change which version is in use, for those who signed in."""
    if not visit.author:
        return []
    reason = FormField("reason", "Reason, one sentence for the history")
    names = {one["model"]: one["model"] for one in versions}
    blocks: list[Block] = [Heading("Change")]
    for path, label, state in (
        ("models/promote", "Put a version in use", ("former", "rejected")),
        ("models/retire", "Retire a version", ("former", "rejected")),
    ):
        for name in names:
            chosen = [one for one in versions if one["model"] == name and one["state"] in state]
            if chosen:
                options = {one["version"]: f"{one['version']}, {one['state']}" for one in chosen}
                fields = [
                    FormField("model", "Model", name, kind="hidden"),
                    FormField("version", f"Version of {name}", options=options),
                    reason,
                ]
                blocks.append(Form(path, f"{label} of {name}", label, fields, is_change=True))
    if names:
        fields = [FormField("model", "Model", options=names), reason]
        label = "Roll back"
        blocks.append(Form("models/roll-back", label, label, fields, is_change=True))
    return blocks


def model(visit: Visit) -> Content:
    """Show a version: metrics, slices, the verdict of the gate, and what it was made from."""
    name = visit.get("model") or _DEFAULT
    data = show_model(visit.home, name, visit.get("version") or CURRENT)
    card = data["card"]
    return Content(
        f"{name} {data['version']}",
        [
            Text(f"It is {data['state']}. {data['reason'] or 'No reason is recorded.'}"),
            *_metrics(data),
            *_verdict(data["verdict"]),
            *_slices(card),
            _lineage(data["lineage"]),
            *_limits(card),
        ],
    )


def comparison(visit: Visit) -> Content:
    """Show two versions next to each other."""
    name = visit.get("model") or _DEFAULT
    versions = (visit.get("first") or CURRENT, visit.get("second") or CURRENT)
    data = compare_models(visit.home, name, versions)
    first, second = data["versions"]
    columns = [
        Column("metric", "metric"),
        *_interval_columns("first", first["version"]),
        *_interval_columns("second", second["version"]),
    ]
    rows = [
        {"metric": metric}
        | _interval("first", first["metrics"].get(metric))
        | _interval("second", second["metrics"].get(metric))
        for metric in _names(first, second)
    ]
    features = [
        {"feature": feature, "version": one["version"]}
        for one, features in zip(data["versions"], data["columns_only"], strict=True)
        for feature in features
    ]
    only = [Column("feature", "feature"), Column("version", "read only by")]
    return Content(
        f"{name}: {first['version']} and {second['version']}",
        [
            *(Text(f"{one['version']} is {one['state']}.") for one in (first, second)),
            Text(data["note"]),
            Table("metrics", "On the test rankings of each", columns, rows),
            Table("features", "Features that one of them reads", only, features, "None."),
        ],
    )


def _choice(listed: list[dict[str, Any]]) -> list[Block]:
    """Return the form that compares two versions, where there are two."""
    versions = {one["version"]: one["version"] for one in listed if one["model"] == _DEFAULT}
    if len(versions) < 2:
        return []
    first, second = [*versions][:2]
    fields = [
        FormField("first", "First version", first, versions),
        FormField("second", "Second version", second, versions),
    ]
    return [Form("comparison", "Compare two versions", "Compare", fields)]


def _model_address(row: Row) -> str:
    return address("model", {"model": row["model"], "version": row["version"]})


def _names(*versions: Json) -> list[str]:
    """Return the metrics that any version has, the shown ones first."""
    measured = dict.fromkeys(name for one in versions for name in one["metrics"])
    return [*SHOWN_METRICS, *(name for name in measured if name not in SHOWN_METRICS)]


def _metrics(data: Json) -> list[Block]:
    metrics = data["metrics"]
    if not metrics:
        return [Text("It was published without a model card, so it has no metrics here.")]
    columns = [Column("metric", "metric"), *_interval_columns("value", "value")]
    rows = [{"metric": name} | _interval("value", metrics.get(name)) for name in _names(data)]
    marks = [
        Mark(
            row["metric"], row["value"], row["value_low"], row["value_high"], f"{row['value']:.4f}"
        )
        for row in rows
        if row["value"] is not None
    ]
    return [
        Heading("Metrics"),
        *([Figure(bars("metrics-plot", "Metrics with 95 % intervals", marks))] if marks else []),
        Table("metrics", "On its test rankings", columns, rows),
    ]


def _interval_columns(key: str, heading: str) -> list[Column]:
    return [
        Column(key, heading),
        Column(f"{key}_low", "from"),
        Column(f"{key}_high", "to"),
    ]


def _interval(key: str, measured: Json | None) -> dict[str, Any]:
    ends = measured or {}
    return {
        key: ends.get("value"),
        f"{key}_low": ends.get("low"),
        f"{key}_high": ends.get("high"),
    }


def _verdict(verdict: Json) -> list[Block]:
    if not verdict:
        return [Heading("Gate"), Text("No verdict of the gate is stored with it.")]
    columns = [
        Column("guardrail", "guardrail"),
        Column("outcome", "outcome"),
        Column("figure", "figure"),
        Column("limit", "limit"),
        Column("reason", "reason"),
    ]
    rows = [
        one | {"figure": in_digits(one["figure"]), "limit": in_digits(one["limit"])}
        for one in verdict["guardrails"]
    ]
    return [
        Heading(f"Verdict of the gate: {verdict['decision']}"),
        Text(verdict["reason"]),
        Table("guardrails", "Guardrails", columns, rows),
    ]


def _slices(card: Json) -> list[Block]:
    columns = [
        Column("slice", "slice"),
        Column("rankings", "rankings"),
        *_interval_columns("ndcg", "ndcg@10"),
        *_interval_columns("difference", f"minus {card.get('reference')}"),
    ]
    rows = [
        {"slice": one["name"], "rankings": one["rankings"]}
        | _interval("ndcg", one["ranker"])
        | _interval("difference", one["difference"])
        for one in card.get("slices", ())
    ]
    return [Heading("Slices"), Table("slices", "Parts of the test rankings", columns, rows)]


def _lineage(chain: list[dict[str, Any]]) -> Table:
    columns = [Column("what", "what"), Column("id", "id"), Column("detail", "detail")]
    rows = [link | {"id": link["id"] or None} for link in chain]
    return Table("lineage", "What it was made from", columns, rows)


def _limits(card: Json) -> list[Block]:
    limits = [Text(limit) for limit in card.get("limits", ())]
    page = "`aisle evaluate --html FILE` writes the whole evaluation of the last ranker as a page."
    return [Heading("Limits"), *limits, Text(page)]
