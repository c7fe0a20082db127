"""A request from question to slate: stages in order."""

from serving.flow.inventory import describe_models
from serving.flow.request_flow import answer, answer_page
from serving.flow.resources import Resources

__all__ = [
    "Resources",
    "answer",
    "answer_page",
    "describe_models",
]
