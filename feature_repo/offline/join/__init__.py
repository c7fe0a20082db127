"""The point-in-time join: keys sorted once, binary search, late gather."""

from feature_repo.offline.join.feature_join import FeatureJoin, spill
from feature_repo.offline.join.lookup import Lookup
from feature_repo.offline.join.resources import Limits
from feature_repo.offline.join.sorted_join import RowNumbers

__all__ = [
    "FeatureJoin",
    "Limits",
    "Lookup",
    "RowNumbers",
    "spill",
]
