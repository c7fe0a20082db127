"""Training: datasets, rankers, retrieval indexes, evaluation and studies."""
