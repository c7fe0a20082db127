"""The verbs of events: infer a shop's fields, simulate a shop, check events, and ingest them."""

import argparse
import json
from typing import TYPE_CHECKING, Any, get_args

from feature_repo.home import Clock, ContractError, SettingError, Settings, exclusive
from pipelines.terminal import Outcome, line, pages, progress_bar, table

if TYPE_CHECKING:
    from feature_repo.events.ingest import TableMapping

_LATE = "Late events are older than the last seal: ingest accepts them with --late or --backfill."
_UNSHOWN = (
    "Unshown clicks name a slate that did not show their item: they count as clicks, but as no "
    "impression and no label; check the request ids and the items of the rankings that you send."
)
_COUNTED = ("read", "accepted", "duplicate", "quarantined", "warned")
_FINDINGS = (
    ("Quarantined", "quarantined_lines", "quarantined_reasons"),
    ("Warnings", "warnings", "warning_reasons"),
)
"""Title → the keys of the first findings, and of their numbers by reason."""


def init(args: argparse.Namespace) -> Outcome:
    """Infer the shop's fields and write shop.toml."""
    from feature_repo.events.ingest import infer_shop, shop_to_toml
    from feature_repo.shop import Role

    out = args.out or Settings.from_environment().home.shop_toml
    if out.exists() and not args.force:
        raise SettingError(f"{out} exists; edit it, or replace it with --force.")
    shop, explanations = infer_shop(args.paths, _mapping(args))
    if not shop.item_fields and not shop.user_fields and not args.force:
        raise SettingError(
            "expected item or user events with fields, found none: shop.toml would be empty.  "
            "`aisle validate` names lines that cannot be read; --force writes it nevertheless."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(shop_to_toml(shop, explanations), encoding="utf-8")
    fields = [
        {"of": of, "name": f.name, "type": f.type, "role": f.role, "column": f.column}
        for of, group in (("item", shop.item_fields), ("user", shop.user_fields))
        for f in group
    ]
    without = [role for role in get_args(Role) if shop.item_role(role) is None]
    page = pages(
        table(
            "Fields",
            ["of", "name", "type", "role"],
            [[f["of"], f["name"], f["type"], f["role"] or ""] for f in fields],
        ),
        line(f"Markets: {', '.join(m.name for m in shop.markets) or 'none'}."),
        line(f"Roles that no field has: {', '.join(without) or 'none'}."),
        line(f"Written to {out}; review it, and correct wrong guesses."),
    )
    data = {"shop_toml": str(out), "fields": fields, "roles_without_field": without}
    return Outcome(data, page)


def simulate(args: argparse.Namespace) -> Outcome:
    """Write the events of a simulated shop."""
    from pipelines.cli.simulate_options import config_of
    from training.studies.simulation import simulate as run
    from training.studies.simulation import truth_path

    with progress_bar("simulate") as progress:
        path = run(args.out, days=args.days, config=config_of(args), progress=progress)
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files)
    return Outcome(
        {"events": str(path), "truth": str(truth_path(path)), "files": len(files), "bytes": size}
    )


def validate(args: argparse.Namespace) -> Outcome:
    """Check events and write nothing; without events, check the data contracts of the home."""
    if not args.paths:
        return _contracts()
    from feature_repo.events.ingest import validate as run

    settings = Settings.from_environment()
    with progress_bar("validate") as progress:
        report = run(
            args.paths,
            clock=Clock.of(settings),
            home=settings.home,
            mapping=_mapping(args),
            progress=progress,
        )
    return _ingest_outcome(report.to_dict())


def ingest(args: argparse.Namespace) -> Outcome:
    """Add events to the log."""
    from feature_repo.events.ingest import ingest as run

    settings = Settings.from_environment()
    with exclusive(settings.home, "an ingest", wait=True), progress_bar("ingest") as progress:
        report = run(
            args.paths,
            home=settings.home,
            clock=Clock.of(settings),
            mode=args.mode,
            mapping=_mapping(args),
            progress=progress,
        )
    return _ingest_outcome(report.to_dict())


def _contracts() -> Outcome:
    from pipelines.catalogue import VALIDATE
    from pipelines.pages import validation_page
    from pipelines.steps import VALIDATION_REPORT

    home, status = Settings.from_environment().home, 0
    try:
        VALIDATE.run(home)
    except ContractError:  # The report says the same, row by row.
        status = 1
    figures = json.loads((home.root / VALIDATION_REPORT).read_bytes())
    return Outcome(figures, validation_page(figures), status)


def _mapping(args: argparse.Namespace) -> "TableMapping | None":
    from feature_repo.events.ingest import TableMapping

    return None if args.mapping is None else TableMapping.load(args.mapping)


def _ingest_outcome(data: dict[str, Any]) -> Outcome:
    counts: list[list[object]] = [[name, data[name]] for name in _COUNTED]
    parts = [table("", ["events", ""], counts, numbers=1)]
    for title, listed, reasons in _FINDINGS:
        if data[listed]:
            rows = _by_reason(data[listed], data[reasons])
            parts.append(table(title, ["number", "first", "what", "hint"], rows))
    listed_above = {*_COUNTED, *(name for _, *names in _FINDINGS for name in names)}
    others = {k: v for k, v in data.items() if k not in listed_above}
    parts += [
        line(f"{name.replace('_', ' ')}: {_in_words(value)}") for name, value in others.items()
    ]
    if data["unshown_clicks"]:
        parts.append(line(_UNSHOWN))
    if data["late"]:
        parts.append(line(_LATE))
    return Outcome(data, pages(*parts))


def _by_reason(findings: list[dict[str, Any]], reasons: dict[str, int]) -> list[list[object]]:
    """Return a row for each reason: its number, and its first finding."""
    rows: list[list[object]] = []
    for reason, number in reasons.items():
        first = next((one for one in findings if _reason(one) == reason), None)
        if first is None:
            rows.append([number, "", reason, ""])
        else:
            position = f"{first['file']}:{first['line']}"
            rows.append([number, position, f"{reason}, found {first['found']}", first["hint"]])
    return rows


def _reason(finding: dict[str, Any]) -> str:
    return f"{finding['field']}: expected {finding['expected']}"


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        listed = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in value.items())
        return listed or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
