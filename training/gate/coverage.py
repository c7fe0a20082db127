"""The published candidate indexes must be whole, and must be able to return most items for sale."""

from feature_repo.home import ArtifactError, Home
from feature_repo.shop import Shop
from training.artifacts import current, is_published, verify
from training.gate.limits import COVERAGE
from training.gate.result import GuardrailResult
from training.retrieval.catalogue import ItemTable
from training.retrieval.indexes import ITEM_TABLE
from training.retrieval.sources import index_specs

INDEXES = "indexes"
_NAME = "default"


def check_coverage(home: Home) -> GuardrailResult:
    """Check the published indexes against the items that are for sale now."""
    published = [kind for kind in index_specs() if is_published(home, kind)]
    if ITEM_TABLE not in published:
        return GuardrailResult.not_measured(INDEXES, "No candidate index is published.")
    try:
        folders = {kind: current(home, kind, _NAME) for kind in published}
        for kind, folder in folders.items():
            verify(folder, kind, _NAME)
        indexed = {*ItemTable.load(folders[ITEM_TABLE], Shop.load(home.shop_toml)).item_ids}
    except ArtifactError as error:
        return GuardrailResult.of(INDEXES, False, f"A published index is damaged: {error}")
    for_sale = ItemTable.fit(home).item_ids
    covered = sum(item in indexed for item in for_sale) / max(len(for_sale), 1)
    return GuardrailResult.of(
        INDEXES,
        covered >= COVERAGE or not len(for_sale),
        f"The indexes have {covered:.0%} of the {len(for_sale)} items for sale; expected at least "
        f"{COVERAGE:.0%}, which `aisle refresh` restores.",
        covered,
        COVERAGE,
    )
