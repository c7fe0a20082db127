"""`aisle bandit`: the bandits of a home, and what they have learned."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feature_repo.home import Clock, SettingError, Settings
from pipelines.terminal import Outcome, line, pages, table

if TYPE_CHECKING:
    from training.bandits import Bandit

MOST_RECENT = 7
"""Days that a table calls the days before, or after, a switch."""


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare the options of all actions."""
    verb.add_argument("name", nargs="?", help="for show: of the bandit")
    verb.add_argument("--seeds", type=int, default=12, help="for study: shops (%(default)s)")
    verb.add_argument("--days", type=int, default=40, help="for study: of each (%(default)s)")
    verb.add_argument("--svg", type=Path, metavar="FOLDER", help="for study: write the plots here")


def bandit(args: argparse.Namespace) -> Outcome:
    """Run one of the actions."""
    return {"list": _list, "show": _show, "study": _study}[args.action](args)


def _list(_: argparse.Namespace) -> Outcome:
    settings = Settings.from_environment()
    now, declared = Clock.of(settings).now(), _declared(settings)
    data = [_about(each, now) for each in declared]
    if not data:
        return Outcome({"bandits": []}, line("No bandit is declared; see docs/bandits.md."))
    columns = ["bandit", "state", "model", "arms", "contexts", "pages"]
    rows = [
        [
            one["bandit"],
            one["state"],
            one["model"],
            ", ".join(one["arms"]),
            one["contexts"],
            ", ".join(one["surfaces"]),
        ]
        for one in data
    ]
    return Outcome({"bandits": data}, table("", columns, rows))


def _show(args: argparse.Namespace) -> Outcome:
    from feature_repo.online.hydration import OnlineReader
    from feature_repo.online.redis import redis_client
    from feature_repo.shop import Shop
    from pipelines.inspection import bandit_arms, estimated_regret
    from pipelines.steps import home_redis

    settings = Settings.from_environment()
    declared = {each.name: each for each in _declared(settings)}
    if args.name not in declared:
        names = ", ".join(declared) or "none"
        raise SettingError(f"aisle bandit show: expected one of {names}, found {args.name!r}.")
    chosen, now = declared[args.name], Clock.of(settings).now()
    with home_redis(settings) as address, redis_client(address) as client:
        reader = OnlineReader(settings.home, Shop.load(settings.home.shop_toml), client)
        arms = bandit_arms(reader, chosen, now)
    data = _about(chosen, now) | {"regret": estimated_regret(arms), "contexts": arms}
    columns = ["context", "arm", "decisions", "rewards", "rate", "deviation", "share", "propensity"]
    rows = [
        [
            one["context"],
            one["arm"],
            one["decisions"],
            one["rewards"],
            f"{one['mean']:.4f}",
            f"{one['deviation']:.4f}",
            "" if one["share"] is None else f"{one['share']:.3f}",
            f"{one['propensity']:.3f}",
        ]
        for one in arms
    ]
    summary = f"{chosen.name} is {data['state']}. Estimated regret: {data['regret']:.1f} rewards."
    return Outcome(data, pages(table("", columns, rows, numbers=6), line(summary)))


def _study(args: argparse.Namespace) -> Outcome:
    from training.plots import standalone
    from training.studies.bandits import bandit_plots, bandit_report

    if args.seeds < 1 or args.days < MOST_RECENT * 2:
        raise SettingError(
            f"aisle bandit study: expected --seeds of at least 1 and --days of at least "
            f"{MOST_RECENT * 2}, found {args.seeds} and {args.days}."
        )
    report = bandit_report(args.seeds, args.days)
    if args.svg is not None:
        args.svg.mkdir(parents=True, exist_ok=True)
        for name, plot in bandit_plots(report).items():
            (args.svg / f"{name}.svg").write_text(standalone(plot), encoding="utf-8")
    regret: list[list[object]] = [
        [name, f"{figures['by_day'][-1]:.0f}", *map(_interval, figures["slope"].values())]
        for name, figures in report["regret"].items()
    ]
    starts = [*next(iter(report["regret"].values()))["slope"]]
    slopes = [f"log-log slope from decision {start} on" for start in starts]
    switch: list[list[object]] = [
        [name, *(f"{share:.2f}" for share in _around(shares, report["switch_day"]))]
        for name, shares in report["switch"].items()
    ]
    decisions = f"{report['days']} days of {report['visits_a_day']} decisions, {args.seeds} shops"
    days = ["the days before", "3 days after", f"{MOST_RECENT} days after", "the last days"]
    page = pages(
        table(f"Regret: {decisions}", ["bandit", "clicks", *slopes], regret, 1 + len(slopes)),
        table("Share of the best banner before and after a switch", ["bandit", *days], switch, 4),
    )
    return Outcome(report, page)


def _interval(slope: Mapping[str, float]) -> str:
    return f"{slope['value']:.2f} ({slope['low']:.2f} to {slope['high']:.2f})"


def _around(shares: Sequence[float], switch: int) -> tuple[float, ...]:
    """Return the means of the shares before the switch, soon after, later, and at the end."""
    spans = (
        shares[switch - MOST_RECENT : switch],
        shares[switch : switch + 3],
        shares[switch + MOST_RECENT - 3 : switch + MOST_RECENT],
        shares[-3:],
    )
    return tuple(sum(span) / len(span) for span in spans)


def _about(declared: "Bandit", now: int) -> dict[str, Any]:
    return {
        "bandit": declared.name,
        "state": "on" if declared.is_enabled_at(now) else "off",
        "model": declared.model,
        "arms": [*declared.arms],
        "default": declared.default,
        "discount": declared.discount,
        "floor": declared.floor,
        "contexts": len(declared.context.cells),
        "surfaces": sorted(declared.surfaces),
    }


def _declared(settings: Settings) -> "tuple[Bandit, ...]":
    from feature_repo.shop import Shop
    from training.bandits import BANDITS_FILE, Bandits

    home = settings.home
    return Bandits.load(home.root / BANDITS_FILE, Shop.load(home.shop_toml)).bandits
