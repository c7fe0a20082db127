"""What the verbs of training do: learn, measure, explain, hold against the truth."""

import argparse
import json
import sys
from collections.abc import Iterable
from typing import Any

from feature_repo.home import Clock, DatasetError, SettingError, Settings
from pipelines.steps import steps
from pipelines.terminal import INTERRUPTED, TERMINATED, Outcome, line, pages, progress_bar, table


def train(args: argparse.Namespace) -> Outcome:
    """Dataset, ranker, evaluation, publication."""
    home = Settings.from_environment().home
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
    page = pages(_evaluation_page(evaluation), _variants(trained), line(_published(published)))
    return Outcome(data, page)


def evaluate(args: argparse.Namespace) -> Outcome:
    """Measure the last trained ranker again, and the baselines with it."""
    home = Settings.from_environment().home
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
    if args.beside:
        from training.evaluation import beside

        evaluation = {**evaluation, "beside": beside(dataset, ranker, args.beside)}
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
    from training.evaluation import explanation
    from training.ranker import Ranker

    settings = Settings.from_environment()
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
    """Naive, chosen and ideal ranker in every shop of a grid; stopped, it tells what is there."""
    from training.studies.truth import grid as grids
    from training.studies.truth import report as reports

    grid = grids.TruthGrid.load(args.grid or grids.GRID)
    _at_least_one(args, "seeds", "workers")
    cache = Settings.from_environment().home.root / "build" / "truth-grid"
    shops, done, status = reports.list_shops(grid, args.seeds), [], 0
    try:
        with progress_bar("shops") as progress:
            progress(0, len(shops))
            for shop, result in reports.run_shops(shops, cache, args.workers):
                done.append((shop, result))
                progress(len(done), len(shops))
                if not args.json:
                    sys.stdout.write(reports.shop_line(shop, result) + "\n")
                    sys.stdout.flush()
    except (KeyboardInterrupt, SystemExit) as stop:
        if not done:
            raise
        status = INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED
    found = reports.summarize_cells(sorted(done, key=lambda one: shops.index(one[0])))
    cells = table(reports.TITLE, reports.COLUMNS, list(reports.rows(found)), numbers=8)
    told = f"{len(done)} of {len(shops)} shops; the same command goes on where it was stopped."
    page = cells if len(done) == len(shops) else pages(cells, line(told))
    counts = {"shops": len(shops), "done": len(done)}
    return Outcome(counts | reports.to_dict(grid, found), page, status)


def personalization(args: argparse.Namespace) -> Outcome:
    """What knowing the user is worth in a simulated shop, and one ranker for all markets."""
    from dataclasses import replace

    from training.studies.truth import personalization as known

    _at_least_one(args, "days", "impressions")
    config = replace(known.SHOP, users=args.users, items=args.items, seed=args.seed)
    found = known.measure_personalization(config, days=args.days, impressions=args.impressions)

    def rows(comparisons: Iterable[known.Comparison]) -> list[list[object]]:
        return [
            [
                one.name, one.requests, f"{one.value:.4f}", f"{one.other:.4f}",
                f"{one.gain.value:+.4f} ({one.gain.low:+.4f} to {one.gain.high:+.4f})",
                f"{100 * one.gain.value / one.other:+.1f} %",
            ]
            for one in comparisons
        ]  # fmt: skip

    told = "NDCG@10 by what is truly wanted, over fresh requests; intervals draw users.\n"
    columns = ["user's clicks", "requests", "with", "without", "gain", ""]
    market = ["smallest market", "requests", "pooled", "its own", "gain", ""]
    page = pages(
        table(f"{told}The {found.contender} ranker with and without the columns that know "
              "the user or the visit", columns, rows(found.slices), numbers=5),
        table("One ranker for all markets against one fitted on the market alone",
              market, rows([found.market]), numbers=5),
    )  # fmt: skip
    return Outcome(found.to_dict(), page)


def _at_least_one(args: argparse.Namespace, *names: str) -> None:
    for name in names:
        found = getattr(args, name)
        if found is not None and found < 1:
            raise SettingError(f"--{name}: expected at least 1, found {found}.")


def next_purchase(_: argparse.Namespace) -> Outcome:
    """Rank what users buy next, and measure it."""
    from pipelines.cli.next_purchase_page import page_of
    from training.studies.next_purchase import History, evaluate_next_purchase

    home = Settings.from_environment().home
    out = home.root / "build" / "next_purchase"
    evaluation = evaluate_next_purchase(History.of_log(home), out)
    return Outcome(evaluation, page_of(evaluation))


def _evaluation_page(evaluation: dict[str, Any]) -> Any:
    from training.evaluation import print_evaluation

    return lambda console: print_evaluation(evaluation, console)


def _variants(trained: dict[str, Any]) -> Any:
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
