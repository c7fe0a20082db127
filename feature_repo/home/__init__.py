"""The home of one shop: its folder, settings, clock, locks, keys and errors."""

from feature_repo.home import clock
from feature_repo.home.api_keys import ApiKey, ApiKeys
from feature_repo.home.atomic_files import (
    TEMPORARY,
    locked,
    publish,
    replacing,
    sweep,
    sync_folder,
)
from feature_repo.home.clock import Clock
from feature_repo.home.errors import (
    AisleError,
    ArtifactError,
    CatalogueError,
    DatasetError,
    EventError,
    LateFileError,
    LeakError,
    LogError,
    MappingError,
    PipelineError,
    RedisError,
    ServiceError,
    SettingError,
    ShopError,
    SourceChangedError,
)
from feature_repo.home.extensions import extension_names, extensions
from feature_repo.home.home import CHECKOUT, DEFAULT_ROOT, Home
from feature_repo.home.instants import (
    DAY,
    EPOCH,
    HOUR,
    LATEST,
    MINUTE,
    SECOND,
    from_datetime,
    parse_instant,
    to_datetime,
    to_text,
    utc_offset_minutes,
)
from feature_repo.home.locks import exclusive
from feature_repo.home.settings import Settings

__all__ = [
    "CHECKOUT",
    "DAY",
    "DEFAULT_ROOT",
    "EPOCH",
    "HOUR",
    "LATEST",
    "MINUTE",
    "SECOND",
    "TEMPORARY",
    "AisleError",
    "ApiKey",
    "ApiKeys",
    "ArtifactError",
    "CatalogueError",
    "Clock",
    "DatasetError",
    "EventError",
    "Home",
    "LateFileError",
    "LeakError",
    "LogError",
    "MappingError",
    "PipelineError",
    "RedisError",
    "ServiceError",
    "SettingError",
    "Settings",
    "ShopError",
    "SourceChangedError",
    "clock",
    "exclusive",
    "extension_names",
    "extensions",
    "from_datetime",
    "locked",
    "parse_instant",
    "publish",
    "replacing",
    "sweep",
    "sync_folder",
    "to_datetime",
    "to_text",
    "utc_offset_minutes",
]
