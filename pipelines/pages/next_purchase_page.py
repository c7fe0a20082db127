"""Pages of next-purchase evaluations: the protocol, then one line a model."""

from typing import Any

from pipelines.terminal import Page, interval_text, line, pages, table

_METRICS = ("ndcg@10", "recall@20", "hit@10")


def evaluation_page(evaluation: dict[str, Any]) -> Page:
    """Show the protocol, the models, their slices and the chosen configurations."""
    models = evaluation["models"]
    counted = ", ".join(f"{count} {split}" for split, count in evaluation["orders"].items())
    return pages(
        line(evaluation["protocol"]),
        table("", ["", *_METRICS], [[m["name"], *_all(m["metrics"])] for m in models], numbers=3),
        table(
            "Ranker less baseline, paired",
            ["", *_METRICS],
            [[m["name"], *_all(m["behind"], "+")] for m in models[1:]],
            numbers=3,
        ),
        _slices(models),
        *([trainings_page(evaluation["trainings"])] if evaluation.get("trainings") else []),
        *(line(f"{model['name']}: {_chosen(model['chosen'])}") for model in models),
        line(
            f"Orders: {counted}.  The ranker's candidates contain {evaluation['reachable']:.1%} of "
            "the purchased items; the other items are ranked behind them by popularity."
        ),
    )


def surfaces_page(evaluation: dict[str, Any]) -> Page:
    """Show the protocol, surfaces and baselines, their differences, slices and choices."""
    models, differences = evaluation["models"], evaluation["differences"]
    reached = ", ".join(
        f"`{name}` {interval_text(share)}" for name, share in evaluation["reached"].items()
    )
    return pages(
        line(evaluation["protocol"]),
        table("", ["", *_METRICS], [[m["name"], *_all(m["metrics"])] for m in models], numbers=3),
        table(
            "Paired differences",
            ["", *_METRICS],
            [[one["name"], *_all(one["metrics"], "+")] for one in differences],
            numbers=3,
        ),
        _slices(models),
        *([trainings_page(evaluation["trainings"])] if evaluation["trainings"] else []),
        *(line(f"{name}: {_chosen(chosen)}") for name, chosen in evaluation["chosen"].items()),
        line(
            f"Orders: {evaluation['orders']}.  Share of the purchased items among the first "
            f"{evaluation['depth']}: {reached}; {evaluation['indexed']} of "
            f"{evaluation['items']} items were indexed."
        ),
    )


def trainings_page(trainings: dict[str, Any]) -> Page:
    """Show mean, range and deviation of each figure over several trainings."""
    keys = ("mean", "low", "high", "deviation")
    rows: list[list[object]] = [
        [name, *(f"{spread[key]:.4f}" for key in keys)]
        for name, spread in trainings.items()
        if name != "count"
    ]
    title = f"{trainings['count']} trainings with other seeds, ndcg@10"
    return table(title, ["", "mean", "lowest", "highest", "deviation"], rows, numbers=4)


def _slices(models: list[dict[str, Any]]) -> Page:
    names = list(models[0]["slices"])
    rows: list[list[object]] = [
        [model["name"], *(interval_text(model["slices"][name]) for name in names)]
        for model in models
    ]
    return table("ndcg@10 of users who", ["", *names], rows, numbers=len(names))


def _all(metrics: dict[str, Any], sign: str = "") -> list[str]:
    return [interval_text(metrics[name], sign) for name in _METRICS]


def _chosen(chosen: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_short(value)}" for name, value in chosen.items())


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
