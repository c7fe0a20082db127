"""The verbs of reports from the log."""
