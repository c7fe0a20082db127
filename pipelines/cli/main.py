"""`aisle`: every step of the platform, from a terminal.

The parser is built without importing anything heavy, so that `--help` answers at once; a verb
imports what it needs when it runs.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from feature_repo.home import AisleError
from pipelines.terminal import INTERRUPTED, TERMINATED, Outcome, show

Run = Callable[[argparse.Namespace], Outcome]
Verb = Callable[["argparse._SubParsersAction[argparse.ArgumentParser]"], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit status: 0 done, 1 refused or failed, 2 wrong usage."""
    args = parser().parse_args(argv)
    # What was started is stopped on the way out, so a termination must take that way too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    run: Run = args.run
    try:
        outcome = run(args)
        show(outcome, args.json)
    except AisleError as error:
        sys.stderr.write(f"aisle: {error}\n")
        if args.json:
            show(Outcome({"error": {"type": type(error).__name__, "message": str(error)}}), True)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return outcome.status


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = argparse.ArgumentParser(
        prog="aisle",
        description="Personalized search and recommendations for shops, built round a feature "
        "store.  State lies in AISLE_HOME (default .aisle/ in the checkout).",
    )
    verbs = root.add_subparsers(required=True, metavar="VERB")
    for add in (
        _demo, _init, _simulate, _validate, _ingest, _transform, _materialize, _refresh,
        _train, _evaluate, _explain, _truth_grid, _personalization, _next_purchase, _index,
        _evaluate_retrieval, _serve, _rank, _search, _recommend, _user, _key, _features, _verify,
        _clock, _redis, _pipeline, _doctor,
    ):  # fmt: skip
        add(verbs)
    return root


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, help_: str, run: str
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=help_, description=help_[0].upper() + help_[1:] + ".")
    verb.add_argument("--json", action="store_true", help="print one JSON object")
    verb.set_defaults(run=_later(run))
    return verb


def _later(name: str) -> Run:
    """A function of `pipelines.cli.verbs`, or `module:name`, imported when it is called."""
    module, _, function_name = name.rpartition(":")

    def run(args: argparse.Namespace) -> Outcome:
        from importlib import import_module

        function: Run = getattr(import_module(f"pipelines.cli.{module or 'verbs'}"), function_name)
        return function(args)

    return run


def _paths(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH",
        help="JSON lines (.jsonl, .jsonl.gz), Parquet, or a folder of them",
    )  # fmt: skip
    verb.add_argument(
        "--mapping", type=Path, metavar="FILE",
        help="read tables of transactions (Parquet, .csv) by this mapping: docs/transactions.md",
    )  # fmt: skip


