"""Rankers held against the truth of simulated shops."""
