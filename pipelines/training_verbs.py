"""What the verbs of training do: learn, measure, explain, hold against the truth."""

import argparse
import json
from typing import Any

from feature_repo.clock import Clock
from feature_repo.config import Settings
from feature_repo.errors import DatasetError, SettingError
from pipelines import steps
from pipelines.outcome import Outcome, line, pages, table
from pipelines.progress import progress_bar


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
    page = pages(_evaluation_page(evaluation), _contenders(trained), line(_published(published)))
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
    """Naive, chosen and ideal ranker in every shop of a grid."""
    from training.truth import grid as grids
    from training.truth import report as reports

    grid = grids.TruthGrid.load(args.grid or grids.GRID)
    if args.seeds is not None and args.seeds < 1:
        raise SettingError(f"--seeds: expected at least 1, found {args.seeds}.")
    cache = Settings.from_environment().home.root / "build" / "truth-grid"
    with progress_bar("shops") as progress:
        found = reports.run_grid(grid, cache, seeds=args.seeds, progress=progress)
    cells = table(reports.TITLE, reports.COLUMNS, list(reports.rows(found)), numbers=8)
    return Outcome(reports.to_dict(grid, found), cells)


def next_purchase(_: argparse.Namespace) -> Outcome:
    """Rank what users buy next, and measure it."""
    from pipelines.next_purchase_page import page_of
    from training.next_purchase.evaluation import evaluate_next_purchase
    from training.next_purchase.history import History

    home = Settings.from_environment().home
    out = home.root / "build" / "next_purchase"
    evaluation = evaluate_next_purchase(History.of_log(home), out)
    return Outcome(evaluation, page_of(evaluation))


def _evaluation_page(evaluation: dict[str, Any]) -> Any:
    from training.evaluate import print_evaluation

    return lambda console: print_evaluation(evaluation, console)


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
