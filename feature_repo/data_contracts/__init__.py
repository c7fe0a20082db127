"""Data contracts: what the events and the feature rows of a home must be like before they serve."""

from feature_repo.data_contracts.validation import check_contracts

__all__ = ["check_contracts"]
