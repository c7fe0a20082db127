"""The options of the verbs of training, evaluation and studies."""

import argparse
from pathlib import Path

from pipelines.declarations import (
    FORCE,
    GAINS,
    HORIZON_DAYS,
    MARGIN,
    METRICS,
    MODEL_NAME,
    SEARCH,
    SEARCH_SECONDS,
)
from pipelines.terminal import add_parameters

TRAINING = (MODEL_NAME, GAINS, HORIZON_DAYS, SEARCH, SEARCH_SECONDS, METRICS, MARGIN, FORCE)
"""The parameters of the retraining pipeline; a test compares them with its declaration."""


def train(verb: argparse.ArgumentParser) -> None:
    """Declare the options of `aisle train`."""
    verb.add_argument("--no-publish", action="store_true", help="do not replace the current ranker")
    add_parameters(verb, TRAINING)


def evaluate(verb: argparse.ArgumentParser) -> None:
    """Declare the options of `aisle evaluate`."""
    verb.add_argument("--html", type=Path, help="also write the report to this file")
    add_parameters(verb, [METRICS])
    verb.add_argument(
        "--ablation", action="store_true", help="fit again without each group of features"
    )
    verb.add_argument(
        "--learning-curve", action="store_true", help="fit again on a growing share of the data"
    )
    verb.add_argument(
        "--compare",
        type=Path,
        metavar="FOLDER",
        help="compare with the ranker in this folder, on the same slates",
    )
    verb.add_argument(
        "--nameless",
        action="store_true",
        help="take the names from half of the sessions, and measure only these visits",
    )
    trainings(verb)
    verb.add_argument("--card", action="store_true", help="print the model card, nothing else")


def trainings(verb: argparse.ArgumentParser) -> None:
    """Declare the number of trainings."""
    verb.add_argument(
        "--trainings",
        type=int,
        metavar="N",
        help="fit N times with other seeds and row orders, and print the spread of the figures",
    )


def explain(verb: argparse.ArgumentParser) -> None:
    """Declare the options of `aisle explain`."""
    verb.add_argument("request", help="id of a ranking in the last dataset, or recorded in the log")
    verb.add_argument("--approximate", action="store_true", help="as fast as online answers")
    verb.add_argument("--top", type=int, default=3, help="features listed per item (%(default)s)")


def truth_grid(verb: argparse.ArgumentParser) -> None:
    """Declare the options of `aisle truth-grid`."""
    verb.add_argument("--grid", type=Path, help="TOML file (truth_grid.toml)")
    verb.add_argument("--seeds", type=int, help="how many of its seeds (all)")
    verb.add_argument("--workers", type=int, help="parallel shops (one a core)")


def personalization(verb: argparse.ArgumentParser) -> None:
    """Declare the options of `aisle personalization`."""
    verb.add_argument("--users", type=int, default=4000, help="(%(default)s)")
    verb.add_argument("--items", type=int, default=900, help="(%(default)s)")
    verb.add_argument("--days", type=int, default=28, help="of the log (%(default)s)")
    verb.add_argument("--impressions", type=int, default=200_000, help="(%(default)s)")
    verb.add_argument("--seed", type=int, default=7, help="of all random numbers (%(default)s)")
