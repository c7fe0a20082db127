"""Check an installed family once per shop: the columns that it reads and the shape of its blocks.

A request reports a column without a value as missing, so a misspelt name would train on NaN.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from math import prod
from typing import Any

import numpy as np

from feature_repo.home import CatalogueError
from feature_repo.request_features.context import RatePrior, RequestContext
from feature_repo.request_features.families.block import Block, Columns
from feature_repo.request_features.families.registry import Family
from feature_repo.shop import Shop
from feature_repo.views import NUMERIC, Entity, views_of_entity

_ITEMS = 7
"""Number of candidates of the trial request: unusual, so that no other axis has this length."""


def checked_blocks(family: Family, shop: Shop) -> Columns:
    """Evaluate an installed family on a request without values and return its blocks.

    Raises:
        CatalogueError: the family fails, reads a column that no view declares, or returns a block
            whose values do not fit its names.
    """
    title = f"Request features {family.__module__}:{family.__name__}"
    rows = _trial_rows(shop)
    context = RequestContext(
        t=0,
        user=rows["user"],
        query_row=rows["query"],
        market_row=rows["market"],
        item_ids=[f"item{n}" for n in range(_ITEMS)],
        items=rows["item"],
    )
    _forget_shared_reads(context, rows)
    failure: Exception | None = None
    blocks: list[Block] = []
    try:
        blocks = [Block(*block) for block in family(context, shop, RatePrior())]
    except Exception as error:  # A package's code may raise anything.
        failure = error
    for entity, row in rows.items():
        _check_reads(title, entity, row)
    if failure is not None:
        raise CatalogueError(
            f"{title}: expected blocks for a request whose values are all missing, found "
            f"{type(failure).__name__}: {failure}."
        ) from failure
    for block in blocks:
        _check_shape(title, block)
    return blocks


class _Row(Mapping[str, Any]):
    """The declared columns of one kind of entity, without values; it records the names read."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = columns
        self.undeclared: dict[str, None] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._columns:
            self.undeclared[name] = None
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def _trial_rows(shop: Shop) -> dict[Entity, _Row]:
    entities: tuple[Entity, ...] = ("item", "user", "query", "market")
    return {entity: _Row(_trial_columns(shop, entity)) for entity in entities}


def _trial_columns(shop: Shop, entity: Entity) -> dict[str, Any]:
    """The declared columns, all missing; an item's have a value for each candidate."""
    columns: dict[str, Any] = {}
    for spec in views_of_entity(shop, entity):
        for field in spec.fields_of(shop):
            columns[f"{spec.name}__{field.name}"] = np.nan if field.kind in NUMERIC else None
        columns[f"{spec.name}__present"] = False
    if entity == "item":
        return {name: np.full(_ITEMS, value) for name, value in columns.items()}
    return columns


def _forget_shared_reads(context: RequestContext, rows: Mapping[Entity, _Row]) -> None:
    """Compute the table of counts, which reads measures that an entity lacks, and forget that."""
    _ = context.counts
    context.memo.clear()
    for row in rows.values():
        row.undeclared.clear()


def _check_reads(title: str, entity: Entity, row: _Row) -> None:
    for name in row.undeclared:
        nearest = get_close_matches(name, row, n=1)
        advice = f"; did you mean {nearest[0]!r}?" if nearest else "; see docs/features.md."
        raise CatalogueError(
            f"{title}: expected columns of the {entity} views, found {name!r}{advice}"
        )


def _check_shape(title: str, block: Block) -> None:
    """Check that the values have a row per name and one or all candidates in the last axis."""
    names, values = block
    rows, shape = len(names), np.asarray(values, dtype=object).shape
    if isinstance(values, np.ndarray):
        fits = shape[-1:] in ((1,), (_ITEMS,)) and prod(shape[:-1]) == rows
    else:
        fits = shape == (rows,)
    if not fits:
        raise CatalogueError(
            f"{title}, block of {', '.join(names)}: expected an array ({rows}, N) or ({rows}, 1), "
            f"or a sequence of {rows} numbers, found shape {shape} for N = {_ITEMS}."
        )
