"""The features of one entity in words, as a person reads them."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from feature_repo.home import to_text
from pipelines.terminal import Page, line, pages, table

_LISTED = 5
"""Elements of a list that are shown."""


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


def in_words(value: Any, unit: str) -> str:
    """Return a value of a feature as a person writes it.

    >>> in_words(1990, "minor units of money"), in_words(0.25, "share"), in_words(3, "events")
    ('19.90', '25 %', '3')
    >>> in_words(["a\x1fb", "c"], "texts"), in_words(None, "events"), in_words(True, "")
    ('a/b, c', 'no value', 'yes')
    """
    if isinstance(value, list):
        listed = ", ".join(in_words(element, unit) for element in value[:_LISTED])
        further = f" … ({len(value)})" if len(value) > _LISTED else ""
        return f"{listed}{further}" or "none"
    if value is None or value == "":
        return "no value"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.replace("\x1f", "/")
    return _number_in_words(value, unit)


def _number_in_words(number: float, unit: str) -> str:
    match unit:
        case "minor units of money":
            return f"{number / 100:.2f}"
        case "microseconds since 1970 UTC":
            return to_text(int(number))[:16].replace("T", " ")
        case "share":
            return f"{number:.0%}".replace("%", " %")
    return f"{number:g}" if isinstance(number, float) else str(number)
