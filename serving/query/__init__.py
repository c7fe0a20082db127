"""A request's query, merchandising rules and list parameters, interpreted."""

from serving.query.list_request import SEARCH, SURFACES, ListRequest
from serving.query.query import Query, market_of, read_list_query, read_query
from serving.query.rules import FILE, Exploration, Rule, Rules

__all__ = [
    "FILE",
    "SEARCH",
    "SURFACES",
    "Exploration",
    "ListRequest",
    "Query",
    "Rule",
    "Rules",
    "market_of",
    "read_list_query",
    "read_query",
]
