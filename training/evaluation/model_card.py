"""The model card: a ranker's kind, data, figures by slice, and limits.

Sections follow Mitchell et al. 2019.  The card is derived from the evaluation alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from training.evaluation.looks import looks_note
from training.evaluation.shown_order import shown_order_note

Figures = Mapping[str, Any]

CARD, CARD_JSON = "model_card.md", "model_card.json"

FEW_RANKINGS = 100
"""A slice with fewer rankings is listed among the limits."""


def card(evaluation: Figures) -> dict[str, Any]:
    """Derive the card from an evaluation's dict; return a JSON-ready dict."""
    ranker = next(model for model in evaluation["models"] if model["name"] == "ranker")
    training = evaluation["training"]
    return {
        "model": {
            "kind": "gradient-boosted trees, rank:ndcg",
            "sha256": evaluation["identity"].get("model"),
            "chosen": training.get("chosen"),
        },
        "data": {"dataset_sha256": evaluation["identity"].get("dataset"), **evaluation["data"]},
        "conventions": evaluation["conventions"],
        "metrics": {name: i for name, i in ranker["metrics"].items() if i["value"] is not None},
        "reference": evaluation["reference"],
        "to_reference": ranker["difference"],
        "slices": [
            {key: part[key] for key in ("name", "rankings", "ranker", "difference")}
            for part in evaluation["slices"]
        ],
        "limits": list(_limits(evaluation, ranker)),
    }


def to_markdown(card: Figures) -> str:
    """Return the card as Markdown."""
    model, data = card["model"], card["data"]
    metrics = [[name, _interval(value)] for name, value in card["metrics"].items()]
    metrics.append([f"ndcg@10 minus {card['reference']}", _interval(card["to_reference"], "+")])
    slices = [
        [
            one["name"],
            str(one["rankings"]),
            _interval(one["ranker"]),
            _interval(one["difference"], "+"),
        ]
        for one in card["slices"]
    ]
    families = [[name, str(columns)] for name, columns in data["features"].items()]
    rankings = ", ".join(f"{split} {count}" for split, count in data["rankings"].items())
    return "\n".join(
        [
            "# Model card: ranker\n",
            f"{model['kind']}; sha256 `{str(model['sha256'])[:16]}`.\n",
            "## Data\n",
            f"Rankings by split, in time: {rankings}.  Test split: {data['test_rows']} rows, "
            f"{data['test_first']} to {data['test_last']}.  "
            f"Dataset sha256 `{str(data['dataset_sha256'])[:16]}`.\n",
            "## Features\n",
            f"Feature service {data['feature_service']}; values from before each request.\n",
            *_table(["family", "columns"], families),
            "## Metrics\n",
            f"On the test split, mean and 95 % interval: {card['conventions']}.\n",
            *_table(["metric", "value"], metrics),
            "## Slices\n",
            *_table(["slice", "rankings", "ndcg@10", f"minus {card['reference']}"], slices),
            "## Limits\n",
            *(f"- {limit}" for limit in card["limits"]),
            "",
        ]
    )


def _limits(evaluation: Figures, ranker: Figures) -> Iterator[str]:
    """Yield the limits that follow from the figures."""
    counted = evaluation["rankings"]
    yield (
        f"{counted['empty']} of {counted['test']} test rankings had no gain and are not counted: "
        "the figures hold for requests that end in an interaction."
    )
    yield "What was never shown could not be clicked: gains are biased by the logged order."
    for note in (shown_order_note(evaluation), looks_note(evaluation)):
        if note:
            yield note
    low, reference = ranker["difference"]["low"], evaluation["reference"]
    if low is not None and low <= 0:
        yield f"The gain over the {reference} may be chance: its interval contains zero."
    worse = [p["name"] for p in evaluation["slices"] if (p["difference"]["high"] or 0) < 0]
    if worse:
        yield f"Worse than the {reference} on: {', '.join(worse)}."
    few = [p["name"] for p in evaluation["slices"] if p["rankings"] < FEW_RANKINGS]
    if few:
        yield f"Uncertain, with fewer than {FEW_RANKINGS} rankings: {', '.join(few)}."
    absent = [name for name, i in ranker["metrics"].items() if i["value"] is None]
    if absent:
        yield f"Not measured, because the shop declares no field for it: {', '.join(absent)}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(map(_cell, line))} |" for line in lines), ""]


def _cell(text: str) -> str:
    """Escape a name of the shop, so that a bar or a line break does not end the table cell."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _interval(interval: Figures, sign: str = "") -> str:
    value, low, high = (interval[end] for end in ("value", "low", "high"))
    if value is None:
        return "–"
    text = f"{value:{sign}.4f}"
    return text if low is None else f"{text} ({low:{sign}.4f} to {high:{sign}.4f})"
