"""Retrieval evaluated through the serving code."""
