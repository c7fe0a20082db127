"""What the verbs of search do: fit the indices, measure them, ask for pages."""

import argparse
import json
import re
import subprocess
import sys
from typing import Any

from feature_repo.home import CHECKOUT, DatasetError, SettingError, Settings
from pipelines.steps import PUBLISH_INDICES
from pipelines.terminal import Outcome, Page, line, pages, table

_NUMBER = r"\d+(?:\.\d+)?"
_RANGE = re.compile(rf"(?P<min>{_NUMBER})?\.\.(?P<max>{_NUMBER})?")


def index(_: argparse.Namespace) -> Outcome:
    """Fit and publish the indices."""
    data = PUBLISH_INDICES.run(Settings.from_environment().home)
    rows: list[list[object]] = [
        [kind, version, f"{data['seconds'][kind]:.2f}"]
        for kind, version in data["versions"].items()
    ]
    page = table(f"Indices of {data['items']} items", ["kind", "version", "s"], rows, numbers=1)
    return Outcome(data, page)


def evaluate_retrieval(args: argparse.Namespace) -> Outcome:
    """Measure retrieval on judged queries; without any, on the home's own log."""
    if args.purchases:
        if args.folder is not None:
            raise SettingError(f"Expected --purchases or a folder, found both: {args.folder}.")
        from pipelines.cli.next_purchase_page import surfaces_page

        found = _measured("purchase_evaluation", args.purchases)
        return Outcome(found, surfaces_page(found))
    if args.folder is None:
        return _recalled(_measured("retrieval_evaluation", str(args.days)))
    from training.studies.retrieval import evaluate, print_evaluation

    data = evaluate(args.folder).to_dict()
    return Outcome(data, lambda console: print_evaluation(data, console))


def _measured(module: str, argument: str) -> dict[str, Any]:
    """What the service's own sources find, measured in a process of the service's code."""
    run = subprocess.run(
        [sys.executable, "-m", f"serving.{module}", argument],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise DatasetError(run.stderr.strip().splitlines()[-1] if run.stderr else "no answer")
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def _recalled(data: dict[str, Any]) -> Outcome:
    parts: list[Page] = []
    for surface, found in data["surfaces"].items():
        union = found["union"]
        title = (
            f"{surface}: recall@{data['depth']} of what was wanted since {data['cut']}, "
            f"{data['items']} items, {found['rankings']} rankings"
        )
        rows: list[list[object]] = [
            [source, f"{share:.4f}", f"{found['marginal'][source]:+.4f}"]
            for source, share in found["alone"].items()
        ]
        interval = f"{union['value']:.4f} [{union['low']:.4f}, {union['high']:.4f}]"
        rows.append(["all together", interval, ""])
        parts.append(table(title, ["source", "alone", "lost without it"], rows, numbers=2))
    return Outcome(data, pages(*parts))


def search(args: argparse.Namespace) -> Outcome:
    """Ask a running service for a query."""
    from pipelines.service import AisleClient

    with AisleClient(args.url, key=Settings.from_environment().api_key) as client:
        answer = client.search(args.query, size=args.size, **_asked(args))
    return Outcome(answer, _page(answer))


def recommend(args: argparse.Namespace) -> Outcome:
    """Ask a running service what to recommend."""
    from pipelines.service import AisleClient

    with AisleClient(args.url, key=Settings.from_environment().api_key) as client:
        answer = client.recommend(args.surface, items=args.items, count=args.size, **_asked(args))
    return Outcome(answer, _page(answer))


def user(args: argparse.Namespace) -> Outcome:
    """Tell what is known of a person, or forget them."""
    from pipelines.service import AisleClient

    with AisleClient(args.url, key=Settings.from_environment().api_key) as client:
        if args.action == "erase":
            erased = client.erase_user(args.id)
            stale = ", ".join(erased["stale_datasets"]) or "none"
            said = f"Forgotten at {erased['erased_at']}.  Datasets to build again: {stale}."
            return Outcome(erased, line(said))
        answer = client.user(args.id)
    rows: list[list[object]] = [[name, value] for name, value in answer["features"].items()]
    return Outcome(answer, table(f"{args.id} at {answer['at']}", ["feature", "value"], rows))


def read_filters(given: list[str]) -> dict[str, Any]:
    """Filters of the command line.

    >>> read_filters(["brand=Acme", "brand=Bolt", "price=10..", "size=M"])
    {'brand': ['Acme', 'Bolt'], 'price': {'min': 10.0}, 'size': ['M']}
    """
    filters: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or not value or isinstance(filters.get(name), dict):
            raise SettingError(
                f"--filter: expected FIELD=VALUE, one range a field, found {text!r}."
            )
        if found := _RANGE.fullmatch(value):
            filters[name] = {end: float(told) for end, told in found.groupdict().items() if told}
        else:
            filters.setdefault(name, []).append(value)
    return filters


def _asked(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "user": args.user,
        "session": args.session,
        "market": args.market,
        "filters": read_filters(args.filters),
        "explain": args.explain,
    }


def _page(answer: dict[str, Any]) -> Page:
    explained = answer.get("trace") is not None
    columns = ["", "item", *(["title", "found by"] if explained else []), "score"]
    rows: list[list[object]] = [
        [
            place,
            item["item"],
            *([item.get("title", ""), _sources(item["sources"])] if explained else []),
            f"{item['score']:.4f}",
        ]
        for place, item in enumerate(answer["items"], 1)
    ]
    parts = [table("", columns, rows, numbers=1), *_notes(answer)]
    if explained:
        stages: list[list[object]] = [
            [told["stage"], _detail(told), f"{told['took']:.2f}"] for told in answer["trace"]
        ]
        parts.append(table("Stages", ["stage", "", "ms"], stages, numbers=1))
    return pages(*parts)


def _notes(answer: dict[str, Any]) -> list[Page]:
    understood = ", ".join(f"{name} {value}" for name, value in answer["understood"].items())
    told = {
        "Understood": understood,
        "Given up so that there is something to show": ", ".join(answer["relaxed"]),
        "Left out": ", ".join(answer["degraded"]),
    }
    found = "" if answer["total"] is None else f"{answer['total']} found, "
    model = f"{found}{answer['took']:.1f} ms, model {answer['model_version'] or 'none'}"
    return [*(line(f"{name}: {text}") for name, text in told.items() if text), line(model)]


def _sources(sources: dict[str, Any]) -> str:
    return ", ".join(f"{name} #{rank}" for name, (rank, _) in sources.items())


def _detail(told: dict[str, Any]) -> str:
    rest = {name: value for name, value in told.items() if name not in ("stage", "took")}
    return ", ".join(f"{name} {value}" for name, value in rest.items())
