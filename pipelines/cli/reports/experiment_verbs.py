"""`aisle experiment`: reports, decisions and plans of experiments, and estimates from the log."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from feature_repo.home import Clock, SettingError, Settings, to_text
from pipelines.cli import evaluation
from pipelines.terminal import Outcome

Report = Mapping[str, Any]
Render = Callable[[Report], str]


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare the options of all actions."""
    verb.add_argument("name", nargs="?", help="for report and decide: of the experiment")
    verb.add_argument(
        "--as",
        dest="outcome",
        metavar="OUTCOME",
        help="for decide: stop, run (undo a decision), or the variant that everyone gets",
    )
    verb.add_argument("--reason", default="by hand", help="for decide: why, one sentence")
    verb.add_argument(
        "--policy", help="for offline: logging, uniform, the name of a ranker, or a file of rules"
    )
    verb.add_argument(
        "--html", type=Path, metavar="FILE", help="for report and offline: write it as a page"
    )
    verb.add_argument(
        "--markdown", type=Path, metavar="FILE", help="for report and offline: write it as Markdown"
    )
    verb.add_argument("--metric", default="click_rate", help="for plan: (%(default)s)")
    verb.add_argument(
        "--unit", choices=["user", "session"], default="user", help="for plan: (%(default)s)"
    )
    verb.add_argument(
        "--days",
        type=int,
        default=14,
        help="for plan and offline: last days of the log (%(default)s)",
    )
    verb.add_argument(
        "--share", type=float, default=1.0, help="for plan: of the units that take part"
    )


def experiment(args: argparse.Namespace) -> Outcome:
    """Run one of the actions."""
    actions = {"report": _report, "plan": _plan, "decide": _decide, "offline": _offline}
    return actions[args.action](args)


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
    _write(args, report, experiment_html, experiment_markdown)
    return Outcome(report, experiment_page(report))


def _decide(args: argparse.Namespace) -> Outcome:
    from pipelines.terminal import line
    from training.experiments import EXPERIMENTS_FILE, Decision, Experiments, write_decisions

    settings = Settings.from_environment()
    if args.name is None or args.outcome is None:
        raise SettingError("aisle experiment decide: expected NAME --as stop, run or a variant.")
    declared = Experiments.load(settings.home.root / EXPERIMENTS_FILE).get(args.name)
    variants = [variant.name for variant in declared.variants]
    if args.outcome not in ("stop", "run", *variants):
        expected = ", ".join(["stop", "run", *variants])
        raise SettingError(f"--as: expected one of {expected}, found {args.outcome!r}.")
    at, decision = to_text(Clock.of(settings).now()), None
    if args.outcome == "stop":
        decision = Decision("stop", args.reason, at)
    elif args.outcome != "run":
        decision = Decision("ship", args.reason, at, args.outcome)
    write_decisions(settings.home, {args.name: decision})
    data = {"experiment": args.name, "outcome": args.outcome, "reason": args.reason, "at": at}
    return Outcome(data, line(f"{args.name}: {args.outcome}. The service follows in a second."))


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


def _offline(args: argparse.Namespace) -> Outcome:
    from pipelines.pages import off_policy_html, off_policy_markdown, off_policy_page

    settings = Settings.from_environment()
    if args.policy is None or args.days < 1:
        raise SettingError(
            "aisle experiment offline: expected --policy logging, uniform, the name of a ranker or "
            "a file of rules, and --days of at least 1."
        )
    until = Clock.of(settings).now()
    report = evaluation("policy")(settings.home, args.policy, until=until, days=args.days)
    _write(args, report, off_policy_html, off_policy_markdown)
    return Outcome(report, off_policy_page(report))


def _write(args: argparse.Namespace, report: Report, html: Render, markdown: Render) -> None:
    """Write a report into the files that the command line names."""
    for path, render in ((args.html, html), (args.markdown, markdown)):
        if path is not None:
            path.write_text(render(report), encoding="utf-8")
