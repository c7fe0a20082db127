"""`aisle models`: the versions of rankers, what they came from, and which one is in use."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from feature_repo.home import Home, SettingError, Settings
from pipelines.terminal import Outcome, Page, interval_text, line, pages, table

if TYPE_CHECKING:
    from training.artifacts import Version

_COUNTS = {"list": (0,), "show": (0, 1), "compare": (1, 2), "promote": (1,), "retire": (1,)}
"""How many versions follow an action."""


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    verb.add_argument(
        "versions",
        nargs="*",
        metavar="VERSION",
        help="of `list`, or an unambiguous part of one; `current` is the one in use",
    )
    verb.add_argument("--model", default="default", help="name of the ranker (%(default)s)")
    verb.add_argument("--reason", help="why, one sentence; the history keeps it")
    verb.add_argument("--lineage", action="store_true", help="for show: what it was made from")
    verb.add_argument(
        "--openlineage", action="store_true", help="for show: that as run events, a line each"
    )


def models(args: argparse.Namespace) -> Outcome:
    """Run one of the actions."""
    expected = _COUNTS.get(args.action, (0,))
    if len(args.versions) not in expected:
        raise SettingError(
            f"aisle models {args.action}: expected {' or '.join(map(str, expected))} versions, "
            f"found {len(args.versions)}."
        )
    action = {
        "list": _list,
        "show": _show,
        "compare": _compare,
        "promote": _promote,
        "rollback": _roll_back,
        "retire": _retire,
        "shadow": _shadow,
    }[args.action]
    return action(args, Settings.from_environment().home)


def _list(_: argparse.Namespace, home: Home) -> Outcome:
    from pipelines.inspection import list_models

    data = list_models(home)
    if not data["models"]:
        return Outcome(data, line("No ranker is stored in this home; `aisle train` makes one."))
    rows: list[list[object]] = [
        [
            one["model"],
            one["version"],
            one["state"],
            _interval(one["metrics"].get("ndcg@10")),
            one["reason"],
        ]
        for one in data["models"]
    ]
    columns = ["model", "version", "state", "ndcg@10 on its test", "reason"]
    return Outcome(data, table("", columns, rows))


def _show(args: argparse.Namespace, home: Home) -> Outcome:
    from pipelines.inspection import show_model
    from training.artifacts import CURRENT

    data = show_model(home, args.model, args.versions[0] if args.versions else CURRENT)
    if args.openlineage:
        return _open_lineage(data, home)
    rows: list[list[object]] = [
        [link["what"], link["id"] or "not recorded", link["detail"]] for link in data["lineage"]
    ]
    parts = [
        line(f"{data['model']} {data['version']}, {data['state']}"),
        line(data["reason"] or "No reason is recorded."),
    ]
    if args.lineage:
        parts.append(table("Made from", ["", "id", ""], rows))
    else:
        verdict = data["verdict"]
        parts += [_metrics([data]), *([_guardrails(verdict)] if verdict else [])]
    return Outcome(data, pages(*parts))


def _open_lineage(data: dict[str, Any], home: Home) -> Outcome:
    from training.artifacts import read_history
    from training.evaluation import open_lineage

    changes = read_history(home, data["model"])
    made = next((one for one in changes if one.version == data["version"]), None)
    events = [] if made is None else open_lineage(data["lineage"], made, home.project)
    return Outcome({"events": events}, pages(*(line(json.dumps(one)) for one in events)))


def _compare(args: argparse.Namespace, home: Home) -> Outcome:
    from pipelines.inspection import compare_models
    from training.artifacts import CURRENT

    first, second = args.versions if len(args.versions) == 2 else [CURRENT, *args.versions]
    data = compare_models(home, args.model, (first, second))
    features = [
        line(f"Only {one['version']} reads: {', '.join(names)}")
        for one, names in zip(data["versions"], data["columns_only"], strict=True)
        if names
    ]
    note = line(data["note"])
    return Outcome(data, pages(_metrics(data["versions"]), note, *features))


def _shadow(_: argparse.Namespace, home: Home) -> Outcome:
    from training.artifacts import CURRENT, SHADOW_MODEL, find_version
    from training.evaluation import compare_shadow

    report = compare_shadow(home, find_version(home, SHADOW_MODEL, CURRENT).version)
    data = report.to_dict()
    difference = data["difference"]
    rows: list[list[object]] = [
        ["answers with scores of both", report.answers],
        ["same first item", f"{report.same_first:.1%}"],
        ["same items among the first ten", f"{report.same_top:.1%}"],
        ["answers with a click", report.clicked],
        [
            "ndcg@10 of clicks, shadow − shown",
            interval_text(difference, "+") if difference else "none yet",
        ],
    ]
    title = f"{report.version} in the shadow"
    return Outcome(data, pages(table(title, ["", ""], rows), line(report.sentence)))


def _promote(args: argparse.Namespace, home: Home) -> Outcome:
    from pipelines.operation import put_in_use

    return _moved(put_in_use(home, args.model, args.versions[0], _reason(args)))


def _roll_back(args: argparse.Namespace, home: Home) -> Outcome:
    from pipelines.operation import roll_back

    return _moved(roll_back(home, args.model, _reason(args)))


def _retire(args: argparse.Namespace, home: Home) -> Outcome:
    from pipelines.operation import retire

    return _moved(retire(home, args.model, args.versions[0], _reason(args)))


def _moved(version: "Version") -> Outcome:
    from pipelines.inspection import describe_model

    text = f"Ranker {version.name} {version.version} is now {version.state}."
    if version.state == "in use":
        text += "  A running service loads it within a second."
    return Outcome(describe_model(version), line(text))


def _reason(args: argparse.Namespace) -> str:
    if not args.reason:
        raise SettingError(
            f"aisle models {args.action}: expected --reason TEXT, one sentence for the history, "
            "found none."
        )
    return str(args.reason)


def _guardrails(verdict: dict[str, Any]) -> Page:
    """Show the verdict of the gate: each guardrail with outcome, figure and limit."""
    from training.gate import in_digits

    columns = ["guardrail", "outcome", "figure", "limit", ""]
    rows: list[list[object]] = [
        [
            one["guardrail"],
            one["outcome"],
            in_digits(one["figure"]),
            in_digits(one["limit"]),
            one["reason"],
        ]
        for one in verdict["guardrails"]
    ]
    return table(f"Verdict of the gate: {verdict['decision']}", columns, rows)


def _metrics(versions: list[dict[str, Any]]) -> Page:
    from pipelines.inspection import SHOWN_METRICS

    rows: list[list[object]] = [
        [name, *(_interval(one["metrics"].get(name)) for one in versions)] for name in SHOWN_METRICS
    ]
    title = "On the test rankings of each"
    return table(title, ["", *(one["version"] for one in versions)], rows)


def _interval(value: dict[str, float] | None) -> str:
    if value is None:
        return "not measured"
    return interval_text(value)
