"""What a request knows beside stored rows: counts, rate priors, overrides and codes."""

from feature_repo.request_features.context.codes import Vocabulary
from feature_repo.request_features.context.counts import (
    COUNTS,
    DAY,
    EVER,
    MONTH,
    WEEK,
    Counts,
    part,
    places_of,
)
from feature_repo.request_features.context.overrides import with_overrides
from feature_repo.request_features.context.rate_prior import RatePrior
from feature_repo.request_features.context.request_context import (
    Bits,
    FieldValues,
    Flags,
    Floats,
    Found,
    ItemValues,
    SlateFacts,
    as_list,
    as_number,
    as_numbers,
    as_values,
    is_present,
    or_zero,
)

__all__ = [
    "COUNTS",
    "DAY",
    "EVER",
    "MONTH",
    "WEEK",
    "Bits",
    "Counts",
    "FieldValues",
    "Flags",
    "Floats",
    "Found",
    "ItemValues",
    "RatePrior",
    "SlateFacts",
    "Vocabulary",
    "as_list",
    "as_number",
    "as_numbers",
    "as_values",
    "is_present",
    "or_zero",
    "part",
    "places_of",
    "with_overrides",
]
