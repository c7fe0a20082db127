"""The verbs of features: compute, load, describe and verify them."""

import argparse
import json
import sys
from contextlib import suppress
from typing import Any

from feature_repo.home import Clock, PipelineError, Settings, to_text
from pipelines.catalogue import (
    APPLY_CATALOGUE,
    MATERIALIZE_FEATURES,
    TRANSFORM_FEATURES,
    VERIFY_FEATURES,
)
from pipelines.declarations import PARITY
from pipelines.steps import PARITY_FILE, home_redis, parse_period, refresh_every
from pipelines.steps import refresh as run_refresh
from pipelines.terminal import Outcome, announce, chosen, line, pages, table


def transform(_: argparse.Namespace) -> Outcome:
    """Compute the feature rows."""
    return Outcome(TRANSFORM_FEATURES.run(Settings.from_environment().home))


def materialize(args: argparse.Namespace) -> Outcome:
    """Apply the catalogue and load Redis."""
    home = Settings.from_environment().home
    APPLY_CATALOGUE.run(home)
    return Outcome(MATERIALIZE_FEATURES.run(home, {"full": args.full}))


def refresh(args: argparse.Namespace) -> Outcome:
    """Update features and the online store to now, once or periodically."""
    from pipelines.terminal import show

    settings = Settings.from_environment()
    if args.every is None:
        return _refreshed(run_refresh(settings, _announce, wait=args.wait).to_dict())
    for report in refresh_every(settings, parse_period(args.every), _announce):
        show(_refreshed(report.to_dict()), args.json)
        sys.stdout.flush()
    raise AssertionError("a periodic refresh never returns")


def features(args: argparse.Namespace) -> Outcome:
    """Write the page of all features, or show the features of one entity."""
    if args.action == "show":
        return _show(args)
    from feature_repo.catalogue import features_page

    page = features_page(Settings.from_environment().home)
    if args.out is None:
        return Outcome({"page": page}, line(page.rstrip()))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(page, encoding="utf-8")
    return Outcome({"written": str(args.out)})


def verify(args: argparse.Namespace) -> Outcome:
    """Compare the logged vectors with vectors that training computes from the events."""
    home = Settings.from_environment().home
    values = chosen(args, VERIFY_FEATURES.parameters, "aisle verify")
    with suppress(PipelineError):  # The report has the differences.
        VERIFY_FEATURES.run(home, values)
    report = json.loads((home.root / PARITY.path / PARITY_FILE).read_bytes())
    mismatches, waiting = report["mismatches"], report["waiting"]
    rows: list[list[object]] = [
        [m["feature"], m["times"], m["request"], m["logged"], m["computed"], m["cause"]]
        for m in mismatches
    ]
    note = line(
        f"{report['requests']} requests, {report['features']} values: {len(mismatches)} features "
        f"differ; {report['in_flight']} requests had an event in flight."
        + (f"  {waiting} answers are not sealed yet: run `aisle refresh`." if waiting else "")
    )
    columns = ["feature", "times", "request", "logged", "computed", "cause"]
    page = pages(table("", columns, rows), note) if rows else note
    return Outcome(report, page, status=1 if mismatches else 0)


def _show(args: argparse.Namespace) -> Outcome:
    from feature_repo.home import parse_instant
    from feature_repo.online.hydration import OnlineReader
    from feature_repo.online.redis import redis_client
    from feature_repo.shop import Shop
    from pipelines.cli.entity_words import entity_words
    from pipelines.inspection import entity

    settings, subject = Settings.from_environment(), entity.Subject.of(args.subject or "")
    home = settings.home
    t = parse_instant(args.at, "at") if args.at else Clock.of(settings).now()
    offline, online = entity.offline(home, subject, t), {}
    if args.at is None:
        with home_redis(settings) as address, redis_client(address) as client:
            reader = OnlineReader(home, Shop.load(home.shop_toml), client)
            online = entity.online(reader, subject, t)
    features = [row | {"online": online.get(row["feature"])} for row in offline]
    events = entity.events(home, subject, t)
    page = pages(
        line(f"{subject.kind} {subject.key} at {to_text(t)}"),
        entity_words(features, with_online=args.at is None),
        table(
            "Newest events",
            ["event", "what happened", "seen at"],
            [[event["event"], event["what"], event["seen_at"]] for event in events],
        ),
    )
    data = {"kind": subject.kind, "key": subject.key, "at": to_text(t)}
    return Outcome(data | {"features": features, "events": events}, page)


def _refreshed(data: dict[str, Any]) -> Outcome:
    if data["skipped"]:
        return Outcome(data, line(f"Nothing new since the seal at {data['sealed_at']}."))
    rows: list[list[object]] = [[view, rows] for view, rows in data["views"].items()]
    seconds = ", ".join(f"{stage} {duration} s" for stage, duration in data["seconds"].items())
    page = pages(
        table("", ["view", "rows"], rows, numbers=1),
        line(f"Sealed at {data['sealed_at']}; {data['compacted']} events compacted; {seconds}."),
    )
    return Outcome(data, page)


def _announce(stage: str) -> None:
    announce(f"{stage} …")
