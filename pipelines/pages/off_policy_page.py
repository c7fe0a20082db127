"""The estimate of a policy from the log: for the terminal, a browser, and Markdown."""

from collections.abc import Mapping
from typing import Any

from pipelines.pages.document import document, heading, markdown_table, paragraphs
from pipelines.terminal import Page, interval_text, line, pages, table
from training.plots import Mark, Table, forest

Report = Mapping[str, Any]

_ESTIMATE_COLUMNS = (
    "estimator",
    "clicks per slate",
    "95 % interval",
    "effective shoppers",
    "with a click",
    "mean weight",
    "largest share",
    "trusted",
)
_SLOT_COLUMNS = ("slot", "slates", "effective shoppers", "mean weight", "largest weight")


def off_policy_page(report: Report) -> Page:
    """Show the estimate or why there is none, then the figures."""
    tables = [
        table(each.caption, [*each.head], [[*row] for row in each.rows], numbers=len(each.head) - 1)
        for each in off_policy_tables(report)
    ]
    return pages(*map(line, off_policy_sentences(report)), *tables, *map(line, report["notes"]))


def off_policy_html(report: Report) -> str:
    """Render a self-contained page."""
    return document(
        f"Policy {report['policy']}",
        paragraphs(off_policy_sentences(report)),
        _plot(report),
        *(each.__html__() for each in off_policy_tables(report)),
        heading("How to read it"),
        paragraphs(report["notes"]),
    )


def off_policy_markdown(report: Report) -> str:
    """Render the sentences and the tables as Markdown."""
    parts = [f"# Policy {report['policy']}", *off_policy_sentences(report)]
    for each in off_policy_tables(report):
        parts += [f"## {each.caption}", markdown_table(each)]
    return "\n\n".join([*parts, *report["notes"]]) + "\n"


def off_policy_sentences(report: Report) -> list[str]:
    """Return the estimate or the refusal, what it is of, and what disagrees."""
    estimate, change = report["estimate"], report["change"]
    if estimate is None:
        first = f"No estimate. {report['refusal']}"
    else:
        first = (
            f"{report['policy']} would have {interval_text(estimate)} clicked items a slate; the "
            f"log has {interval_text(report['observed'])}. The difference is "
            f"{interval_text(change, '+')}."
        )
    skipped = ", ".join(f"{n} {why}" for why, n in report["skipped"].items())
    return [
        first,
        *report["disagreements"],
        f"{report['slates']:,} drawn slates of {report['shoppers']:,} shoppers with "
        f"{report['rewards']:,.0f} clicked items, from {' to '.join(report['days'])}. "
        f"Left out: {skipped or 'none'}.",
    ]


def off_policy_tables(report: Report) -> list[Table]:
    """Return the estimates with their overlap, and the overlap of each slot."""
    estimates = [_estimate(row) for row in report["estimates"]]
    slots = [
        [
            str(row["slot"]),
            f"{row['slates']:,}",
            f"{row['shoppers']:,.0f}",
            f"{row['support']:.2f}",
            f"{row['largest_weight']:.1f}",
        ]
        for row in report["slots"]
    ]
    return [
        Table("Estimates", _ESTIMATE_COLUMNS, estimates),
        Table("Overlap by slot, item and position alone", _SLOT_COLUMNS, slots),
    ]


def _estimate(row: Report) -> list[str]:
    overlap, is_trusted = row["overlap"], row["refusal"] is None
    return [
        row["title"],
        "–" if row["value"] is None else f"{row['value']:.4f}",
        "–" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}",
        f"{overlap['shoppers']:,.0f}",
        f"{overlap['rewarded']:,.0f}",
        f"{overlap['support']:.2f}",
        f"{overlap['largest_share']:.0%}",
        "yes" if is_trusted else "no",
    ]


def _plot(report: Report) -> str:
    """Draw the trusted estimates and what the log has."""
    rows = {"observed": report["observed"]} | {
        row["name"]: row for row in report["estimates"] if row["refusal"] is None
    }
    marks = [
        Mark(name, row["value"], row["low"], row["high"], f"{row['value']:.4f}")
        for name, row in rows.items()
    ]
    return forest("estimates", "Clicked items a slate, with 95 % intervals", marks).__html__()
