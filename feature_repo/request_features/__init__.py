"""The matrix that a model reads: stored features and features of the request."""

from feature_repo.request_features.matrix import (
    FAMILIES,
    Matrix,
    RequestContext,
    feature_columns,
    feature_matrix,
    precompute,
)

__all__ = [
    "FAMILIES",
    "Matrix",
    "RequestContext",
    "feature_columns",
    "feature_matrix",
    "precompute",
]
