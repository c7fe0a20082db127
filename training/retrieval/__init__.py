"""Retrieval: the item table, the indexes and the candidate sources."""
