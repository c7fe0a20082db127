"""What a shop's events may say besides the contract.

[contract]
strict = true                       # refuse events with warnings
types = ["return", "wishlist"]      # the shop's own types of interactions, which no feature counts
ignore = ["internal_*"]             # fields that are sent and not declared

[contract.allowed]
interaction_items_exist = 0.3       # share of rows that may differ from this expectation
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from feature_repo.home import ShopError


@dataclass(frozen=True)
class ContractRules:
    """Which events of a shop are refused or named in warnings.

    Attributes:
        strict: whether an event with a warning is refused.
        types: types of interactions besides those that features count.
        ignore: patterns of fields that are sent and not declared, with `*` for any characters.
        allowed: by expectation of a data contract, the share of rows that may differ.
    """

    strict: bool = False
    types: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    allowed: Mapping[str, float] = field(default_factory=dict, hash=False, repr=False)

    def ignores(self, name: str) -> bool:
        """Return whether a field is sent on purpose although it is not declared."""
        return any(fnmatchcase(name, pattern) for pattern in self.ignore)


def read_contract_rules(table: Any, source: Path) -> ContractRules:
    """Read the table `[contract]` of `source`.

    Raises:
        ShopError: an unknown key, or a value of another type.
    """
    if not isinstance(table, dict) or set(table) - {"strict", "types", "ignore", "allowed"}:
        raise ShopError(
            f"{source}: expected [contract] with the keys strict, types, ignore and allowed, found "
            f"{table!r}."
        )
    strict = table.get("strict", False)
    if type(strict) is not bool:
        raise ShopError(f"{source}: [contract] strict: expected true or false, found {strict!r}.")
    lists = {name: table.get(name, []) for name in ("types", "ignore")}
    for name, texts in lists.items():
        if not isinstance(texts, list) or not all(isinstance(t, str) and t for t in texts):
            raise ShopError(f"{source}: [contract] {name}: expected texts, found {texts!r}.")
    allowed = _read_allowed(table.get("allowed", {}), source)
    return ContractRules(strict, tuple(lists["types"]), tuple(lists["ignore"]), allowed)


def _read_allowed(table: Any, source: Path) -> Mapping[str, float]:
    shares: list[Any] = [*table.values()] if isinstance(table, dict) else [None]
    if not all(type(share) in (int, float) and 0 <= share <= 1 for share in shares):
        raise ShopError(
            f"{source}: [contract.allowed]: expected shares from 0 to 1 by expectation, found "
            f"{table!r}."
        )
    return {name: float(share) for name, share in table.items()}
