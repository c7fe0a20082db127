"""Which items a user buys next, of all there are."""
