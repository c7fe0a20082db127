"""Merchandising rules, which change the order of a list and what it has."""

from training.rules.rules import RULES_FILE, Exploration, Rule, Rules, draft_path

__all__ = ["RULES_FILE", "Exploration", "Rule", "Rules", "draft_path"]
