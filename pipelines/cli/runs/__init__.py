"""The verbs of steps and of pipelines."""
