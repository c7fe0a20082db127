"""What each verb of the command line does: read arguments, call a step, give an Outcome."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feature_repo.clock import Clock
from feature_repo.config import Settings
from feature_repo.errors import DatasetError, SettingError
from feature_repo.instants import to_text
from feature_repo.locks import exclusive
from pipelines import steps
from pipelines.home_redis import home_redis
from pipelines.outcome import Outcome, line, pages, table
from pipelines.progress import progress_bar

if TYPE_CHECKING:
    from feature_repo.events.mapping import TableMapping


def init(args: argparse.Namespace) -> Outcome:
    """Infer the shop's fields and write them down."""
    from feature_repo import shop_inference

    out = args.out or _settings().home.shop_toml
    if out.exists() and not args.force:
        raise SettingError(f"{out} is there already; edit it, or replace it with --force.")
    shop, explanations = shop_inference.infer(args.paths, _mapping(args))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(shop_inference.to_toml(shop, explanations), encoding="utf-8")
    fields = [
        {"of": of, "name": f.name, "type": f.type, "role": f.role, "column": f.column}
        for of, group in (("item", shop.item_fields), ("user", shop.user_fields))
        for f in group
    ]
    page = pages(
        table(
            "Fields",
            ["of", "name", "type", "role"],
            [[f["of"], f["name"], f["type"], f["role"] or ""] for f in fields],
        ),
        line(f"Written to {out}; read it, and change what was guessed wrong."),
    )
    return Outcome({"shop_toml": str(out), "fields": fields}, page)


def simulate(args: argparse.Namespace) -> Outcome:
    """Write the events of a simulated shop."""
    from pipelines.simulate_options import config_of
    from training.simulator import simulate as run
    from training.simulator import truth_path

    with progress_bar("simulate") as progress:
        path = run(args.out, days=args.days, config=config_of(args), progress=progress)
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files)
    return Outcome(
        {"events": str(path), "truth": str(truth_path(path)), "files": len(files), "bytes": size}
    )


def validate(args: argparse.Namespace) -> Outcome:
    """Check events and write nothing."""
    from feature_repo.events.ingest import validate as run

    settings = _settings()
    home = settings.home if settings.home.log.exists() else None
    with progress_bar("validate") as progress:
        report = run(
            args.paths,
            clock=Clock.of(settings),
            home=home,
            mapping=_mapping(args),
            progress=progress,
        )
    return _ingest_outcome(report.to_dict())


def ingest(args: argparse.Namespace) -> Outcome:
    """Take events into the log."""
    from feature_repo.events.ingest import ingest as run

    settings = _settings()
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


def transform(_: argparse.Namespace) -> Outcome:
    """Compute the feature rows."""
    return Outcome(steps.transform_features(_settings().home.root))


def materialize(args: argparse.Namespace) -> Outcome:
    """Apply the catalogue and load Redis."""
    from feature_repo import feast_repo

    settings = _settings()
    with exclusive(settings.home, "a load"), home_redis(settings) as address:
        feast_repo.apply(settings.home)
        end = Clock.of(settings).now()
        loaded: list[str] = []
        feast_repo.materialize(settings.home, end, full=args.full, announce=loaded.append)
    data = {"materialized_until": to_text(end), "redis": address.url}
    said = (*loaded, *(f"{name}: {value}" for name, value in data.items()))
    return Outcome(data | {"loaded": loaded}, pages(*map(line, said)))


def refresh(args: argparse.Namespace) -> Outcome:
    """Bring features and online store up to now, once or again and again."""
    from pipelines import refresh as refreshing
    from pipelines.outcome import show

    settings = _settings()
    if args.every is None:
        return _refreshed(refreshing.refresh(settings, _announce).to_dict())
    for report in refreshing.every(settings, refreshing.parse_period(args.every), _announce):
        show(_refreshed(report.to_dict()), args.json)
        sys.stdout.flush()
    raise AssertionError("a refresh without end has ended")