def _demo(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = _verb(verbs, "demo", "go from raw events to personalized rankings over HTTP", "demo")
    verb.add_argument("--events", type=Path, metavar="PATH", help="a shop's own events")
    verb.add_argument("--once", action="store_true", help="stop everything at the end")
    verb.add_argument("--port", type=int, help="port of the service (3000, or a free one)")


def _init(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "infer shop.toml, a shop's own fields, from its events"
    verb = _verb(verbs, "init", help_, "event_verbs:init")
    _paths(verb)
    verb.add_argument("--out", type=Path, help="where to write it (shop.toml of the home)")
    verb.add_argument("--force", action="store_true", help="replace the file when it is there")


def _simulate(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from pipelines.cli.simulate_options import add_options

    verb = _verb(verbs, "simulate", "make the events of a simulated shop", "event_verbs:simulate")
    add_options(verb)


def _validate(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "check events as ingest would, and write nothing"
    verb = _verb(verbs, "validate", help_, "event_verbs:validate")
    _paths(verb)


def _ingest(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = _verb(verbs, "ingest", "take events into the log", "event_verbs:ingest")
    _paths(verb)
    late = verb.add_mutually_exclusive_group()
    late.add_argument(
        "--backfill", dest="mode", action="store_const", const="backfill",
        help="events older than the last seal keep their times; everything is rebuilt",
    )  # fmt: skip
    late.add_argument(
        "--late", dest="mode", action="store_const", const="late",
        help="events older than the last seal count as received now",
    )  # fmt: skip
    verb.set_defaults(mode="refuse")


def _transform(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    _verb(verbs, "transform", "compute the feature rows from the log", "feature_verbs:transform")


def _materialize(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "apply the catalogue and load Redis"
    verb = _verb(verbs, "materialize", help_, "feature_verbs:materialize")
    verb.add_argument("--full", action="store_true", help="load from the log's first day")


def _refresh(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "compact, transform, materialize and index what is new"
    verb = _verb(verbs, "refresh", help_, "feature_verbs:refresh")
    verb.add_argument("--every", metavar="PERIOD", help="again and again, such as 10m")


def _train(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "dataset, ranker, evaluation, and publish what won"
    verb = _verb(verbs, "train", help_, "training_verbs:train")
    verb.add_argument("--no-publish", action="store_true", help="leave the current ranker in use")
    verb.add_argument("--gains", help="worth of each outcome (click=1,add_to_cart=3,purchase=6)")
    verb.add_argument(
        "--horizon-days", type=float, metavar="DAYS",
        help="outcomes count for so long, and younger rankings not at all (for ever)",
    )  # fmt: skip
    verb.add_argument("--search", type=int, default=0, metavar="N", help="try N configurations")
    verb.add_argument(
        "--search-seconds", type=float, metavar="S", help="begin none after so long (no limit)"
    )


def _evaluate(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "measure the last ranker and baselines on test"
    verb = _verb(verbs, "evaluate", help_, "training_verbs:evaluate")
    verb.add_argument("--html", type=Path, help="also write the report to this file")
    verb.add_argument(
        "--metric", action="append", default=[], metavar="NAME",
        help="measure this too, such as ndcg@5, map, revenue@20; may be given again",
    )  # fmt: skip
    verb.add_argument(
        "--ablation", action="store_true", help="fit again without each family of features"
    )
    verb.add_argument(
        "--learning-curve", action="store_true", help="fit again on a growing share of the data"
    )
    verb.add_argument(
        "--beside", type=Path, metavar="FOLDER",
        help="compare with the ranker kept there, on the same slates",
    )  # fmt: skip
    verb.add_argument("--card", action="store_true", help="print the model card, nothing else")


def _explain(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "say why the ranker puts a slate in its order"
    verb = _verb(verbs, "explain", help_, "training_verbs:explain")
    verb.add_argument("request", help="id of a ranking in the last dataset, or recorded in the log")
    verb.add_argument("--approximate", action="store_true", help="as fast as answers on line")
    verb.add_argument("--top", type=int, default=3, help="features named an item (%(default)s)")


def _truth_grid(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "hold rankers against the truth of simulated shops"
    verb = _verb(verbs, "truth-grid", help_, "training_verbs:truth_grid")
    verb.add_argument("--grid", type=Path, help="TOML file (truth_grid.toml)")
    verb.add_argument("--seeds", type=int, help="how many of its seeds (all)")
    verb.add_argument("--workers", type=int, help="shops run at once (one a core)")


def _personalization(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "measure in a simulated shop what knowing the user is worth"
    verb = _verb(verbs, "personalization", help_, "training_verbs:personalization")
    verb.add_argument("--users", type=int, default=4000, help="(%(default)s)")
    verb.add_argument("--items", type=int, default=900, help="(%(default)s)")
    verb.add_argument("--days", type=int, default=28, help="of the log (%(default)s)")
    verb.add_argument("--impressions", type=int, default=200_000, help="(%(default)s)")
    verb.add_argument("--seed", type=int, default=7, help="of all chance (%(default)s)")


def _next_purchase(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "rank what users buy next, and measure it against baselines"
    _verb(verbs, "next-purchase", help_, "training_verbs:next_purchase")


def _serve(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = _verb(verbs, "serve", "answer over HTTP until Ctrl-C", "serve")
    verb.add_argument("--host", default="127.0.0.1", help="address (%(default)s)")
    verb.add_argument("--port", type=int, default=3000, help="port (%(default)s)")
    verb.add_argument("--workers", type=int, help="processes (AISLE_WORKERS, else 1)")


def _rank(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = _verb(verbs, "rank", "ask a running service to put items in order", "rank")
    verb.add_argument("items", nargs="+", metavar="ITEM", help="ids of the candidates")
    verb.add_argument("--user", help="the shopper's id")
    verb.add_argument("--query", help="what was searched for")
    verb.add_argument("--market", help="the market")
    verb.add_argument("--model", default="default", help="name of the ranker (%(default)s)")
    verb.add_argument("--url", default="http://127.0.0.1:3000", help="the service (%(default)s)")


def _index(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "fit and publish what candidates are found with, as of the last refresh"
    _verb(verbs, "index", help_, "search_verbs:index")


def _evaluate_retrieval(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "measure retrieval on judged queries, or on the last days of the log"
    verb = _verb(verbs, "evaluate-retrieval", help_, "search_verbs:evaluate_retrieval")
    verb.add_argument(
        "folder", type=Path, nargs="?", metavar="FOLDER",
        help="holds products.parquet and judgments.parquet (the home's own log)",
    )  # fmt: skip
    verb.add_argument(
        "--days", type=int, default=1, help="of the log, held out of the indices (%(default)s)"
    )
    verb.add_argument(
        "--purchases", nargs="?", const="test", choices=["test", "validate"],
        help="ask home and again at each order of a part of the time (test) instead",
    )  # fmt: skip


def _search(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = _verb(verbs, "search", "ask a running service for a query", "search_verbs:search")
    verb.add_argument("query", help="what is searched for")
    _page_arguments(verb)


def _recommend(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "ask a running service what to recommend"
    verb = _verb(verbs, "recommend", help_, "search_verbs:recommend")
    verb.add_argument("surface", choices=["home", "similar", "together", "again", "trending"])
    verb.add_argument("items", nargs="*", metavar="ITEM", help="items the page is about")
    _page_arguments(verb)


def _page_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--user", help="the shopper's id")
    verb.add_argument("--session", help="the session's id")
    verb.add_argument("--market", help="the market")
    verb.add_argument(
        "--filter", action="append", default=[], dest="filters", metavar="FIELD=VALUE",
        help="brand=Acme, or a range: price=10..50; again for more",
    )  # fmt: skip
    verb.add_argument("--size", type=int, default=10, help="items of a page (%(default)s)")
    verb.add_argument("--explain", action="store_true", help="say where each item came from")
    verb.add_argument("--url", default="http://127.0.0.1:3000", help="the service (%(default)s)")


def _user(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "ask a running service what it knows of a person, or to forget them"
    verb = _verb(verbs, "user", help_, "search_verbs:user")
    verb.add_argument("action", choices=["show", "erase"])
    verb.add_argument("id", help="the person's id")
    verb.add_argument("--url", default="http://127.0.0.1:3000", help="the service (%(default)s)")


def _key(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = _verb(verbs, "key", "say who may ask the service over HTTP", "key_verbs:key")
    verb.add_argument("action", choices=["create", "list", "revoke"])
    verb.add_argument("name", nargs="?", help="who holds the key")
    verb.add_argument(
        "--scope", action="append", default=[],
        help="for create: answers, events, users or metrics; again for more",
    )  # fmt: skip
    verb.add_argument("--rate", type=float, help="for create: requests a second of a process (any)")


def _clock(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    _verb(verbs, "clock", "print now, by the clock of this home", "clock")


def _redis(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = _verb(verbs, "redis", "start, stop or describe the home's Redis server", "redis")
    verb.add_argument("action", choices=["start", "stop", "status"])


def _pipeline(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = _verb(verbs, "pipeline", "run or compile a Kubeflow pipeline", "pipeline")
    verb.add_argument("action", choices=["run", "compile"])
    verb.add_argument("name", choices=["retrain"])
    verb.add_argument("--out", type=Path, help="file to compile to (build/retrain.yaml)")


def _features(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "tell of all features, or what is known of one entity"
    verb = _verb(verbs, "features", help_, "feature_verbs:features")
    verb.add_argument("action", choices=["docs", "show"])
    verb.add_argument("subject", nargs="?", help="for show: such as user:42, item:7, query:shoes")
    verb.add_argument("--at", metavar="TIME", help="for show: as of then, offline alone (now)")
    verb.add_argument("--out", type=Path, help="for docs: file to write (standard output)")


def _verify(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    help_ = "compare logged vectors with what training computes"
    verb = _verb(verbs, "verify", help_, "feature_verbs:verify")
    verb.add_argument(
        "--since", metavar="TIME", help="first instant of the range (the log's first)"
    )
    verb.add_argument("--until", metavar="TIME", help="instant after the range (the log's last)")


def _doctor(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    _verb(verbs, "doctor", "look for what is wrong with this home, and say the cure", "doctor")
