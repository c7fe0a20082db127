"""Files into the log: event files, transaction tables, and the shop inferred from them."""

from feature_repo.events.ingest import shop_inference
from feature_repo.events.ingest.ingest import ingest, validate
from feature_repo.events.ingest.report import IngestReport
from feature_repo.events.ingest.transaction_mapping import TableMapping

__all__ = [
    "IngestReport",
    "TableMapping",
    "ingest",
    "shop_inference",
    "validate",
]
