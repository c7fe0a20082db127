"""Single columns of the model's matrix."""

from feature_repo.home import parse_instant
from feature_repo.request_features import feature_columns, feature_matrix
from feature_repo.request_features.context import RatePrior
from feature_repo.shop import SIMULATED_SHOP, Shop

NOW = parse_instant("2026-03-01T12:00:00Z")
SHOP = Shop.load(SIMULATED_SHOP)
PRIOR = RatePrior.of_counts(clicks=10, impressions=100)


def column(facts, name, shop=SHOP, prior=PRIOR):
    matrix = feature_matrix(facts, shop, prior)
    return matrix[:, feature_columns(shop).index(name)].tolist()
