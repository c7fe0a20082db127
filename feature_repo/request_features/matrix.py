"""Build the float32 matrix of a request from its context.

Training passes historical values and serving passes live ones; equal contexts have equal matrices.
Nothing here reads a file, a store or a clock, and no column depends on a position.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

import numpy as np
import numpy.typing as npt

from feature_repo.home import CatalogueError
from feature_repo.request_features.context import RatePrior, RequestContext, as_numbers
from feature_repo.request_features.families import (
    Block,
    Columns,
    Family,
    age_seconds,
    checked_blocks,
    families_of,
    installed_families,
    matches,
)
from feature_repo.shop import Shop
from feature_repo.views import RANKING_SERVICE

__all__ = ["Matrix", "RequestContext", "feature_columns", "feature_matrix", "precompute"]

Matrix = npt.NDArray[np.float32]


@lru_cache(maxsize=64)
def feature_columns(shop: Shop, service: str = RANKING_SERVICE) -> tuple[str, ...]:
    """Return the F columns of a feature service's matrix, in order.

    Raises:
        CatalogueError: an installed family has a column of another family, reads a column that no
            view declares, or returns blocks of a wrong shape.
    """
    _check_installed(shop, service)
    blocks = _blocks(RequestContext(t=0), shop, RatePrior(), service)
    return tuple(_rows(tuple(names for names, _ in blocks)))


def feature_matrix(
    context: RequestContext, shop: Shop, prior: RatePrior, service: str = RANKING_SERVICE
) -> Matrix:
    """Return a feature service's matrix, shape (N, F) float32, candidates in the order given.

    NaN where missing, never infinite.
    """
    with np.errstate(all="ignore"):
        blocks = _blocks(context, shop, prior, service)
        rows = _rows(tuple([names for names, _ in blocks]))
        matrix = _filled(blocks, len(context.item_ids))
    if len(rows) < len(matrix):
        matrix = matrix[[*rows.values()]]
    np.copyto(matrix, np.nan, where=~np.isfinite(matrix))
    return np.ascontiguousarray(matrix.T)


def precompute(context: RequestContext, shop: Shop) -> None:
    """Compute intermediate results of candidates and query text, which `feature_matrix` reuses."""
    with np.errstate(all="ignore"):
        age_seconds(context, shop)
        matches(context, shop)


def _filled(blocks: Sequence[Block], size: int) -> Matrix:
    """Shape (columns of all blocks, N)."""
    matrix = np.empty((sum([len(names) for names, _ in blocks]), size), dtype=np.float32)
    start = 0
    shared_rows: list[int] = []
    shared: list[float | None] = []
    for names, values in blocks:
        end = start + len(names)
        if isinstance(values, np.ndarray):
            rows = matrix[start:end]
            (rows if values.ndim == 2 else rows.reshape(*values.shape[:-1], size))[:] = values
        else:
            shared_rows += range(start, end)
            shared += values
        start = end
    matrix[shared_rows] = as_numbers(shared)[:, None]
    return matrix


@lru_cache(maxsize=64)
def _rows(names: tuple[tuple[str, ...], ...]) -> dict[str, int]:
    """Column → its row in the stacked blocks; if two have one name, the later row."""
    return {name: row for row, name in enumerate(chain.from_iterable(names))}


def _blocks(context: RequestContext, shop: Shop, prior: RatePrior, service: str) -> list[Block]:
    return [block for family in families_of(service) for block in family(context, shop, prior)]


def _check_installed(shop: Shop, service: str) -> None:
    """Check what installed families read and return, and that their columns are new."""
    origin: dict[str, str] = {}
    for family in families_of(service):
        for name in chain.from_iterable(names for names, _ in _blocks_of(family, shop)):
            if name in origin and family in installed_families():
                raise CatalogueError(
                    f"Request feature {name!r} of family {family.__name__}: expected a new name, "
                    f"found a column of {origin[name]}; rename it."
                )
            origin.setdefault(name, family.__name__)


def _blocks_of(family: Family, shop: Shop) -> Columns:
    """The blocks of a request without values."""
    with np.errstate(all="ignore"):
        if family in installed_families():
            return checked_blocks(family, shop)
        return family(RequestContext(t=0), shop, RatePrior())
