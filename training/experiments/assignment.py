"""Assignment of shoppers to variants: a pure function of ids, layers and names.

No state is stored, so all processes agree, and a restart changes nothing.  A layer places each unit
into one of 10,000 buckets; an experiment takes a range of them, so that a longer range only adds
units.  Within it, each variant draws an exponential time with its weight as rate, from a hash of
experiment, variant and unit, and the first wins (an exponential race, as in weighted rendezvous
hashing).  A greater weight can only win more races, so no unit moves between other variants.
"""

import math
from hashlib import blake2b
from typing import Literal

from training.experiments.experiment import BUCKETS, INTERLEAVED, Experiment, Variant

UnitKind = Literal["user", "session"]

_RANGE = 2.0**64
_HOLDOUT = "holdout"


def bucket_of(layer: str, kind: UnitKind, unit: str) -> int:
    """Return the bucket of a unit in a layer, 0 to 9,999."""
    return _hash(layer, kind, unit) * BUCKETS >> 64


def is_held_out(share: float, kind: UnitKind, unit: str) -> bool:
    """Whether a unit belongs to the share that no experiment treats."""
    return share > 0 and _hash(_HOLDOUT, kind, unit) < share * _RANGE


def variant_of(experiment: Experiment, kind: UnitKind, unit: str) -> Variant | None:
    """Return the variant of a unit; None where the experiment does not include it."""
    first, last = experiment.buckets
    if not first <= bucket_of(experiment.layer, kind, unit) <= last:
        return None
    if experiment.is_interleaving:
        return INTERLEAVED
    weighted = [variant for variant in experiment.variants if variant.weight]
    return min(weighted, key=lambda variant: _time(experiment.name, variant, kind, unit))


def _time(experiment: str, variant: Variant, kind: UnitKind, unit: str) -> float:
    """Draw an exponential time whose rate is the variant's weight."""
    uniform = (_hash(f"{experiment}\n{variant.name}", kind, unit) + 0.5) / _RANGE
    return -math.log(uniform) / variant.weight


def _hash(salt: str, kind: UnitKind, unit: str) -> int:
    """Return a number below 2**64; names have no line feed, so no two salts are one text."""
    text = f"{salt}\n{kind}\n{unit}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
