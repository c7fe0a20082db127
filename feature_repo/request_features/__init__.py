"""The matrix that a model reads: stored features and features of the request."""

from feature_repo.request_features.matrix import (
    Matrix,
    RequestContext,
    feature_columns,
    feature_matrix,
    precompute,
)

__all__ = [
    "Matrix",
    "RequestContext",
    "feature_columns",
    "feature_matrix",
    "precompute",
]
