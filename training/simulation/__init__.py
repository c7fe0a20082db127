"""The parts of the simulated shop: its words, its world and its shoppers."""
