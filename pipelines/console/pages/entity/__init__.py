"""The page of an entity, and the data of a user."""

from pipelines.console.pages.entity.page import entity
from pipelines.console.pages.entity.personal import export

__all__ = ["entity", "export"]
