"""Studies: simulated shops, offline evaluations and comparisons; serving does not use them."""
