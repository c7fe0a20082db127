"""The command line: one declaration of each verb.

`aisle --help` must be fast, so nothing heavy is imported here: the options of a verb are declared
when a command line names it, and its function is imported when it runs.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from pipelines.cli import search_options, training_options
from pipelines.declarations import FULL, SINCE, UNTIL
from pipelines.terminal import add_parameters


class Verb(NamedTuple):
    """One verb of the command line.

    Attributes:
        help: one line for `aisle --help`.
        run: its function, `module:name` in `pipelines.cli`.
        options: declares its arguments, besides `--json`.
        actions: the words of which one follows the verb; without one it prints its help.
    """

    help: str
    run: str
    options: Callable[[argparse.ArgumentParser], None] = lambda _: None
    actions: tuple[str, ...] = ()


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse a command line, by default this process's.

    Only the options of the verbs that it names are declared: a parser of all takes longer to build.
    """
    root = argparse.ArgumentParser(
        prog="aisle",
        description="Personalized search and recommendations for shops, built round a feature "
        "store.  State is in AISLE_HOME (default .aisle/ in the checkout).",
    )
    verbs = root.add_subparsers(required=True, metavar="VERB")
    words = sys.argv[1:] if argv is None else argv
    for name, verb in VERBS.items():
        description = verb.help[0].upper() + verb.help[1:] + "."
        parser = verbs.add_parser(name, help=verb.help, description=description)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.set_defaults(run=verb.run)
        if name in words:
            if verb.actions:
                parser.add_argument("action", choices=verb.actions)
            verb.options(parser)
            if verb.actions and words[-1] == name:
                parser.print_help()
                sys.exit()
    args, further = root.parse_known_args(words)
    items = getattr(args, "items", None)
    if further and (items is None or any(word.startswith("-") for word in further)):
        root.error(f"unrecognized arguments: {' '.join(further)}")
    if further:  # Items after an option: `recommend similar --user 42 ITEM`.
        args.items = [*args.items, *further]
    return args


def _options_of(module: str) -> Callable[[argparse.ArgumentParser], None]:
    """Return a call of `add_options` of a module in this room, which is imported by the call."""
    return lambda verb: import_module(f"pipelines.cli.{module}").add_options(verb)


