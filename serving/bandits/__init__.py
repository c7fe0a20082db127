"""Bandits of live requests."""

from serving.bandits.choice import cell_of, choose

__all__ = ["cell_of", "choose"]
