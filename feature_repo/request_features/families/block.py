"""The shape of a family of request features.

A family is a function `(context, shop, prior) -> blocks`.  Its columns and their order depend only
on the shop.  Blocks turn hundreds of columns into about a hundred array operations; names are
cached for the same reason.
"""

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

from feature_repo.request_features.context import Floats


class Block(NamedTuple):
    """Some columns of the matrix.

    Attributes:
        names: of K columns.
        values: shape (…, N), or (…, 1) for values that all candidates share; the axes before the
            last have K elements together, in the order of the names.  A plain sequence of K
            numbers is also shared by all candidates, None where missing.
    """

    names: tuple[str, ...]
    values: Floats | Sequence[float | None]


Columns = Sequence[Block]


@cache
def named(pattern: str, *parts: tuple[str, ...]) -> tuple[str, ...]:
    """Fill a pattern with each combination of the parts; the last part changes fastest.

    >>> named("rate__{}_{}", ("item", "user"), ("7d", "all"))
    ('rate__item_7d', 'rate__item_all', 'rate__user_7d', 'rate__user_all')
    """
    return tuple(pattern.format(*combination) for combination in product(*parts))
