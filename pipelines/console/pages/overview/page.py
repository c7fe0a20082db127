"""The overview: what works, what is in use, how fresh features are, and how many events came."""

from feature_repo.home import SECOND, Clock, ServiceError, to_text
from feature_repo.transformations import features_sealed_at
from pipelines.console.content import (
    Block,
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
from pipelines.console.pages.overview.event_counts import (
    DAYS,
    KINDS,
    events_by_day,
    events_by_minute,
)
from pipelines.console.pages.overview.service_figures import service_figures
from pipelines.doctor import Finding, examine
from pipelines.inspection import feature_state, log_state, row_ages
from training.plots import lines

_PERIOD = 5 * SECOND
"""How long the findings are shown before the home is examined again."""


def overview(visit: Visit) -> Content:
    """Show the state of the home and of its service."""
    if not Clock.is_set(visit.home):
        text = "The home has no events yet. Add events: `aisle ingest EVENTS`, or `make demo`."
        return Content("Overview", [Notice(text), *_service(visit)])
    state = log_state(visit.home), feature_state(visit.home), visit.now // _PERIOD
    findings = visit.soon("findings", state, lambda: examine(visit.settings, visit.figures))
    return Content(
        "Overview",
        [
            Loading("The findings") if findings is None else _summary(findings),
            *_service(visit),
            *([] if findings is None else [_findings(findings)]),
            Heading("Freshness"),
            *_freshness(visit),
            Heading("Events"),
            *_minutes(visit),
            *_events(visit),
        ],
    )


def _summary(findings: list[Finding]) -> Block:
    bad = sum(finding.state == "bad" for finding in findings)
    notes = sum(finding.state == "note" for finding in findings)
    if bad:
        return Notice(f"{bad} parts of the home do not work, and {notes} need attention.")
    return Text(f"All parts of the home work; {notes} need attention.")


def _service(visit: Visit) -> list[Block]:
    """Show what the service answers with, or that it is away."""
    try:
        with visit.client() as client:
            models, metrics = client.models(), client.metrics()
    except ServiceError as error:
        return [Notice(f"The service is away. {error}")]
    rows: list[Row] = [
        {"kind": kind, "name": model["name"], "version": model[kind]}
        for model in models["models"]
        for kind in ("ranker", "popularity")
        if model.get(kind)
    ]
    rows += [{key: one[key] for key in ("kind", "name", "version")} for one in models["indices"]]
    columns = [
        Column("kind", "kind"),
        Column("name", "name"),
        Column("version", "version", _model_address),
    ]
    return [
        Text(f"The service answers at {visit.service_url}."),
        *service_figures(metrics),
        Table("loaded", "Models and indexes that the service has loaded", columns, rows),
    ]


def _model_address(row: Row) -> str:
    if row["kind"] != "ranker":
        return ""
    return address("model", {"model": row["name"], "version": row["version"]})


def _findings(findings: list[Finding]) -> Table:
    """Show what needs attention first."""
    states = ("bad", "note", "good")
    ordered = sorted(findings, key=lambda finding: states.index(finding.state))
    columns = [
        Column("subject", "part"),
        Column("state", "state"),
        Column("found", "what is there"),
        Column("cure", "cure"),
    ]
    rows: list[Row] = [finding.to_dict() for finding in ordered]
    return Table("findings", "What `aisle doctor` finds", columns, rows)


def _freshness(visit: Visit) -> list[Block]:
    state = feature_state(visit.home), log_state(visit.home)
    sealed_at = visit.figures.get("sealed", state, lambda: features_sealed_at(visit.home))
    if sealed_at is None:
        return [Notice("No features are computed yet; `aisle refresh` computes them.")]
    columns = [
        Column("view", "view", lambda row: address("feature", {"view": row["view"]})),
        Column("rows", "rows"),
        Column("hours_since_newest", "hours since the newest"),
        Column("fresh", "declared freshness"),
    ]
    rows: list[Row] = [
        {"view": view, **age}
        for view, age in row_ages(visit.home, visit.figures, visit.now).items()
    ]
    return [
        Text(f"Features are computed from events until {to_text(sealed_at)}."),
        Table("freshness", "Age of each view's rows", columns, rows),
    ]


def _minutes(visit: Visit) -> list[Block]:
    """Draw the events of the last hour."""
    state = log_state(visit.home), visit.now // _PERIOD
    clock = Clock.of(visit.settings)
    counts = visit.soon(
        "events by minute", state, lambda: events_by_minute(visit.home, clock, visit.now)
    )
    if counts is None:
        return [Loading("The events of the last hour")]
    total = sum(counts.values())
    text = f"{total:,} events came in the last hour, {total / len(counts):.1f} a minute."
    if not total:
        return [Text(text)]
    values = [float(count) for count in counts.values()]
    title = "Events by minute, the last hour"
    return [
        Text(text),
        Figure(lines("events-by-minute", title, [*counts], {"events": values}, "UTC")),
    ]


def _events(visit: Visit) -> list[Block]:
    state = log_state(visit.home)
    days = visit.figures.get("events by day", state, lambda: events_by_day(visit.home))
    columns = [Column("day", "day"), *(Column(kind, f"{kind} events") for kind in KINDS)]
    rows: list[Row] = [{"day": day, **counts} for day, counts in days.items()]
    empty = "No events are compacted yet; `aisle refresh` compacts them."
    table = Table("events", f"Compacted events of the last {DAYS} days", columns, rows, empty)
    if len(days) < 2:
        return [table]
    series = {kind: [float(counts[kind]) for counts in days.values()] for kind in KINDS}
    return [Figure(lines("events-by-day", "Events by day", [*days], series, "day")), table]
