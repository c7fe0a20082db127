"""Bandits on simulated shoppers, whose click rates are known."""

from training.studies.bandits.report import bandit_plots, bandit_report

__all__ = ["bandit_plots", "bandit_report"]
