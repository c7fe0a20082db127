"""`aisle experiment`: the report of an experiment, and how long one would run."""

import argparse
from pathlib import Path

from feature_repo.home import Clock, SettingError, Settings
from pipelines.terminal import Outcome


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare the options of both actions."""
    verb.add_argument("name", nargs="?", help="for report: of the experiment")
    verb.add_argument("--html", type=Path, metavar="FILE", help="for report: write it as a page")
    verb.add_argument(
        "--markdown", type=Path, metavar="FILE", help="for report: write it as Markdown"
    )
    verb.add_argument("--metric", default="click_rate", help="for plan: (%(default)s)")
    verb.add_argument(
        "--unit", choices=["user", "session"], default="user", help="for plan: (%(default)s)"
    )
    verb.add_argument(
        "--days", type=int, default=14, help="for plan: last days of the log (%(default)s)"
    )
    verb.add_argument(
        "--share", type=float, default=1.0, help="for plan: of the units that take part"
    )


def experiment(args: argparse.Namespace) -> Outcome:
    """Run one of the actions."""
    return {"report": _report, "plan": _plan}[args.action](args)


def _report(args: argparse.Namespace) -> Outcome:
    from pipelines.pages import experiment_html, experiment_markdown, experiment_page
    from training.experiment_analysis import experiment_report
    from training.experiments import EXPERIMENTS_FILE, Experiments

    settings = Settings.from_environment()
    home = settings.home
    if args.name is None:
        raise SettingError("aisle experiment report: expected the name of an experiment.")
    declared = Experiments.load(home.root / EXPERIMENTS_FILE).get(args.name)
    report = experiment_report(home, declared, Clock.of(settings).now())
    for path, render in ((args.html, experiment_html), (args.markdown, experiment_markdown)):
        if path is not None:
            path.write_text(render(report), encoding="utf-8")
    return Outcome(report, experiment_page(report))


def _plan(args: argparse.Namespace) -> Outcome:
    from pipelines.pages import plan_page
    from training.experiment_analysis import METRICS, experiment_plan

    settings = Settings.from_environment()
    if args.metric not in METRICS:
        raise SettingError(f"--metric: expected one of {', '.join(METRICS)}, found {args.metric}.")
    if args.days < 1 or not 0 < args.share <= 1:
        raise SettingError(
            f"expected --days of at least 1 and --share above 0 and up to 1, found {args.days} and "
            f"{args.share}."
        )
    plan = experiment_plan(
        settings.home,
        METRICS[args.metric],
        until=Clock.of(settings).now(),
        days=args.days,
        unit_kind=args.unit,
        share=args.share,
    )
    return Outcome(plan, plan_page(plan))
