"""The online store and the materialization engine as Feast loads them."""

from feature_repo.online.feast.read_plan import report_damage

__all__ = [
    "report_damage",
]
