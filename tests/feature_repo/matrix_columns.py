"""Single columns of the model's matrix, and rows of recent clicks and impressions for them."""

from feature_repo.home import parse_instant
from feature_repo.request_features import feature_columns, feature_matrix
from feature_repo.request_features.context import RatePrior
from feature_repo.shop import SIMULATED_SHOP, Shop, ShopField

NOW = parse_instant("2026-03-01T12:00:00Z")
SHOP = Shop.load(SIMULATED_SHOP)
PRIOR = RatePrior.of_counts(clicks=10, impressions=100)
COLOURS = Shop(
    "colours", (ShopField("colour", "category", "colour"), ShopField("tags", "list", "tags"))
)


def column(facts, name, shop=SHOP, prior=PRIOR):
    matrix = feature_matrix(facts, shop, prior)
    return matrix[:, feature_columns(shop).index(name)].tolist()


def recent(*, clicked=(), shown=(), **values):
    """Return a user's row; `clicked` and `shown` are (item, instant) pairs, newest first."""
    return {
        "user_recent__present": True,
        "user_recent__clicked_item_ids": [item for item, _ in clicked],
        "user_recent__clicked_at": [at for _, at in clicked],
        "user_recent__shown_item_ids": [item for item, _ in shown],
        "user_recent__shown_at": [at for _, at in shown],
        **{f"user_recent__{name}": value for name, value in values.items()},
    }
