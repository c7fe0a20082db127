"""Document the catalogue as Markdown: every feature with its type, unit, window and freshness.

Stored features come from the fields of the views, request features from the docstrings and columns
of their families.
"""

import inspect
import re
from collections.abc import Iterable
from importlib import import_module
from inspect import cleandoc
from itertools import chain

from feast import FeatureView, Field

from feature_repo.catalogue.catalogue import Catalogue
from feature_repo.home import Home
from feature_repo.request_features import RequestContext
from feature_repo.request_features.context import RatePrior
from feature_repo.request_features.families import BUILT_IN, Family, installed_families
from feature_repo.shop import Shop
from feature_repo.views import ViewSpec, views_of

UNITS = (
    (r"__present$", "0 or 1"),
    (r"^user__\w+__\w+$|^user__\w+_known$", "0 or 1"),
    (r"_seconds$", "seconds"),
    (r"_entropy$", "nats"),
    (r"__hour$|__weekday$|__month$", "of the local calendar"),
    (
        r"^trend__|__lift|_lift_|^market__.*(rate|price)$|^price__(to_|user_thrift)|_to_price$",
        "logarithm of a ratio",
    ),
    (r"^price__user_(band|spread)$", "logarithm of money"),
    (r"^price__off_band$", "spreads of the user's prices"),
    (r"__interest$", "purchases, decayed"),
    (r"__to_highest$|__orders_share_\w+$", "share of the highest"),
    (r"^purchases__rank$", "rank: from 1"),
    (r"_ratio$", "times the slate's median"),
    (r"_difference$", "as the number itself"),
    (r"_support$|_items$|__times$", "number"),
    (r"^source__\w+_rank$", "rank: from 1"),
    (r"^source__\w+_score$", "as the source scores"),
    (r"_rank$", "rank: from 1, or a share of the slate"),
    (r"^(rate|funnel)__|_(rate|share|fading|frequency|covered|jaccard)$|__discount$", "share"),
    (r"^vector__.*_(min|max|mean)$", "as the numbers themselves"),
    (r"_(matches|clicked|shown|clicks|slates|size|weight|recent_clicks|recent_shown)$", "number"),
)
"""Pattern of a request-time column's name → its unit; the first match counts."""

_HEAD = """# Features

`aisle features docs` writes this page; a test compares it with the code.  It is the catalogue of
the shop {shop!r}: another shop has its own fields.  A feature is absent if the shop lacks its
field.

`live` features are as of the instant of the request; `batch:1d` features are as of the last UTC
midnight, in training and in serving.  Every view also has the bookkeeping column `part`, and views
of the newest values have `event_times`.
"""


def features_page(home: Home) -> str:
    """Return Markdown: a table for each feature view and for each family of request features."""
    shop = Shop.load(home.shop_toml)
    parts = [_HEAD.format(shop=shop.name), "## Stored"]
    for view, spec in zip(Catalogue.of(home).views, views_of(shop), strict=True):
        parts.append(_view_section(view, spec))
    parts += ["## At request time", "Computed from stored features as of the request."]
    own = chain.from_iterable(BUILT_IN.values())
    families = [*dict.fromkeys((*own, *installed_families()))]
    parts += [_family_section(family, shop) for family in families[1:]]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def unit_of(column: str) -> str | None:
    """Return the unit of a request-time column; None if its name matches no pattern."""
    return next((unit for pattern, unit in UNITS if re.search(pattern, column)), None)


def _view_section(view: FeatureView, spec: ViewSpec) -> str:
    origin = f"Entity {spec.entity}, {spec.freshness}, `features/{spec.sql_file.name}`."
    rows = [_field_row(field) for field in view.features if field.tags.get("role") != "bookkeeping"]
    table = _table(("feature", "type", "unit", "window", "what"), rows)
    return f"### {view.name}\n\n{view.description}  {origin}\n\n{table}"


def _field_row(field: Field) -> tuple[str, ...]:
    tags = field.tags
    return (
        f"`{field.name}`",
        str(field.dtype),
        tags.get("unit", ""),
        tags.get("window", ""),
        field.description,
    )


def _family_section(family: Family, shop: Shop) -> str:
    blocks = family(RequestContext(t=0), shop, RatePrior())
    columns = [name for block in blocks for name in block.names]
    if not columns:
        return ""
    module = import_module(family.__module__)
    rows = [(f"`{name}`", unit_of(name) or "", _window(name)) for name in columns]
    about = cleandoc(f"{_paragraph(module.__doc__)}\n\n{inspect.getdoc(family)}")
    return f"### {family.__name__}\n\n{about}\n\n{_table(('feature', 'unit', 'window'), rows)}"


def _window(column: str) -> str:
    """The windows in a column's name; "all covered" is not a window."""
    windows = re.findall(r"(?<=_)(1d|7d|30d|all(?!_covered))(?=_|$)", column)
    return " against ".join(windows)


def _paragraph(text: str | None) -> str:
    return cleandoc(text or "")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines
    )
