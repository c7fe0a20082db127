"""What the forms of the console change."""

from pipelines.console.actions.action import Action
from pipelines.console.actions.judgments import GRADE
from pipelines.console.actions.registry import ACTIONS

__all__ = ["ACTIONS", "GRADE", "Action"]
