"""The verbs of search: fit the candidate indexes, measure them, and query a running service."""

import argparse
import re
from dataclasses import asdict
from typing import Any

from feature_repo.home import Clock, SettingError, Settings
from pipelines.catalogue import PUBLISH_INDEXES
from pipelines.cli.evaluations import evaluation
from pipelines.declarations import DATASET, RANKER
from pipelines.terminal import Outcome, Page, interval_text, item_titles, line, pages, table

_NUMBER = r"\d+(?:\.\d+)?"
_RANGE = re.compile(rf"(?P<min>{_NUMBER})?\.\.(?P<max>{_NUMBER})?")


def index(_: argparse.Namespace) -> Outcome:
    """Fit and publish the indexes."""
    data = PUBLISH_INDEXES.run(Settings.from_environment().home)
    rows: list[list[object]] = [
        [kind, version, f"{data['seconds'][kind]:.2f}"]
        for kind, version in data["versions"].items()
    ]
    page = table(f"Indexes of {data['items']} items", ["kind", "version", "s"], rows, numbers=1)
    return Outcome(data, page)


def evaluate_retrieval(args: argparse.Namespace) -> Outcome:
    """Measure retrieval on judged queries; without any, on the home's own log."""
    home = Settings.from_environment().home
    if args.purchases:
        if args.folder is not None:
            raise SettingError(f"Expected --purchases or a folder, found both: {args.folder}.")
        from pipelines.pages import surfaces_page

        paths = (home.root / DATASET.path, home.root / RANKER.path)
        counts = args.trainings, args.refit_days
        surfaces = evaluation("purchases")(home, args.purchases, *paths, *counts)
        return Outcome(surfaces, surfaces_page(surfaces))
    for option, value in {"--trainings": args.trainings, "--refit-days": args.refit_days}.items():
        if value is not None:
            raise SettingError(f"{option}: expected it with --purchases.")
    if args.folder is None:
        recall = evaluation("retrieval")(home, args.days)
        return Outcome(recall, _recall_page(recall))
    from training.studies.retrieval import evaluate, print_evaluation

    data = evaluate(args.folder, evaluation("search")).to_dict()
    return Outcome(data, lambda console: print_evaluation(data, console))


def synonyms(args: argparse.Namespace) -> Outcome:
    """Propose synonyms from the log; none of them becomes active."""
    from training.query_understanding import SYNONYMS_FILE
    from training.studies.retrieval import propose_synonyms

    home = Settings.from_environment().home
    proposals = propose_synonyms(home)
    if args.out is not None:
        if args.out.resolve() == (home.root / SYNONYMS_FILE).resolve():
            raise SettingError(
                f"--out: expected another file than {SYNONYMS_FILE} of the home, which is active; "
                "copy from the proposals what is right."
            )
        args.out.write_text("\n".join(one.to_toml() for one in proposals), encoding="utf-8")
    rows: list[list[object]] = [
        [
            one.words,
            "each finds the other" if one.is_two_way else "finds",
            one.to,
            one.market,
            one.reformulations,
            one.shared_items,
            f"{one.similarity:.2f}",
        ]
        for one in proposals
    ]
    columns = ["words", "", "to", "market", "shoppers", "shared items", "similarity"]
    page = table(f"{len(rows)} proposals; copy what is right to {SYNONYMS_FILE}", columns, rows)
    return Outcome({"proposals": [asdict(one) for one in proposals]}, page)


def _recall_page(data: dict[str, Any]) -> Page:
    parts: list[Page] = []
    for surface, recall in data["surfaces"].items():
        union = recall["union"]
        title = (
            f"{surface}: recall@{data['depth']} of the relevant items since {data['cut']}, "
            f"{data['items']} items, {recall['rankings']} rankings"
        )
        rows: list[list[object]] = [
            [source, f"{share:.4f}", f"{recall['marginal'][source]:+.4f}"]
            for source, share in recall["alone"].items()
        ]
        rows.append(["all together", interval_text(union), ""])
        parts.append(table(title, ["source", "alone", "lost without it"], rows, numbers=2))
    return pages(*parts)


def search(args: argparse.Namespace) -> Outcome:
    """Have a running service answer a query."""
    from pipelines.service import AisleClient

    settings = Settings.from_environment()
    with AisleClient(args.url, key=settings.api_key) as client:
        answer = client.search(args.query, size=args.size, **_list_request(args))
    return Outcome(answer, _page(answer, settings))


