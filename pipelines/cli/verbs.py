"""The verbs of a whole home: run the demo, serve, rank, and operate it.

A verb reads arguments, calls a step and returns an Outcome.  The verbs of events, features,
training, search, keys and steps have their own files.
"""

import argparse
from contextlib import suppress
from dataclasses import replace
from functools import partial

from feature_repo.home import Clock, SettingError, Settings, to_text
from pipelines.terminal import Outcome, announce, line, pages, table


def demo(args: argparse.Namespace) -> Outcome:
    """Go from raw events to personalized rankings over HTTP."""
    from pipelines.demo import run

    return run(args)


def serve(args: argparse.Namespace) -> Outcome:
    """Answer over HTTP until interrupted."""
    from pipelines.service import Supervisor, ensure_redis, started_service

    settings = Settings.from_environment()
    if args.workers is not None:
        if args.workers < 1:
            raise SettingError(f"--workers: expected at least 1, found {args.workers}.")
        settings = replace(settings, workers=args.workers)
    Clock.of(settings)
    options = {"port": args.port, "host": args.host, "wait": args.wait, "announce": announce}
    with_redis = partial(ensure_redis, settings, announce, wait=args.wait)
    with started_service(settings, **options, meanwhile=with_redis) as service:
        from feature_repo.online.redis import server as redis_server

        url = service.client.url
        announce(f"Aisle answers at {url}.  Ctrl-C stops it.")
        is_alive = partial(redis_server.is_alive, settings)
        with suppress(KeyboardInterrupt):
            Supervisor(settings, service, is_alive, announce).run()
    return Outcome({"served": url}, line("Stopped."))


def rank(args: argparse.Namespace) -> Outcome:
    """Have a running service put items in order."""
    from pipelines.service import AisleClient

    with AisleClient(args.url, key=Settings.from_environment().api_key) as client:
        answer = client.rank(
            args.items,
            model=args.model,
            user=args.user,
            session=args.session,
            query=args.query,
            market=args.market,
        )
    rows: list[list[object]] = [
        [position, item["item"], f"{item['score']:.4f}"]
        for position, item in enumerate(answer["items"], 1)
    ]
    note = f"model {answer['model_version']}, degraded {answer['degraded'] or 'no'}"
    return Outcome(answer, pages(table("", ["", "item", "score"], rows, numbers=1), line(note)))


def clock(_: argparse.Namespace) -> Outcome:
    """Print now."""
    now = to_text(Clock.of(Settings.from_environment()).now())
    return Outcome({"now": now}, line(now))


def redis(args: argparse.Namespace) -> Outcome:
    """Start, stop or describe the home's Redis server, or print its URL."""
    from feature_repo.feast_repo import repository
    from feature_repo.online.redis import server as redis_server
    from pipelines.steps import load_missing_features

    settings = Settings.from_environment()
    if args.action == "start":
        address = redis_server.start(settings)
        repository.render(settings.home, address)
        load_missing_features(settings, address, announce)
    elif args.action == "url":
        address = redis_server.address_of(settings)
        return Outcome({"url": address.url}, line(address.url))
    elif args.action == "stop":
        redis_server.stop(settings.home)
    return Outcome(redis_server.status(settings))


def monitor(args: argparse.Namespace) -> Outcome:
    """Measure quality now, for the service too; with a folder, write rules and dashboards."""
    if args.out is not None:
        from pipelines.monitoring import write_files

        written = [str(path) for path in write_files(args.out)]
        return Outcome({"written": written}, pages(*map(line, written)))
    from training.monitoring import measure_quality

    settings = Settings.from_environment()
    quality = measure_quality(settings.home, Clock.of(settings).now())
    rows: list[list[object]] = [
        [one.name, " ".join(one.labels), f"{one.value:.4g}"] for one in quality.samples
    ]
    figures = [
        {"name": one.name, "labels": one.labels, "value": one.value} for one in quality.samples
    ]
    data = {"measured_at": to_text(quality.measured_at), "figures": figures}
    page = pages(table("", ["metric", "of", ""], rows, numbers=1), *map(line, quality.failures))
    return Outcome(data | {"failures": quality.failures}, page)


def gc(args: argparse.Namespace) -> Outcome:
    """Remove what the home no longer needs."""
    from pipelines.steps import remove_unneeded

    report = remove_unneeded(Settings.from_environment(), is_dry=args.dry_run).to_dict()
    rows: list[list[object]] = [
        [one["kind"], one["path"], f"{one['bytes'] / 1e6:.1f}", one["age_days"]]
        for one in report["removed"]
    ]
    verb = "Would remove" if args.dry_run else "Removed"
    note = f"{verb} {len(rows)} files and folders, {report['bytes'] / 1e6:.1f} MB."
    if report["skipped"]:
        note += f"  A training uses the home; later: {', '.join(report['skipped'])}."
    page = table("", ["kind", "path", "MB", "days"], rows, numbers=2)
    return Outcome(report, pages(page, line(note)) if rows else line(note))


def doctor(_: argparse.Namespace) -> Outcome:
    """Find problems of the home."""
    from pipelines.doctor import examine

    findings = examine(Settings.from_environment())
    rows: list[list[object]] = [[f.state, f.subject, f.detail, f.fix] for f in findings]
    bad = any(f.state == "bad" for f in findings)
    page = table("", ["", "what", "found", "cure"], rows)
    return Outcome({"findings": [f.to_dict() for f in findings]}, page, status=int(bad))