def train(args: argparse.Namespace) -> Outcome:
    """Dataset, ranker, evaluation, publication."""
    home = _settings().home
    dataset, ranker = home.datasets / "ranking.parquet", home.root / "build" / "ranker"
    with progress_bar("dataset") as progress:
        joined = steps.build_dataset(
            home.root,
            dataset,
            gains=args.gains,
            horizon_days=args.horizon_days,
            progress=progress,
        )
    trained = steps.train_ranker(
        dataset, ranker, search=args.search, search_seconds=args.search_seconds
    )
    evaluation = steps.evaluate_ranker(dataset, ranker, home.root / "build" / "evaluation")
    data: dict[str, Any] = {"dataset": joined, "ranker": trained, "evaluation": evaluation}
    if not args.no_publish:
        data["published"] = steps.publish_ranker(
            home.root, ranker, home.root / "build" / "evaluation"
        )
        data["indices"] = steps.publish_indices(home.root)
    published = data.get("published")
    page = pages(_evaluation_page(evaluation), _contenders(trained), line(_published(published)))
    return Outcome(data, page)


def _contenders(trained: dict[str, Any]) -> Any:
    """What each contender was worth where they were judged, and the examination learned."""
    choice, outcomes = trained["choice"], trained["outcomes"]
    told = list(next(iter(outcomes.values()), {}))
    rows: list[list[object]] = [
        [name, f"{value:.4f}", *(f"{outcomes[name][outcome]:.4f}" for outcome in told)]
        for name, value in choice["values"].items()
    ]
    title = f"Contenders on the {choice['judged_on']}, gains over examination; ndcg@10 by outcome"
    curve = " ".join(f"{seen:.2f}" for seen in trained["examination"]["all"])
    error = trained["calibration_error"]
    return pages(
        table(title, ["", "value", *told], rows, numbers=1 + len(told)),
        line(f"Chosen: {choice['contender']}; its probabilities are off by {error:.3f}."),
        line(f"Examination by position: {curve}"),
    )


def _published(report: dict[str, Any] | None) -> str:
    if report is None:
        return "Not published, as asked."
    if report["ranker"] is None:
        return f"Not published: {report['reason']}"
    return f"Published as {report['ranker']}: {report['reason']}"


def evaluate(args: argparse.Namespace) -> Outcome:
    """Measure the last trained ranker again, and the baselines with it."""
    home = _settings().home
    dataset, ranker = home.datasets / "ranking.parquet", home.root / "build" / "ranker"
    if not ranker.exists() or not dataset.exists():
        raise DatasetError("There is no trained ranker in this home yet; run `aisle train`.")
    out = home.root / "build" / "evaluation"
    wanted = {"ablation": args.ablation, "learning_curve": args.learning_curve}
    studies = [name for name, asked in wanted.items() if asked]
    with progress_bar("evaluate") as progress:
        evaluation = steps.evaluate_ranker(
            dataset, ranker, out, metrics=args.metric, studies=studies, progress=progress
        )
    if args.card:
        card = json.loads((out / "model_card.json").read_text())
        return Outcome(card, line((out / "model_card.md").read_text()))
    if args.html:
        args.html.write_bytes((out / "evaluation.html").read_bytes())
    report = args.html or out / "evaluation.html"
    said = (f"Report: {report}", f"Model card: {out / 'model_card.md'}")
    return Outcome(evaluation, pages(_evaluation_page(evaluation), *map(line, said)))


def explain(args: argparse.Namespace) -> Outcome:
    """Why the last trained ranker puts a slate in its order."""
    from feature_repo.events.log import EventLog
    from training import explanation
    from training.ranker import Ranker

    settings = _settings()
    home, folder = settings.home, settings.home.root / "build" / "ranker"
    if not folder.exists():
        raise DatasetError("There is no trained ranker in this home yet; run `aisle train`.")
    ranker = Ranker.load(folder)
    slate = explanation.slate_of_dataset(home.datasets / "ranking.parquet", args.request)
    items, matrix = slate or explanation.slate_of_log(
        EventLog(home, Clock.of(settings)), args.request, ranker.columns
    )
    told = explanation.explain(ranker, items, matrix, exact=not args.approximate, top=args.top)
    rows: list[list[object]] = [
        [one.item, f"{one.score:.4f}", "\n".join(one.reasons) or "nothing sets it apart"]
        for one in told
    ]
    shares = "approximate" if args.approximate else "exact"
    page = table(f"Reasons against the slate's mean, {shares}", ["item", "score", "why"], rows)
    return Outcome({"request": args.request, "items": [one.to_dict() for one in told]}, page)


