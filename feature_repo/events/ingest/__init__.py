"""Files into the log: event files, transaction tables, and the shop inferred from them."""

from feature_repo.events.ingest.day_files import UNDATED, split_by_day
from feature_repo.events.ingest.ingest import Mode, ingest, validate
from feature_repo.events.ingest.report import IngestReport
from feature_repo.events.ingest.shop_inference import infer_shop, shop_to_toml
from feature_repo.events.ingest.transaction_mapping import TableMapping

__all__ = [
    "UNDATED",
    "IngestReport",
    "Mode",
    "TableMapping",
    "infer_shop",
    "ingest",
    "shop_to_toml",
    "split_by_day",
    "validate",
]
