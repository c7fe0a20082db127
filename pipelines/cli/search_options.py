"""The options of the verbs of search, recommendations and their evaluation."""

import argparse
from pathlib import Path

URL = "http://127.0.0.1:3000"


def synonyms(verb: argparse.ArgumentParser) -> None:
    """Declare the options of `aisle synonyms`."""
    verb.add_argument(
        "--out", type=Path, metavar="FILE", help="write the proposals as entries of synonyms.toml"
    )


def evaluate_retrieval(verb: argparse.ArgumentParser) -> None:
    """Declare the options of `aisle evaluate-retrieval`."""
    verb.add_argument(
        "folder",
        type=Path,
        nargs="?",
        metavar="FOLDER",
        help="contains products.parquet and judgments.parquet (the home's own log)",
    )
    verb.add_argument(
        "--days", type=int, default=1, help="of the log, not seen by the indexes (%(default)s)"
    )
    verb.add_argument(
        "--purchases",
        nargs="?",
        const="test",
        choices=["test", "validate"],
        help="measure home and again at each order of a split (test) instead",
    )
    verb.add_argument("--trainings", type=int, metavar="N", help="with --purchases, of N seeds too")
    verb.add_argument(
        "--refit-days", type=int, metavar="N", help="with --purchases, fit indexes every N days (7)"
    )


def search(verb: argparse.ArgumentParser) -> None:
    """Declare the options of `aisle search`."""
    verb.add_argument("query", help="the search text")
    _list_options(verb)


def recommend(verb: argparse.ArgumentParser) -> None:
    """Declare the options of `aisle recommend`."""
    verb.add_argument("surface", choices=["home", "similar", "together", "again", "trending"])
    verb.add_argument("items", nargs="*", metavar="ITEM", help="items the page is about")
    _list_options(verb)


def _list_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--user", help="the shopper's id")
    verb.add_argument("--session", help="the session's id")
    verb.add_argument("--market", help="the market")
    verb.add_argument(
        "--filter",
        action="append",
        default=[],
        dest="filters",
        metavar="FIELD=VALUE",
        help="brand=Acme, or a range: price=10..50; may be repeated",
    )
    verb.add_argument("--size", type=int, default=10, help="items of a page (%(default)s)")
    verb.add_argument("--explain", action="store_true", help="print the sources of each item")
    verb.add_argument("--url", default=URL, help="the service (%(default)s)")
