"""The report of an experiment: for the terminal, a browser, and the Kubeflow page."""

from collections.abc import Mapping
from typing import Any

from pipelines.pages.document import document, heading, markdown_table, paragraphs
from pipelines.pages.interleaving_page import (
    interleaving_plot,
    interleaving_sentences,
    interleaving_tables,
)
from pipelines.terminal import Page, line, pages, table
from training.plots import Mark, Table, forest

Report = Mapping[str, Any]

_COUNTS = {
    "units": "units",
    "exposures": "exposures",
    "impressions": "impressions",
    "slate_clicks": "clicked items",
    "clicks": "clicks",
    "carts": "carts",
    "orders": "orders",
    "revenue": "revenue",
    "searches": "searches",
    "empty_searches": "without result",
    "degraded": "degraded",
}
_METRIC_COLUMNS = (
    "metric",
    "control",
    "variant",
    "change",
    "95 % interval",
    "at any time",
    "p",
    "Holm",
    "FDR",
    "CUPED variance",
)
_PART_COLUMNS = ("part", "control units", "variant units", "change", "95 % interval")


def experiment_page(report: Report) -> Page:
    """Show the verdict of each variant, then the figures."""
    tables = [
        table(each.caption, [*each.head], [[*row] for row in each.rows], numbers=len(each.head) - 1)
        for each in experiment_tables(report)
    ]
    return pages(*map(line, experiment_sentences(report)), *tables, *map(line, report["notes"]))


def experiment_html(report: Report) -> str:
    """Render a self-contained page."""
    parts = [each.__html__() for each in experiment_tables(report)]
    return document(
        f"Experiment {report['experiment']}",
        paragraphs(experiment_sentences(report)),
        *_plots(report),
        *parts,
        heading("How to read it"),
        paragraphs(report["notes"]),
    )


def experiment_markdown(report: Report) -> str:
    """Render the verdicts and the tables as Markdown."""
    parts = [f"# Experiment {report['experiment']}", *experiment_sentences(report)]
    for each in experiment_tables(report):
        parts += [f"## {each.caption}", markdown_table(each)]
    return "\n\n".join(parts) + "\n"


def plan_page(plan: Report) -> Page:
    """Show the units and days that find effects of several sizes."""
    rows: list[list[object]] = [
        [
            f"{row['effect']:.1%}",
            f"{row['units']:,.0f}",
            "–" if row["days"] is None else f"{row['days']:.1f}",
        ]
        for row in plan["effects"]
    ]
    variance = plan["variance_ratio"]
    note = (
        f"{plan['title'].capitalize()} is {_figure(plan['baseline'])} over {plan['units']:,} units "
        f"of {plan['of_days']} days. CUPED leaves {variance:.0%} of its variance. Units are of "
        f"both variants, detected with {plan['power']:.0%} power at 95 % confidence."
    )
    return pages(table("", ["effect", "units", "days"], rows, numbers=3), line(note))


def experiment_sentences(report: Report) -> list[str]:
    """Return the verdict of each variant, and what a reader must know before any figure."""
    if report["kind"] == "interleaving":
        return interleaving_sentences(report)
    triggered = report["triggered"]
    sentences = [
        f"{one['variant']}: {one['verdict']['decision'].upper()}. {one['verdict']['reason']}"
        for one in report["comparisons"]
    ]
    ratio = report["sample_ratio"]["p_value"]
    span = " to ".join(report["exposed"]) if report["exposed"] else "no time: nothing was treated"
    sentences.append(
        f"Exposures from {span}. {triggered['units']} of {triggered['of_units']} units with an "
        f"answer were treated, and only they count. Sample ratio: p = {ratio:.3g}. "
        f"{report['switched_units']} units saw two variants."
    )
    for one in report["comparisons"]:
        sentences += _outlook(one)
    return sentences


def _outlook(one: Report) -> list[str]:
    plan, trend, sentences = one["plan"], one["trend"], []
    exposures = one["exposures"]
    if exposures["is_mismatch"]:
        sentences.append(
            f"{one['variant']}: its units have {exposures['change']:+.1%} treated answers "
            f"(p = {exposures['p_value']:.1g}). Either shoppers return more or less often, or one "
            "variant loses answers: compare both in the service's metrics before you decide."
        )
    if plan["units"] is not None:
        sentences.append(
            f"{one['variant']}: the minimum effect needs {plan['units']:,.0f} units, at the "
            f"present rate {plan['days']:.1f} more days."
        )
    elif plan["smallest_effect"] is not None:
        sentences.append(
            f"{one['variant']}: an effect of {plan['smallest_effect']:.2%} would be detected with "
            "80 % power."
        )
    if trend is not None:
        course = "changes" if trend["p_value"] < 0.05 else "does not clearly change"
        sentences.append(
            f"{one['variant']}: the effect {course} over the days ({trend['per_day']:+.2%} a day, "
            f"p = {trend['p_value']:.2g})."
        )
    return sentences


def experiment_tables(report: Report) -> list[Table]:
    """Return the counts of the variants, and the tables of each comparison."""
    if report["kind"] == "interleaving":
        return interleaving_tables(report)
    counts = [
        [one["name"], *(f"{one[column]:,.0f}" for column in _COUNTS)] for one in report["variants"]
    ]
    tables = [Table("Variants", ["variant", *_COUNTS.values()], counts)]
    for one in report["comparisons"]:
        name, primary = one["variant"], report["metric"]
        metrics = [_metric(metric, row) for metric, row in one["metrics"].items()]
        tables.append(Table(f"{name} against the control", _METRIC_COLUMNS, metrics))
        for kind in ("segments", "days"):
            rows = [_part(part, row) for part, row in one[kind].items()]
            tables.append(Table(f"{name}: {primary} by {kind}", _PART_COLUMNS, rows))
    return tables


def _plots(report: Report) -> list[str]:
    if report["kind"] == "interleaving":
        plot = interleaving_plot(report)
        return [] if plot is None else [plot.__html__()]
    return [_plot(n, one, report["metric"]) for n, one in enumerate(report["comparisons"])]


def _plot(number: int, one: Report, metric: str) -> str:
    """Draw the change of the primary metric in all, by segment and by day."""
    parts = {"all units": one["metrics"][metric], **one["segments"], **one["days"]}
    marks = [
        Mark(name, change["value"], change["low"], change["high"], _percent(change["value"]))
        for name, row in parts.items()
        if (change := row["change"]) is not None and change["low"] is not None
    ]
    title = f"{one['variant']}: change of {metric} with 95 % intervals"
    return forest(f"change{number}", title, marks).__html__() if marks else ""


def _metric(name: str, row: Report) -> list[str]:
    change = row["change"]
    return [
        name,
        _figure(row["control"]),
        _figure(row["treatment"]),
        _percent(change["value"]),
        _ends(change["low"], change["high"]),
        _ends(change["always_low"], change["always_high"]),
        _figure(row["p_value"], 2),
        _figure(row["holm"], 2),
        _figure(row["false_discovery"], 2),
        "–" if row["variance_ratio"] is None else f"{row['variance_ratio']:.0%}",
    ]


def _part(name: str, row: Report) -> list[str]:
    change, units = row["change"], row["units"]
    value = _percent(change["value"]) if change else "too few units"
    ends = _ends(change["low"], change["high"]) if change else "–"
    return [name, str(units["control"]), str(units["treatment"]), value, ends]


def _figure(value: float | None, digits: int = 4) -> str:
    return "–" if value is None else f"{value:.{digits}g}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2%}"


def _ends(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:+.2%} to {high:+.2%}"
