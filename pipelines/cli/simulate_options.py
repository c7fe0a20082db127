"""The options of `aisle simulate`: the settings of a simulated shop."""

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
    "policy": {"choices": POLICIES, "help": "ranks the slates of the log"},
    "temperature": {"type": float, "help": "of the policy's noise; without it, the policy's own"},
    "randomized_share": {"type": float, "metavar": "SHARE", "help": "requests ranked at random"},
    "randomized_temperature": {"type": float, "metavar": "T", "help": "of those, by Gumbel top-k"},
    "click_model": {"choices": CLICK_MODELS, "help": "how shoppers look through a slate"},
    "bias": {"type": float, "help": "how fast attention falls with position; 0 is not at all"},
    "trust": {"type": float, "metavar": "SHARE", "help": "doubtful items clicked at position 1"},
}
_BREAKAGE: dict[str, dict[str, Any]] = {
    "bots": {"type": float, "metavar": "SHARE", "help": "visits of bots relative to people's"},
    "lost": {"type": float, "metavar": "SHARE", "help": "events that never arrive"},
    "duplicated": {"type": float, "metavar": "SHARE", "help": "events that arrive twice"},
    "late": {"type": float, "metavar": "SHARE", "help": "events that arrive hours later"},
    "shock_day": {"type": int, "metavar": "DAY", "help": "from this day on, prices change"},
    "shock": {"type": float, "metavar": "FACTOR", "help": "by which prices are multiplied"},
    "launch_day": {"type": int, "metavar": "DAY", "help": "when many new items arrive"},
    "launch": {
        "type": float,
        "metavar": "SHARE",
        "help": "number of new items relative to those at the start",
    },
    "leak": {"action": "store_true", "help": "add a field that leaks the day's clicks"},
}


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare the options; `ShopConfig` and `Breakage` have their defaults."""
    verb.add_argument(
        "--out",
        type=Path,
        required=True,
        help="output: a .jsonl file, or a folder of Parquet files by day",
    )
    verb.add_argument("--days", type=int, default=21, help="days of traffic (%(default)s)")
    _declare(verb.add_argument_group("the shop"), _SHOP, ShopConfig())
    _declare(verb.add_argument_group("faults of the data"), _BREAKAGE, Breakage())


def config_of(args: argparse.Namespace) -> ShopConfig:
    """Return the shop that the options describe.

    Raises:
        SettingError: the options contradict each other.
    """
    values = {name: getattr(args, name) for name in _SHOP}
    plain: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in values.items()
    }
    breakage = Breakage(**{name: getattr(args, name) for name in _BREAKAGE})
    return ShopConfig(**plain, breakage=breakage)


def _declare(
    group: argparse._ArgumentGroup, options: dict[str, dict[str, Any]], defaults: object
) -> None:
    for name, how in options.items():
        default = getattr(defaults, name)
        text = " ".join(map(str, default)) if isinstance(default, tuple) else default
        shown = "" if default is None or default is False else f" ({text})"
        group.add_argument(
            f"--{name.replace('_', '-')}", default=default, **how | {"help": how["help"] + shown}
        )
