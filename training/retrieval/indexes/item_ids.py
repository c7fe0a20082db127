"""Items by the forms of their ids: `ha0001` and `HA-0001` for `HA-0001/GR`."""

from collections.abc import Iterable

from training.query_understanding import words

SHORTEST = 3


def is_plain(item_id: str) -> bool:
    """Whether an id has a single form."""
    return item_id.isascii() and item_id.isalnum() and item_id == item_id.lower()


def rows_by_id(item_ids: Iterable[str], rows: Iterable[int]) -> dict[str, list[int]]:
    """Return the rows of items by folded id, without signs; and by its first parts with a digit.

    >>> rows_by_id(["HA-0001/GR"], [7])
    {'ha0001': [7], 'ha0001gr': [7]}
    """
    by_form: dict[str, list[int]] = {}
    for item_id, row in zip(item_ids, rows, strict=True):
        for form in id_forms(item_id):
            by_form.setdefault(form, []).append(row)
    return by_form


def id_forms(item_id: str) -> list[str]:
    """Return the id without signs, and its first parts with a digit."""
    parts = words(item_id)
    joined = ["".join(parts[:n]) for n in range(1, len(parts) + 1)]
    beginnings = [
        form for form in joined[:-1] if len(form) >= SHORTEST and any(map(str.isdigit, form))
    ]
    return [*beginnings, *joined[-1:]]