def truth_grid(args: argparse.Namespace) -> Outcome:
    """Naive, chosen and ideal ranker in every shop of a grid."""
    from training.truth import grid as grids
    from training.truth import report as reports

    grid = grids.TruthGrid.load(args.grid or grids.GRID)
    if args.seeds is not None and args.seeds < 1:
        raise SettingError(f"--seeds: expected at least 1, found {args.seeds}.")
    cache = _settings().home.root / "build" / "truth-grid"
    with progress_bar("shops") as progress:
        found = reports.run_grid(grid, cache, seeds=args.seeds, progress=progress)
    cells = table(reports.TITLE, reports.COLUMNS, list(reports.rows(found)), numbers=8)
    return Outcome(reports.to_dict(grid, found), cells)


def next_purchase(_: argparse.Namespace) -> Outcome:
    """Rank what users buy next, and measure it."""
    from pipelines.next_purchase_page import page_of

    home = _settings().home
    evaluation = steps.rank_next_purchases(home.root, home.root / "build" / "next_purchase")
    return Outcome(evaluation, page_of(evaluation))


def serve(args: argparse.Namespace) -> Outcome:
    """Answer over HTTP until interrupted."""
    from pipelines.service_process import serving

    settings = _settings()
    Clock.of(settings)
    with (
        home_redis(settings) as address,
        serving(
            settings, address.url, port=args.port, host=args.host, workers=args.workers
        ) as client,
    ):
        sys.stderr.write(f"Aisle answers at {client.url}.  Ctrl-C stops it.\n")
        _wait_for_interrupt()
    return Outcome({"served": client.url}, line("Stopped."))


def rank(args: argparse.Namespace) -> Outcome:
    """Ask a running service to put items in order."""
    from pipelines.client import AisleClient

    with AisleClient(args.url, key=_settings().api_key) as client:
        answer = client.rank(
            args.items, model=args.model, user=args.user, query=args.query, market=args.market
        )
    rows: list[list[object]] = [
        [place, item["item"], f"{item['score']:.4f}"]
        for place, item in enumerate(answer["items"], 1)
    ]
    note = f"model {answer['model_version']}, degraded {answer['degraded'] or 'no'}"
    return Outcome(answer, pages(table("", ["", "item", "score"], rows, numbers=1), line(note)))


def clock(_: argparse.Namespace) -> Outcome:
    """Print now."""
    now = to_text(Clock.of(_settings()).now())
    return Outcome({"now": now}, line(now))


def redis(args: argparse.Namespace) -> Outcome:
    """Start, stop or describe the home's Redis server."""
    from feature_repo import feast_repo
    from feature_repo.online import redis_server

    settings = _settings()
    if args.action == "start":
        address = redis_server.start(settings)
        feast_repo.render(settings.home, address.host, address.port, settings.redis_url)
    elif args.action == "stop":
        redis_server.stop(settings.home)
    return Outcome(redis_server.status(settings))


def pipeline(args: argparse.Namespace) -> Outcome:
    """Run or compile a Kubeflow pipeline."""
    from pipelines import retrain

    if args.action == "compile":
        out = args.out or Path("build") / "retrain.yaml"
        out.parent.mkdir(parents=True, exist_ok=True)
        retrain.compile_retrain(out)
        return Outcome({"compiled": str(out)})
    return Outcome(retrain.run_retrain(_settings().home))


def features(args: argparse.Namespace) -> Outcome:
    """Write the page of all features, or show what is known of one entity."""
    if args.action == "show":
        return _known(args)
    from feature_repo.catalogue.document import features_page

    page = features_page(_settings().home)
    if args.out is None:
        return Outcome({"page": page}, line(page.rstrip()))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(page, encoding="utf-8")
    return Outcome({"written": str(args.out)})


def verify(args: argparse.Namespace) -> Outcome:
    """Compare the vectors that were logged with those the events give."""
    from feature_repo.instants import parse_instant
    from training import verification

    home = _settings().home
    since, until = (
        parse_instant(told, name) if told else None
        for told, name in ((args.since, "since"), (args.until, "until"))
    )
    found = verification.verify(home, verification.recorded(home, since, until)).to_dict()
    mismatches = found["mismatches"]
    rows: list[list[object]] = [
        [m["feature"], m["times"], m["request"], m["logged"], m["computed"], m["cause"]]
        for m in mismatches
    ]
    said = line(
        f"{found['requests']} requests, {found['features']} values: {len(mismatches)} features "
        f"differ; {found['in_flight']} requests had an event in flight."
    )
    columns = ["feature", "times", "request", "logged", "computed", "cause"]
    page = pages(table("", columns, rows), said) if rows else said
    return Outcome(found, page, status=1 if mismatches else 0)


