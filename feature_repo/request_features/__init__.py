"""The matrix that a model reads: stored features and features of the request."""

from feature_repo.request_features.matrix import (
    FAMILIES,
    Matrix,
    SlateFacts,
    begin,
    feature_columns,
    feature_matrix,
)

__all__ = [
    "FAMILIES",
    "Matrix",
    "SlateFacts",
    "begin",
    "feature_columns",
    "feature_matrix",
]
