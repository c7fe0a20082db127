"""Changes of the judgments: an import, and the grades of a query's items."""

from pipelines.console.actions.action import Outcome
from pipelines.console.content import Visit, address
from pipelines.operation import JudgmentsFile, parse_judgments

GRADE = "grade:"
"""Beginning of the name of a field, before the item that it grades."""


def import_judgments(visit: Visit) -> Outcome:
    """Add the judgments of a text."""
    listed = parse_judgments(visit.parameters.get("text", ""), visit.parameters.get("topics", ""))
    number = JudgmentsFile(visit.home).add(listed)
    return Outcome(address("judgments"), f"{number} judgments of {len(listed)} queries were added.")


def judge_items(visit: Visit) -> Outcome:
    """Store the grades of a query's items; an empty one removes a judgment."""
    query = visit.get("q")
    grades = {
        name.removeprefix(GRADE): int(value) if value.isdecimal() else None
        for name, value in visit.parameters.items()
        if name.startswith(GRADE)
    }
    JudgmentsFile(visit.home).add({query: grades})
    text = f"The grades of {len(grades)} items are stored."
    return Outcome(address("judgments", {"q": query}), text)
