"""Files into the log: event files, transaction tables, and the shop inferred from them."""

from feature_repo.events.ingest.ingest import ingest, validate
from feature_repo.events.ingest.report import IngestReport
from feature_repo.events.ingest.shop_inference import infer_shop, shop_to_toml
from feature_repo.events.ingest.transaction_mapping import TableMapping

__all__ = [
    "IngestReport",
    "TableMapping",
    "infer_shop",
    "ingest",
    "shop_to_toml",
    "validate",
]
