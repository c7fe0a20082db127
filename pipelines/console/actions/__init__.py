"""What the forms of the console change."""

from pipelines.console.actions.action import Action
from pipelines.console.actions.registry import ACTIONS

__all__ = ["ACTIONS", "Action"]
