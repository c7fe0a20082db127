"""The request flow from query to slate: one function per stage."""

from serving.flow.autocomplete import complete
from serving.flow.deciding import decide
from serving.flow.inventory import describe_models
from serving.flow.request_flow import answer, answer_page
from serving.flow.resources import Resources

__all__ = [
    "Resources",
    "answer",
    "answer_page",
    "complete",
    "decide",
    "describe_models",
]
