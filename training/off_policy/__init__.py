"""Off-policy evaluation: the value of a policy, estimated from slates that another drew."""

from training.off_policy.answers import Answer, Answers
from training.off_policy.policies import Logging, Ordered, Policy, Uniform
from training.off_policy.report import off_policy_report

__all__ = [
    "Answer",
    "Answers",
    "Logging",
    "Ordered",
    "Policy",
    "Uniform",
    "off_policy_report",
]
