"""The verbs of training: learn, measure, explain, and compare with the truth of simulated shops."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from feature_repo.home import Clock, DatasetError, Home, SettingError, Settings, exclusive_training
from pipelines.catalogue import EVALUATE_RANKER, TRANSFORM_FEATURES, pipeline_of
from pipelines.declarations import DATASET, EVALUATION, RANKER, Report, Step
from pipelines.steps import remove_unneeded
from pipelines.terminal import (
    INTERRUPTED,
    TERMINATED,
    Outcome,
    Page,
    chosen,
    interval_text,
    item_titles,
    line,
    pages,
    progress_bar,
    table,
)

_REPORTS = {
    "build_dataset": "dataset",
    "train_ranker": "ranker",
    "evaluate_ranker": "evaluation",
    "check_gate": "gate",
    "publish_ranker": "published",
    "reject_ranker": "published",
    "publish_indexes": "indices",
}
"""By step, the name of its report in the data of `aisle train`; of other steps, their own name."""


def train(args: argparse.Namespace) -> Outcome:
    """Run the retraining pipeline on the features of the last refresh."""
    settings = Settings.from_environment()
    home = settings.home
    retrain = pipeline_of("retrain")
    if args.no_publish and args.force:
        raise SettingError("aisle train: expected --no-publish or --force, found both.")

    def run(step: Step, values: Mapping[str, Any]) -> Report:
        with progress_bar(step.title or step.name) as progress:
            return step.run(home, values, progress=progress)

    def skip(step: Step) -> bool:
        return step == TRANSFORM_FEATURES or (step.publishes and args.no_publish)

    with exclusive_training(home, "a training"):
        reports = retrain.run_here(run, skip, chosen(args, retrain.options, "aisle train"))
    data: dict[str, Any] = {_REPORTS.get(name, name): report for name, report in reports.items()}
    data["removed"] = remove_unneeded(settings).counts()
    page = pages(
        _evaluation_page(data["evaluation"]),
        _variants(data["ranker"]),
        line(_published(data.get("published"))),
    )
    return Outcome(data, page)


def evaluate(args: argparse.Namespace) -> Outcome:
    """Measure the last trained ranker and the baselines again."""
    home = Settings.from_environment().home
    dataset, ranker = home.root / DATASET.path, _trained_ranker(home)
    if not dataset.exists():
        raise DatasetError(_NO_RANKER)
    out = home.root / EVALUATION.path
    selected = {"ablation": args.ablation, "learning_curve": args.learning_curve}
    studies = [name for name, is_selected in selected.items() if is_selected]
    with exclusive_training(home, "an evaluation"), progress_bar("evaluate") as progress:
        values = chosen(args, EVALUATE_RANKER.parameters, "aisle evaluate")
        evaluation = EVALUATE_RANKER.run(home, values, studies=studies, progress=progress)
    if args.nameless:
        from pipelines.pages import nameless_page
        from training.studies.nameless import evaluate_nameless

        with progress_bar("nameless visits") as progress:
            visits = evaluate_nameless(
                home, dataset, evaluation["training"], out, args.trainings, progress
            )
        return Outcome(visits, nameless_page(visits))
    if args.compare:
        from training.evaluation import compare

        evaluation = {**evaluation, "comparison": compare(dataset, ranker, args.compare, home=home)}
    if args.trainings is not None:
        from training.evaluation import repeat_trainings

        with progress_bar("trainings") as progress:
            spread = repeat_trainings(
                dataset, evaluation["training"], args.trainings, progress, home=home
            )
        evaluation = {**evaluation, "trainings": spread}
    if args.card:
        card = json.loads((out / "model_card.json").read_text())
        return Outcome(card, line((out / "model_card.md").read_text()))
    if args.html:
        args.html.write_bytes((out / "evaluation.html").read_bytes())
    report = args.html or out / "evaluation.html"
    lines = (f"Report: {report}", f"Model card: {out / 'model_card.md'}")
    return Outcome(evaluation, pages(_evaluation_page(evaluation), *map(line, lines)))


def explain(args: argparse.Namespace) -> Outcome:
    """Explain why the last trained ranker puts a slate in its order."""
    from feature_repo.events.log import EventLog
    from feature_repo.shop import Shop
    from training.explanation import explain as explain_slate
    from training.explanation import slate_of_dataset, slate_of_log
    from training.ranker import Ranker

    settings = Settings.from_environment()
    home = settings.home
    ranker = Ranker.load(_trained_ranker(home))
    slate = slate_of_dataset(home.root / DATASET.path, args.request)
    items, matrix = slate or slate_of_log(
        EventLog(home, Clock.of(settings)), args.request, ranker.columns
    )
    explained = explain_slate(ranker, items, matrix, exact=not args.approximate, top=args.top)
    log, shop = EventLog(home, Clock.of(settings)), Shop.load(home.shop_toml)
    titles = item_titles(log, shop, [one.item for one in explained])
    rows: list[list[object]] = [
        [
            one.item,
            titles.get(one.item, ""),
            f"{one.score:.4f}",
            "\n".join(one.reasons) or "nothing sets it apart",
        ]
        for one in explained
    ]
    shares = "approximate" if args.approximate else "exact"
    title = f"Why each item is above or below the slate's mean, {shares}"
    page = table(title, ["item", "title", "score", "why"], rows)
    listed = [one.to_dict() | {"title": titles.get(one.item)} for one in explained]
    return Outcome({"request": args.request, "items": listed}, page)


def truth_grid(args: argparse.Namespace) -> Outcome:
    """Compare naive, selected and ideal rankers in every shop of a grid.

    When it is stopped, it reports the shops that are done.
    """
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
    cells = reports.summarize_cells(sorted(done, key=lambda one: shops.index(one[0])))
    page = table(reports.TITLE, reports.COLUMNS, list(reports.rows(cells)), numbers=8)
    if len(done) < len(shops):
        note = f"{len(done)} of {len(shops)} shops; the same command continues from there."
        page = pages(page, line(note))
    counts = {"shops": len(shops), "done": len(done)}
    return Outcome(counts | reports.to_dict(grid, cells), page, status)


def personalization(args: argparse.Namespace) -> Outcome:
    """Measure in a simulated shop the value of user features, and of one ranker for all markets."""
    from dataclasses import replace

    from training.studies.truth import personalization as study

    _at_least_one(args, "days", "impressions")
    config = replace(study.SHOP, users=args.users, items=args.items, seed=args.seed)
    result = study.measure_personalization(config, days=args.days, impressions=args.impressions)
    columns = ["user's clicks", "requests", "with", "without", "gain", ""]
    market = ["smallest market", "requests", "pooled", "its own", "gain", ""]
    page = pages(
        table(
            "NDCG@10 by the shoppers' true preferences, over fresh requests; intervals draw users."
            f"\nThe {result.contender} ranker with and without the columns that know the user or "
            "the visit",
            columns,
            _comparison_rows(result.slices),
            numbers=5,
        ),
        table(
            "One ranker for all markets against one fitted on the market alone",
            market,
            _comparison_rows([result.market]),
            numbers=5,
        ),
    )
    return Outcome(result.to_dict(), page)


def next_purchase(args: argparse.Namespace) -> Outcome:
    """Rank what users buy next, and measure it."""
    from pipelines.pages import evaluation_page
    from training.studies.next_purchase import History, evaluate_next_purchase

    home = Settings.from_environment().home
    out = home.root / "build" / "next_purchase"
    evaluation = evaluate_next_purchase(History.of_log(home), out, trainings=args.trainings)
    return Outcome(evaluation, evaluation_page(evaluation))


_NO_RANKER = "There is no trained ranker in this home yet; run `aisle train`."


def _trained_ranker(home: Home) -> Path:
    folder = home.root / RANKER.path
    if not folder.exists():
        raise DatasetError(_NO_RANKER)
    return folder


def _at_least_one(args: argparse.Namespace, *names: str) -> None:
    for name in names:
        value = getattr(args, name)
        if value is not None and value < 1:
            raise SettingError(f"--{name}: expected at least 1, found {value}.")


def _comparison_rows(comparisons: Iterable[Any]) -> list[list[object]]:
    from training.metrics import without_nan

    return [
        [
            one.name,
            one.requests,
            f"{one.value:.4f}",
            f"{one.other:.4f}",
            interval_text(without_nan(vars(one.gain)), "+"),
            f"{100 * one.gain.value / one.other:+.1f} %",
        ]
        for one in comparisons
    ]


def _evaluation_page(evaluation: dict[str, Any]) -> Page:
    from training.evaluation import print_evaluation

    return lambda console: print_evaluation(evaluation, console)


def _variants(trained: dict[str, Any]) -> Page:
    """Show the value of each variant on the validation split, and the learned examination."""
    choice, outcomes = trained["choice"], trained["outcomes"]
    columns = list(next(iter(outcomes.values()), {}))
    rows: list[list[object]] = [
        [name, f"{value:.4f}", *(f"{outcomes[name][outcome]:.4f}" for outcome in columns)]
        for name, value in choice["values"].items()
    ]
    title = f"Variants on the {choice['judged_on']}, gains over examination; ndcg@10 by outcome"
    curve = " ".join(f"{probability:.2f}" for probability in trained["examination"]["all"])
    error = trained["calibration_error"]
    return pages(
        table(title, ["", "value", *columns], rows, numbers=1 + len(columns)),
        line(f"Chosen: {choice['contender']}; its probabilities are off by {error:.3f}."),
        line(f"Examination by position: {curve}"),
    )


def _published(report: dict[str, Any] | None) -> str:
    if report is None:
        return "Not published, as requested."
    if report["ranker"] is None:
        return f"Not published: {report['reason']}"
    return f"Published as {report['ranker']}: {report['reason']}"