def _demo(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--events", type=Path, metavar="PATH", help="a shop's own events")
    verb.add_argument(
        "--users",
        type=int,
        default=400,
        metavar="N",
        help="shoppers of the simulated shop (%(default)s)",
    )
    verb.add_argument("--once", action="store_true", help="stop everything at the end")
    verb.add_argument("--port", type=int, help="port of the service (3000, or a free one)")
    _wait(verb)


def _validate(verb: argparse.ArgumentParser) -> None:
    _paths(verb, number="*")


def _paths(verb: argparse.ArgumentParser, number: str = "+") -> None:
    verb.add_argument(
        "paths",
        type=Path,
        nargs=number,
        metavar="PATH",
        help="JSON lines (.jsonl, .jsonl.gz), Parquet, or a folder of them",
    )
    verb.add_argument(
        "--mapping",
        type=Path,
        metavar="FILE",
        help="read tables of transactions (Parquet, .csv) by this mapping: docs/transactions.md",
    )


def _init(verb: argparse.ArgumentParser) -> None:
    _paths(verb)
    verb.add_argument("--out", type=Path, help="where to write it (shop.toml of the home)")
    verb.add_argument("--force", action="store_true", help="replace the file if it exists")


def _ingest(verb: argparse.ArgumentParser) -> None:
    _paths(verb)
    late = verb.add_mutually_exclusive_group()
    late.add_argument(
        "--backfill",
        dest="mode",
        action="store_const",
        const="backfill",
        help="events older than the last seal keep their times; everything is rebuilt",
    )
    late.add_argument(
        "--late",
        dest="mode",
        action="store_const",
        const="late",
        help="events older than the last seal count as received now",
    )
    verb.set_defaults(mode="refuse")


def _materialize(verb: argparse.ArgumentParser) -> None:
    add_parameters(verb, (FULL,))


def _refresh(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--every", metavar="PERIOD", help="repeat with this period, such as 10m")
    verb.add_argument(
        "--wait", action="store_true", help="wait while the home is in use, instead of failing"
    )


def _serve(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--host", default="127.0.0.1", help="address (%(default)s)")
    verb.add_argument("--port", type=int, default=3000, help="port (%(default)s)")
    verb.add_argument("--workers", type=int, help="processes (AISLE_WORKERS, else 1)")
    _wait(verb)


def _monitor(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--out", type=Path, metavar="FOLDER", help="write rules and dashboards here")


def _wait(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--wait", type=float, metavar="SECONDS", help="limit of the service's start (90)"
    )


def _rank(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("items", nargs="+", metavar="ITEM", help="ids of the candidates")
    verb.add_argument("--user", help="the shopper's id")
    verb.add_argument("--session", help="the session's id")
    verb.add_argument("--query", help="the search text")
    verb.add_argument("--market", help="the market")
    verb.add_argument("--model", default="default", help="name of the ranker (%(default)s)")
    verb.add_argument("--url", default=search_options.URL, help="the service (%(default)s)")


def _user(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("id", help="the person's id")
    verb.add_argument("--url", default=search_options.URL, help="the service (%(default)s)")


def _features(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("subject", nargs="?", help="for show: user:42, item:7, query:shoes, arm:…")
    verb.add_argument("--at", metavar="TIME", help="for show: instant of offline features (now)")
    verb.add_argument("--out", type=Path, help="for docs: file to write (standard output)")


def _verify(verb: argparse.ArgumentParser) -> None:
    add_parameters(verb, (SINCE, UNTIL))


def _gc(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--dry-run", action="store_true", help="list it, and remove nothing")


VERBS = {
    "demo": Verb("go from raw events to personalized rankings over HTTP", "verbs:demo", _demo),
    "init": Verb(
        "infer shop.toml, a shop's own fields, from its events", "event_verbs:init", _init
    ),
    "simulate": Verb(
        "write the events of a simulated shop",
        "event_verbs:simulate",
        _options_of("simulate_options"),
    ),
    "validate": Verb(
        "check events as ingest would; without a path, the data contracts of the home",
        "event_verbs:validate",
        _validate,
    ),
    "ingest": Verb("add events to the log", "event_verbs:ingest", _ingest),
    "quarantine": Verb(
        "show, replay or remove quarantined lines, and set logged events aside",
        "quarantine_verbs:quarantine",
        _options_of("quarantine_verbs"),
        actions=("list", "show", "replay", "prune", "add", "remove"),
    ),
    "transform": Verb("compute the feature rows from the log", "feature_verbs:transform"),
    "materialize": Verb(
        "apply the catalogue and load Redis", "feature_verbs:materialize", _materialize
    ),
    "refresh": Verb(
        "compact, transform, materialize and index new events", "feature_verbs:refresh", _refresh
    ),
    "train": Verb(
        "build a dataset, train and evaluate a ranker, and publish it if it is better",
        "training_verbs:train",
        training_options.train,
    ),
    "evaluate": Verb(
        "measure the last ranker and baselines on test",
        "training_verbs:evaluate",
        training_options.evaluate,
    ),
    "explain": Verb(
        "explain why the ranker puts a slate in its order",
        "training_verbs:explain",
        training_options.explain,
    ),
    "truth-grid": Verb(
        "compare rankers with the truth of simulated shops",
        "training_verbs:truth_grid",
        training_options.truth_grid,
    ),
    "personalization": Verb(
        "measure the value of user features in a simulated shop",
        "training_verbs:personalization",
        training_options.personalization,
    ),
    "next-purchase": Verb(
        "rank what users buy next, and measure it against baselines",
        "training_verbs:next_purchase",
        training_options.trainings,
    ),
    "index": Verb(
        "fit and publish the candidate indexes, as of the last refresh", "search_verbs:index"
    ),
    "evaluate-retrieval": Verb(
        "measure retrieval on judged queries, or on the last days of the log",
        "search_verbs:evaluate_retrieval",
        search_options.evaluate_retrieval,
    ),
    "synonyms": Verb(
        "propose synonyms from reformulated queries and common clicks",
        "search_verbs:synonyms",
        search_options.synonyms,
    ),
    "models": Verb(
        "list, show and compare the versions of rankers, and choose the one in use",
        "model_verbs:models",
        _options_of("model_verbs"),
        actions=("list", "show", "compare", "promote", "rollback", "retire", "shadow"),
    ),
    "serve": Verb("answer over HTTP until Ctrl-C", "verbs:serve", _serve),
    "console": Verb(
        "show the home and its service as pages for a browser, until Ctrl-C",
        "console_verb:console",
        _options_of("console_verb"),
    ),
    "rank": Verb("have a running service put items in order", "verbs:rank", _rank),
    "search": Verb(
        "have a running service answer a query", "search_verbs:search", search_options.search
    ),
    "recommend": Verb(
        "have a running service recommend items", "search_verbs:recommend", search_options.recommend
    ),
    "user": Verb(
        "have a running service show a person's features, or erase them",
        "search_verbs:user",
        _user,
        actions=("show", "erase"),
    ),
    "key": Verb(
        "create, list or revoke keys of the HTTP service",
        "key_verbs:key",
        _options_of("key_verbs"),
        actions=("create", "list", "revoke"),
    ),
    "features": Verb(
        "describe all features, or show the features of one entity",
        "feature_verbs:features",
        _features,
        actions=("docs", "show"),
    ),
    "verify": Verb(
        "compare logged vectors with what training computes", "feature_verbs:verify", _verify
    ),
    "clock": Verb("print now, by the clock of this home", "verbs:clock"),
    "redis": Verb(
        "start, stop or describe the home's Redis server, or print its URL",
        "verbs:redis",
        actions=("start", "stop", "status", "url"),
    ),
    "monitor": Verb(
        "measure the quality of data and answers, or write alert rules and dashboards",
        "verbs:monitor",
        _monitor,
    ),
    "gc": Verb(
        "remove old runs, datasets, quarantined lines and artifacts that are not in use",
        "verbs:gc",
        _gc,
    ),
    "step": Verb(
        "run one step of a pipeline", "runs.step_verbs:step", _options_of("runs.step_verbs")
    ),
    "pipeline": Verb(
        "list, run, compile or submit the pipelines, and show their runs",
        "runs.pipeline_verbs:pipeline",
        _options_of("runs.pipeline_verbs"),
        actions=("list", "run", "compile", "submit", "status"),
    ),
    "experiment": Verb(
        "report, decide or plan an experiment, or estimate a policy from the log (offline)",
        "reports.experiment_verbs:experiment",
        _options_of("reports.experiment_verbs"),
        actions=("report", "plan", "decide", "offline"),
    ),
    "bandit": Verb(
        "list the bandits, show what one has learned, or study them on simulated shoppers",
        "reports.bandit_verbs:bandit",
        _options_of("reports.bandit_verbs"),
        actions=("list", "show", "study"),
    ),
    "report": Verb(
        "report a day of the shop: key figures, queries, coverage and freshness",
        "reports.day_verbs:report",
        _options_of("reports.day_verbs"),
        actions=("day",),
    ),
    "doctor": Verb("find what is wrong with this home, and its cure", "verbs:doctor"),
}
