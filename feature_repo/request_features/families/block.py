"""Families of features that exist only at request time, one module each, all of one shape.

A family is a function `(context, shop, prior) -> blocks`.  It names the same columns in the same
order whatever it is given.  Blocks make a request of hundreds of columns some hundred array
operations, and names are kept, for the same reason.
"""

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

from feature_repo.request_features.context import Floats


class Block(NamedTuple):
    """Columns side by side.

    Attributes:
        names: of K columns.
        values: shape (…, N), or (…, 1) of what is the same for all candidates; the axes before the
            last have K places together, in the order of the names.  K numbers alone are also the
            same for all, None where missing; those of all families become an array at once.
    """

    names: tuple[str, ...]
    values: Floats | Sequence[float | None]


Columns = Sequence[Block]


@cache
def named(pattern: str, *parts: tuple[str, ...]) -> tuple[str, ...]:
    """The pattern with each combination of the parts, the last part changing fastest.

    >>> named("rate__{}_{}", ("item", "user"), ("7d", "all"))
    ('rate__item_7d', 'rate__item_all', 'rate__user_7d', 'rate__user_all')
    """
    return tuple(pattern.format(*combination) for combination in product(*parts))
