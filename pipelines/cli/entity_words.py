"""The features of one entity in words, as a person reads them."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from pipelines.inspection import in_words
from pipelines.terminal import Page, line, pages, table


def entity_words(features: Sequence[Mapping[str, Any]], *, with_online: bool) -> Page:
    """Return one table for each view that has values.

    Args:
        features: of `entity_page.offline`, with the value that a request reads as `online`.
        with_online: whether requests were asked at all.
    """
    parts: list[Page] = []
    for view, rows in groupby(features, key=lambda feature: feature["view"]):
        of_view = [*rows]
        values = [feature for feature in of_view if _values(feature) != (None, None)]
        shown = [feature for feature in values if _values(feature) not in _ZEROS]
        if not shown:
            parts.append(line(f"{view} " + ("All are 0." if values else "No values yet.")))
            continue
        parts.append(
            table(view, ["feature", "value", "since"], [_row(f, with_online) for f in shown])
        )
        if hidden := len(of_view) - len(shown):
            parts.append(line(f"{hidden} others are 0 or have no value."))
    return pages(*parts)


_ZEROS = ((0, 0), (0, None), (None, 0))


def _values(feature: Mapping[str, Any]) -> tuple[Any, Any]:
    return feature["value"], feature.get("online")


def _row(feature: Mapping[str, Any], with_online: bool) -> list[object]:
    offline, online = (in_words(value, feature["unit"]) for value in _values(feature))
    differ = with_online and feature["online"] is not None and online != offline
    value = f"{offline}; a request reads {online}" if differ else offline
    since = (feature["since"] or "")[:16].replace("T", " ")
    words = feature["description"].split(";")[0].rstrip(".")
    return [words.removesuffix(f": {feature['unit']}"), value, since]
