"""Families of request-time features, one module each, all of one shape."""

from feature_repo.request_features.families.ages import age_seconds, ages
from feature_repo.request_features.families.block import Block, Columns
from feature_repo.request_features.families.calendar import calendar
from feature_repo.request_features.families.funnel import funnel
from feature_repo.request_features.families.history import history
from feature_repo.request_features.families.listed import split
from feature_repo.request_features.families.market import market
from feature_repo.request_features.families.percentiles import percentiles
from feature_repo.request_features.families.price import price
from feature_repo.request_features.families.query_items import query_items
from feature_repo.request_features.families.rates import rates
from feature_repo.request_features.families.session import session
from feature_repo.request_features.families.slate import slate
from feature_repo.request_features.families.sources import SOURCES, sources
from feature_repo.request_features.families.stored import stored
from feature_repo.request_features.families.taste import taste
from feature_repo.request_features.families.tenure import tenure
from feature_repo.request_features.families.text_match import matches, text_match
from feature_repo.request_features.families.trend import trend
from feature_repo.request_features.families.user_attributes import user_attributes
from feature_repo.request_features.families.vectors import vectors

__all__ = [
    "SOURCES",
    "Block",
    "Columns",
    "age_seconds",
    "ages",
    "calendar",
    "funnel",
    "history",
    "market",
    "matches",
    "percentiles",
    "price",
    "query_items",
    "rates",
    "session",
    "slate",
    "sources",
    "split",
    "stored",
    "taste",
    "tenure",
    "text_match",
    "trend",
    "user_attributes",
    "vectors",
]