def recommend(args: argparse.Namespace) -> Outcome:
    """Have a running service recommend items."""
    from pipelines.service import AisleClient

    settings = Settings.from_environment()
    with AisleClient(args.url, key=settings.api_key) as client:
        answer = client.recommend(
            args.surface, items=args.items, count=args.size, **_list_request(args)
        )
    return Outcome(answer, _page(answer, settings))


def user(args: argparse.Namespace) -> Outcome:
    """Show the features of a person, or erase them."""
    from pipelines.service import AisleClient

    with AisleClient(args.url, key=Settings.from_environment().api_key) as client:
        if args.action == "erase":
            erased = client.erase_user(args.id)
            stale = ", ".join(erased["stale_datasets"]) or "none"
            note = (
                f"Erased at {erased['erased_at']}.  The next `aisle refresh` removes the user from "
                f"the home, with these datasets: {stale}.  What stays:"
            )
            remains = [line(f"- {what}") for what in erased["remains"]]
            return Outcome(erased, pages(line(note), *remains))
        answer = client.user(args.id)
    rows: list[list[object]] = [[name, value] for name, value in answer["features"].items()]
    return Outcome(answer, table(f"{args.id} at {answer['at']}", ["feature", "value"], rows))


def read_filters(options: list[str]) -> dict[str, Any]:
    """Read the filters of the command line.

    >>> read_filters(["brand=Acme", "brand=Bolt", "price=10..", "size=M"])
    {'brand': ['Acme', 'Bolt'], 'price': {'min': 10.0}, 'size': ['M']}
    """
    filters: dict[str, Any] = {}
    for text in options:
        name, equals, value = text.partition("=")
        if not name or not equals or not value or isinstance(filters.get(name), dict):
            raise SettingError(
                f"--filter: expected FIELD=VALUE, one range a field, found {text!r}."
            )
        if match := _RANGE.fullmatch(value):
            filters[name] = {end: float(text) for end, text in match.groupdict().items() if text}
        else:
            filters.setdefault(name, []).append(value)
    return filters


def _list_request(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "user": args.user,
        "session": args.session,
        "market": args.market,
        "filters": read_filters(args.filters),
        "explain": args.explain,
    }


def _page(answer: dict[str, Any], settings: Settings) -> Page:
    """Return the page of an answer; titles are those of this home's log."""
    from feature_repo.events.log import EventLog
    from feature_repo.shop import Shop

    log, shop = EventLog(settings.home, Clock.of(settings)), Shop.load(settings.home.shop_toml)
    titles = item_titles(log, shop, [item["item"] for item in answer["items"]])
    explained = answer.get("trace") is not None
    columns = ["", "item", "title", *(["source"] if explained else []), "score"]
    rows: list[list[object]] = [
        [
            position,
            item["item"],
            item.get("title") or titles.get(item["item"], ""),
            *([_sources(item["sources"])] if explained else []),
            f"{item['score']:.4f}",
        ]
        for position, item in enumerate(answer["items"], 1)
    ]
    parts = [table("", columns, rows, numbers=1), *_notes(answer)]
    if explained:
        stages: list[list[object]] = [
            [stage["stage"], _detail(stage), f"{stage['took']:.2f}"] for stage in answer["trace"]
        ]
        parts.append(table("Stages", ["stage", "", "ms"], stages, numbers=1))
    return pages(*parts)


def _notes(answer: dict[str, Any]) -> list[Page]:
    understanding = ", ".join(f"{name} {value}" for name, value in answer["understood"].items())
    notes = {
        "Understood": understanding,
        "Relaxed so that there is something to show": ", ".join(answer["relaxed"]),
        "Left out": ", ".join(answer["degraded"]),
    }
    total = "" if answer["total"] is None else f"{answer['total']} matches, "
    model = f"{total}{answer['took']:.1f} ms, model {answer['model_version'] or 'none'}"
    return [*(line(f"{name}: {text}") for name, text in notes.items() if text), line(model)]


def _sources(sources: dict[str, Any]) -> str:
    return ", ".join(f"{name} #{rank}" for name, (rank, _) in sources.items())


def _detail(stage: dict[str, Any]) -> str:
    details = {name: value for name, value in stage.items() if name not in ("stage", "took")}
    return ", ".join(f"{name} {value}" for name, value in details.items())
