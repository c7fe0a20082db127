"""The store must serve every column of a ranker."""

from collections.abc import Collection, Sequence

from feature_repo.feast_repo import registered_views
from feature_repo.home import Home
from feature_repo.request_features import feature_columns
from feature_repo.shop import Shop
from feature_repo.views import views_of
from training.gate.result import GuardrailResult

LAYOUT = "layout"
_NAMED = 10


def check_layout(home: Home, columns: Sequence[str], service: str) -> GuardrailResult:
    """Check that the features of the home have the columns, and that its store has the views.

    Args:
        home: where the ranker is to serve.
        columns: that the ranker reads.
        service: its feature service.
    """
    shop = Shop.load(home.shop_toml)
    served = feature_columns(shop, service)
    lacking = unserved_columns(columns, served)
    unregistered = _unregistered_views(home, shop)
    if lacking:
        reason = f"The store does not serve {len(lacking)} of its columns: {listed(lacking)}."
    elif unregistered:
        reason = f"The store has no views {listed(unregistered)}; `aisle refresh` adds them."
    else:
        reason = f"The store serves all {len(columns)} columns."
    return GuardrailResult.of(
        LAYOUT,
        not lacking and not unregistered,
        reason,
        float(len(lacking)),
        0.0,
        lacking=lacking,
        not_read=unserved_columns(served, columns),
        unregistered=unregistered,
    )


def unserved_columns(columns: Sequence[str], served: Collection[str]) -> list[str]:
    """Return the columns that are not among the served ones, in their order."""
    return [name for name in columns if name not in {*served}]


def listed(names: Sequence[str]) -> str:
    """Return the first names, with commas between."""
    return f"{', '.join(names[:_NAMED])}{', …' if len(names) > _NAMED else ''}"


def _unregistered_views(home: Home, shop: Shop) -> list[str]:
    """Return the views that the registry lacks; none where the home has no registry yet."""
    if not home.registry.exists():
        return []
    return sorted({spec.name for spec in views_of(shop)} - registered_views(home))
