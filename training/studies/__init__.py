"""Studies: simulated shops, offline evaluations and comparisons; no served request reaches them."""
