"""Analysis of experiments: from the log to differences with intervals, and a verdict."""

from training.experiment_analysis.automatic import decide_experiments
from training.experiment_analysis.metrics import METRICS
from training.experiment_analysis.plan import experiment_plan
from training.experiment_analysis.report import experiment_report

__all__ = ["METRICS", "decide_experiments", "experiment_plan", "experiment_report"]
