"""A request's query and list parameters, interpreted."""

from serving.query.list_request import SEARCH, SURFACES, ListRequest
from serving.query.query import Query, market_of, read_list_query, read_query

__all__ = [
    "SEARCH",
    "SURFACES",
    "ListRequest",
    "Query",
    "market_of",
    "read_list_query",
    "read_query",
]
