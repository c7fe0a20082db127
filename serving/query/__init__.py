"""A request's query, merchandising rules and list parameters, interpreted."""

from serving.query.list_request import SEARCH, SURFACES, Wanted
from serving.query.query import Question, read_page_question, read_question
from serving.query.rules import FILE, Exploration, Rule, Rules

__all__ = [
    "FILE",
    "SEARCH",
    "SURFACES",
    "Exploration",
    "Question",
    "Rule",
    "Rules",
    "Wanted",
    "read_page_question",
    "read_question",
]
