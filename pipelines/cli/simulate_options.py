"""The options of `aisle simulate`: what can be said about a shop on a command line."""

import argparse
from pathlib import Path
from typing import Any

from training.studies.simulation import CLICK_MODELS, MARKETS, POLICIES, Breakage, ShopConfig

_SHOP: dict[str, dict[str, Any]] = {
    "users": {"type": int, "help": "shoppers"},
    "items": {"type": int, "help": "items when the shop opens"},
    "seed": {"type": int, "help": "equal seeds, equal bytes"},
    "rankings_per_user_day": {"type": float, "metavar": "MEAN", "help": "slates a user sees a day"},
    "markets": {"nargs": "+", "choices": tuple(MARKETS), "help": "where it sells"},
    "slate": {"type": int, "nargs": 2, "metavar": ("MIN", "MAX"), "help": "items of a slate"},
    "pool": {"type": int, "metavar": "ITEMS", "help": "most candidates of a request"},
    "policy": {"choices": POLICIES, "help": "what ranks for the log"},
    "temperature": {"type": float, "help": "of the policy's noise; without it, the policy's own"},
    "randomized_share": {"type": float, "metavar": "SHARE", "help": "requests ranked at random"},
    "randomized_temperature": {"type": float, "metavar": "T", "help": "of those, by Gumbel top-k"},
    "click_model": {"choices": CLICK_MODELS, "help": "how a slate is looked through"},
    "bias": {"type": float, "help": "how fast attention falls with position; 0 is not at all"},
    "trust": {"type": float, "metavar": "SHARE", "help": "doubtful items clicked at position 1"},
}
_BREAKAGE: dict[str, dict[str, Any]] = {
    "bots": {"type": float, "metavar": "SHARE", "help": "visits of bots against people's"},
    "lost": {"type": float, "metavar": "SHARE", "help": "events that never arrive"},
    "duplicated": {"type": float, "metavar": "SHARE", "help": "events that arrive twice"},
    "late": {"type": float, "metavar": "SHARE", "help": "events that arrive hours later"},
    "shock_day": {"type": int, "metavar": "DAY", "help": "from then on, prices are others"},
    "shock": {"type": float, "metavar": "FACTOR", "help": "by which they are multiplied"},
    "launch_day": {"type": int, "metavar": "DAY", "help": "when many new items come at once"},
    "launch": {"type": float, "metavar": "SHARE", "help": "how many, against those at first"},
    "leak": {"action": "store_true", "help": "plant a field that knows the day's clicks"},
}


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare the options; their defaults are those of `ShopConfig` and `Breakage`."""
    verb.add_argument(
        "--out", type=Path, required=True,
        help="what to write: a .jsonl file, or a folder of Parquet files by day",
    )  # fmt: skip
    verb.add_argument("--days", type=int, default=21, help="days of traffic (%(default)s)")
    _declare(verb.add_argument_group("the shop"), _SHOP, ShopConfig())
    _declare(verb.add_argument_group("what goes wrong"), _BREAKAGE, Breakage())


def config_of(args: argparse.Namespace) -> ShopConfig:
    """The shop that the options describe.

    Raises:
        SettingError: there can be no such shop.
    """
    said = {name: getattr(args, name) for name in _SHOP}
    plain: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in said.items()
    }
    breakage = Breakage(**{name: getattr(args, name) for name in _BREAKAGE})
    return ShopConfig(**plain, breakage=breakage)


def _declare(
    group: argparse._ArgumentGroup, options: dict[str, dict[str, Any]], defaults: object
) -> None:
    for name, how in options.items():
        default = getattr(defaults, name)
        told = " ".join(map(str, default)) if isinstance(default, tuple) else default
        shown = "" if default is None or default is False else f" ({told})"
        group.add_argument(
            f"--{name.replace('_', '-')}", default=default, **how | {"help": how["help"] + shown}
        )
