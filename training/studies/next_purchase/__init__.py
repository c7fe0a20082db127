"""Next-purchase rankers: which of all items a user buys next."""

from training.studies.next_purchase.baselines import POPULARITY, REPEAT
from training.studies.next_purchase.decisions import Decisions
from training.studies.next_purchase.evaluation import evaluate_next_purchase
from training.studies.next_purchase.features import Lookups
from training.studies.next_purchase.fitting import Trial, choose_baseline
from training.studies.next_purchase.history import History, Ints
from training.studies.next_purchase.order import CONVENTIONS, MAIN, measure

__all__ = [
    "CONVENTIONS",
    "MAIN",
    "POPULARITY",
    "REPEAT",
    "Decisions",
    "History",
    "Ints",
    "Lookups",
    "Trial",
    "choose_baseline",
    "evaluate_next_purchase",
    "measure",
]
