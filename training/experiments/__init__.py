"""Experiments: which variant of a request's settings a shopper gets."""

from training.experiments.assignment import UnitKind, is_held_out, variant_of
from training.experiments.decisions import (
    DECISIONS_FILE,
    Decision,
    read_decisions,
    write_decisions,
)
from training.experiments.declaration import EXPERIMENTS_FILE, Experiments
from training.experiments.experiment import INTERLEAVED, Experiment, Variant
from training.experiments.interleaving import Draft, team_draft
from training.experiments.occasion import Occasion
from training.experiments.optimized_interleaving import optimized_draft

__all__ = [
    "DECISIONS_FILE",
    "EXPERIMENTS_FILE",
    "INTERLEAVED",
    "Decision",
    "Draft",
    "Experiment",
    "Experiments",
    "Occasion",
    "UnitKind",
    "Variant",
    "is_held_out",
    "optimized_draft",
    "read_decisions",
    "team_draft",
    "variant_of",
    "write_decisions",
]
