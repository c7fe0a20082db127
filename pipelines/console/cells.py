"""The values of a table in words."""

from typing import Any


def cell(value: Any) -> str:
    """Return a value as a cell shows it.

    >>> cell(None), cell(True), cell(12345), cell(0.123456), cell("shoes")
    ('–', 'yes', '12,345', '0.1235', 'shoes')
    """
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}"
    return str(value)
