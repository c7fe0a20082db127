"""The inputs of a request's features: stored values, counts and texts."""

from feature_repo.request_features.context.codes import TextCodes
from feature_repo.request_features.context.counts import (
    COUNTS,
    DAY_INDEX,
    EVER_INDEX,
    MONTH_INDEX,
    WEEK_INDEX,
    Counts,
    entity_slice,
    measure_indexes,
)
from feature_repo.request_features.context.logarithms import rounded_log
from feature_repo.request_features.context.overrides import with_overrides
from feature_repo.request_features.context.rate_prior import RatePrior
from feature_repo.request_features.context.request_context import (
    Bits,
    FieldValues,
    Flags,
    Floats,
    ItemValues,
    RequestContext,
    SourceRanks,
    as_list,
    as_number,
    as_numbers,
    as_values,
    is_present,
    or_zero,
)
from feature_repo.request_features.context.shopper import shopper

__all__ = [
    "COUNTS",
    "DAY_INDEX",
    "EVER_INDEX",
    "MONTH_INDEX",
    "WEEK_INDEX",
    "Bits",
    "Counts",
    "FieldValues",
    "Flags",
    "Floats",
    "ItemValues",
    "RatePrior",
    "RequestContext",
    "SourceRanks",
    "TextCodes",
    "as_list",
    "as_number",
    "as_numbers",
    "as_values",
    "entity_slice",
    "is_present",
    "measure_indexes",
    "or_zero",
    "rounded_log",
    "shopper",
    "with_overrides",
]
