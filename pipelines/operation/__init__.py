"""What people change in a home, for the verbs of the command line and the pages of the console."""

from pipelines.operation.judgments_file import HIGHEST, JudgmentsFile, parse_judgments
from pipelines.operation.models import put_in_use, retire, roll_back
from pipelines.operation.rule_text import add_rule, remove_rule
from pipelines.operation.rules_file import Change, RulesFile

__all__ = [
    "HIGHEST",
    "Change",
    "JudgmentsFile",
    "RulesFile",
    "add_rule",
    "parse_judgments",
    "put_in_use",
    "remove_rule",
    "retire",
    "roll_back",
]
