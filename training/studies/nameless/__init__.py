"""The value of a ranker for visits without a name, measured on traffic that lost its names."""

from training.studies.nameless.evaluation import evaluate_nameless

__all__ = ["evaluate_nameless"]
