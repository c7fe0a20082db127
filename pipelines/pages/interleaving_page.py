"""What the report of an interleaving says: sentences, tables and a plot."""

from collections.abc import Mapping
from typing import Any

from training.plots import Mark, Plot, Table, forest

Report = Mapping[str, Any]

_COLUMNS = (
    "part",
    "units",
    "wins",
    "losses",
    "ties",
    "surplus of wins",
    "95 %",
    "at any time",
    "p",
)


def interleaving_sentences(report: Report) -> list[str]:
    """Return the verdict, and what a reader must know before any figure."""
    (one,) = report["comparisons"]
    control, candidate = report["variants"]
    first, plan = report["first_position"], one["plan"]
    span = " to ".join(report["exposed"]) if report["exposed"] else "no time: nothing was treated"
    sentences = [
        f"{candidate}: {one['verdict']['decision'].upper()}. {one['verdict']['reason']}",
        f"Exposures from {span}: {one['exposures']} answers to {one['units']} units. Of "
        f"{one['clicks']} clicks, {one['control_clicks']} credit {control} and "
        f"{one['candidate_clicks']} {candidate}.",
        f"The first position of a page that one variant took was {control}'s {first[control]} "
        f"times and {candidate}'s {first[candidate]} times (p = {first['p_value']:.3g}).",
    ]
    if plan["units"] is not None:
        sentences.append(f"The minimum effect needs {plan['units']:,.0f} units.")
    elif plan["smallest_surplus"] is not None:
        sentences.append(
            f"A surplus of {plan['smallest_surplus']:.1%} would be detected with 80 % power."
        )
    return sentences


def interleaving_tables(report: Report) -> list[Table]:
    """Return the wins of all units, by segment and by day."""
    (one,) = report["comparisons"]
    control, candidate = report["variants"]
    tables = {
        f"Units that preferred {candidate} (wins) or {control} (losses)": {"all units": one},
        "By segment": one["segments"],
        "By day of the first exposure": one["days"],
    }
    return [
        Table(caption, _COLUMNS, [_row(name, part) for name, part in parts.items()])
        for caption, parts in tables.items()
    ]


def interleaving_plot(report: Report) -> Plot | None:
    """Draw the surplus of wins in all, by segment and by day; None without a decided unit."""
    (one,) = report["comparisons"]
    parts = {"all units": one, **one["segments"], **one["days"]}
    surpluses = {name: part["surplus"] for name, part in parts.items()}
    marks = [
        Mark(name, each["value"], each["low"], each["high"], _percent(each["value"]))
        for name, each in surpluses.items()
        if each["value"] is not None
    ]
    return forest("surplus", "Surplus of wins with 95 % intervals", marks) if marks else None


def _row(name: str, part: Report) -> list[str]:
    surplus = part["surplus"]
    counts = [str(part[column]) for column in ("units", "wins", "losses", "ties")]
    return [
        name,
        *counts,
        _percent(surplus["value"]),
        f"{surplus['low']:+.1%} to {surplus['high']:+.1%}",
        f"{surplus['always_low']:+.1%} to {surplus['always_high']:+.1%}",
        f"{surplus['p_value']:.2g}",
    ]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:+.1%}"
