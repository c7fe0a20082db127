"""`aisle models`: the versions of rankers, what they came from, and which one is in use."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feature_repo.home import Home, SettingError, Settings
from pipelines.terminal import Outcome, Page, interval_text, line, pages, table

if TYPE_CHECKING:
    from training.artifacts import Version

_COUNTS = {"list": (0,), "show": (0, 1), "compare": (1, 2), "promote": (1,), "retire": (1,)}
"""How many versions follow an action."""

_SHOWN_METRICS = ("ndcg@10", "recall@10", "mrr", "revenue@10")


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
    from training.artifacts import list_versions, model_names, read_history

    names = model_names(home)
    versions = [one for name in names for one in list_versions(home, name)]
    rows: list[list[object]] = [
        [
            one.name,
            one.version,
            one.state,
            _interval(_card(one).get("metrics", {}).get("ndcg@10")),
            one.reason,
        ]
        for one in versions
    ]
    data = {
        "models": [_described(one) for one in versions],
        "history": {name: [vars(one) for one in read_history(home, name)] for name in names},
    }
    if not versions:
        return Outcome(data, line("No ranker is stored in this home; `aisle train` makes one."))
    columns = ["model", "version", "state", "ndcg@10 on its test", "reason"]
    return Outcome(data, table("", columns, rows))


def _show(args: argparse.Namespace, home: Home) -> Outcome:
    from training.artifacts import CURRENT, find_version, read_history, verify
    from training.evaluation import lineage, open_lineage
    from training.gate import VERDICT

    version = find_version(home, args.model, args.versions[0] if args.versions else CURRENT)
    verify(version.folder)
    chain = lineage(version.manifest, version.version)
    verdict = _read(version, VERDICT)
    data = _described(version) | {"card": _card(version), "verdict": verdict, "lineage": chain}
    if args.openlineage:
        changes = read_history(home, version.name)
        made = next((one for one in changes if one.version == version.version), None)
        events = [] if made is None else open_lineage(chain, made, home.project)
        return Outcome({"events": events}, pages(*(line(json.dumps(one)) for one in events)))
    rows: list[list[object]] = [
        [link["what"], link["id"] or "not recorded", link["detail"]] for link in chain
    ]
    parts = [
        line(f"{version.name} {version.version}, {version.state}"),
        line(version.reason or "No reason is recorded."),
    ]
    if args.lineage:
        parts.append(table("Made from", ["", "id", ""], rows))
    else:
        parts += [_metrics([version]), *([_guardrails(verdict)] if verdict else [])]
    return Outcome(data, pages(*parts))


def _compare(args: argparse.Namespace, home: Home) -> Outcome:
    from training.artifacts import CURRENT, find_version

    names = args.versions if len(args.versions) == 2 else [CURRENT, *args.versions]
    versions = [find_version(home, args.model, name) for name in names]
    parents = [one.manifest.parents.get("dataset_sha256") for one in versions]
    same = parents[0] is not None and parents[0] == parents[1]
    note = (
        "Both were measured on the same test rankings."
        if same
        else "They were measured on different rankings: the figures do not tell which is better."
    )
    columns = [set(one.manifest.columns) for one in versions]
    only = [sorted(columns[0] - columns[1]), sorted(columns[1] - columns[0])]
    data = {
        "versions": [_described(one) | {"metrics": _card(one).get("metrics")} for one in versions],
        "same_dataset": same,
        "columns_only": only,
    }
    features = [
        line(f"Only {one.version} reads: {', '.join(names)}")
        for one, names in zip(versions, only, strict=True)
        if names
    ]
    return Outcome(data, pages(_metrics(versions), line(note), *features))


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
    from training.artifacts import find_version, promote
    from training.evaluation import check_served

    version = find_version(home, args.model, args.versions[0])
    check_served(home, version.manifest)
    return _moved(promote(home, args.model, version.version, _reason(args)))


def _roll_back(args: argparse.Namespace, home: Home) -> Outcome:
    from training.artifacts import find_version, former_version, roll_back
    from training.evaluation import check_served

    former = former_version(home, args.model)
    if former is not None:
        check_served(home, find_version(home, args.model, former).manifest)
    return _moved(roll_back(home, args.model, _reason(args)))


def _retire(args: argparse.Namespace, home: Home) -> Outcome:
    from training.artifacts import retire

    return _moved(retire(home, args.model, args.versions[0], _reason(args)))


def _moved(version: "Version") -> Outcome:
    text = f"Ranker {version.name} {version.version} is now {version.state}."
    if version.state == "in use":
        text += "  A running service loads it within a second."
    return Outcome(_described(version), line(text))


def _reason(args: argparse.Namespace) -> str:
    if not args.reason:
        raise SettingError(
            f"aisle models {args.action}: expected --reason TEXT, one sentence for the history, "
            "found none."
        )
    return str(args.reason)


def _described(version: "Version") -> dict[str, Any]:
    return {
        "model": version.name,
        "version": version.version,
        "state": version.state,
        "reason": version.reason,
        "columns": len(version.manifest.columns),
    }


def _card(version: "Version") -> dict[str, Any]:
    """The model card of a version; empty for a ranker that was published without one."""
    return _read(version, "model_card.json")


def _read(version: "Version", file: str) -> dict[str, Any]:
    """Read a JSON file of a version; empty where it has none."""
    path: Path = version.folder / file
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return content


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


def _metrics(versions: "list[Version]") -> Page:
    metrics = [_card(one).get("metrics", {}) for one in versions]
    rows: list[list[object]] = [
        [name, *(_interval(one.get(name)) for one in metrics)] for name in _SHOWN_METRICS
    ]
    return table("On the test rankings of each", ["", *(one.version for one in versions)], rows)


def _interval(value: dict[str, float] | None) -> str:
    if value is None:
        return "not measured"
    return interval_text(value)