def doctor(_: argparse.Namespace) -> Outcome:
    """Look for what is wrong."""
    from pipelines.doctor import examine

    findings = examine(_settings())
    rows: list[list[object]] = [[f.state, f.subject, f.found, f.cure] for f in findings]
    bad = any(f.state == "bad" for f in findings)
    page = table("", ["", "what", "found", "cure"], rows)
    return Outcome({"findings": [f.to_dict() for f in findings]}, page, status=int(bad))


def demo(args: argparse.Namespace) -> Outcome:
    """The main job, end to end."""
    from pipelines.demo_page import run

    return run(args)


def _settings() -> Settings:
    return Settings.from_environment()


def _mapping(args: argparse.Namespace) -> "TableMapping | None":
    from feature_repo.events.mapping import TableMapping

    return None if args.mapping is None else TableMapping.load(args.mapping)


def _announce(stage: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"{stage} …\n")


def _wait_for_interrupt() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        sys.stderr.write("\n")


def _known(args: argparse.Namespace) -> Outcome:
    from feature_repo.instants import parse_instant
    from feature_repo.online.reader import OnlineReader
    from feature_repo.online.redis_server import redis_client
    from feature_repo.shop import Shop
    from pipelines import known_page

    settings, subject = _settings(), known_page.Subject.of(args.subject or "")
    home = settings.home
    t = parse_instant(args.at, "at") if args.at else Clock.of(settings).now()
    known, live = known_page.offline(home, subject, t), {}
    if args.at is None:
        with home_redis(settings) as address, redis_client(address) as client:
            reader = OnlineReader(home, Shop.load(home.shop_toml), client)
            live = known_page.online(reader, subject, t)
    features = [row | {"online": live.get(row["feature"])} for row in known]
    events = known_page.events(home, subject, t)
    page = pages(
        table(
            f"{subject.kind} {subject.key} at {to_text(t)}",
            ["feature", "offline", "online", "since"],
            [[f["feature"], f["value"], f["online"], f["since"] or ""] for f in features],
        ),
        table(
            "Newest events",
            ["kind", "event", "seen at"],
            [[event["kind"], event["event"], event["seen_at"]] for event in events],
        ),
    )
    data = {"kind": subject.kind, "key": subject.key, "at": to_text(t)}
    return Outcome(data | {"features": features, "events": events}, page)


def _refreshed(data: dict[str, Any]) -> Outcome:
    rows: list[list[object]] = [[view, rows] for view, rows in data["views"].items()]
    seconds = ", ".join(f"{stage} {took} s" for stage, took in data["seconds"].items())
    page = pages(
        table("", ["view", "rows"], rows, numbers=1),
        line(f"Sealed at {data['sealed_at']}; {data['compacted']} events compacted; {seconds}."),
    )
    return Outcome(data, page)


def _ingest_outcome(data: dict[str, Any]) -> Outcome:
    shown = data["quarantined_lines"][:20]
    counts: list[list[object]] = [[name, data[name]] for name in _COUNTED]
    parts = [table("", ["events", ""], counts, numbers=1)]
    if shown:
        rows: list[list[object]] = [[q["file"], q["line"], q["reason"]] for q in shown]
        parts.append(table("Quarantined", ["file", "line", "reason"], rows))
    rest = {k: v for k, v in data.items() if k not in {*_COUNTED, "quarantined_lines"}}
    parts += [line(f"{name.replace('_', ' ')}: {_in_words(value)}") for name, value in rest.items()]
    if data["late"]:
        parts.append(line(_LATE))
    return Outcome(data, pages(*parts))


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        listed = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in value.items())
        return listed or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


_LATE = "Late events lie before the last seal: ingest takes them with --late or --backfill."
_COUNTED = ("read", "accepted", "duplicate", "quarantined")


def _evaluation_page(evaluation: dict[str, Any]) -> Any:
    from training.evaluate import print_evaluation

    return lambda console: print_evaluation(evaluation, console)
