"""Lines of SQL that depend on the shop's fields.

Names are quoted, and a field's name reaches SQL only as a quoted text.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from feature_repo.shop import ShopField
from feature_repo.views.history_limits import VALUE_SEPARATOR

_T = TypeVar("_T")


def lines(elements: Iterable[_T], line: Callable[[_T], str]) -> str:
    """Return one line of SQL for each element, indented as a list of select expressions."""
    return "\n        ".join(line(element) for element in elements)


def quoted_name(field: ShopField) -> str:
    """Return a field's column as an SQL name."""
    return f'"{field.column}"'


def quoted_text(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def item_text(field: ShopField) -> str:
    """Return the expression of an item's field as the text that a history row stores."""
    value = f"item_attributes.{quoted_name(field)}"
    text = {
        "list": f"array_to_string({value}, {quoted_text(VALUE_SEPARATOR)})",
        "number": f"minor_units({value})::varchar",
    }.get(field.type, value)
    return f"coalesce({text}, '')"
