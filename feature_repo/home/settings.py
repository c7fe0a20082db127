"""Settings: read from the environment once, by the entry point, and passed as arguments."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from feature_repo.home.errors import SettingError
from feature_repo.home.home import DEFAULT_ROOT, Home

_ORIGIN = re.compile(r"https?://[\w.\[\]:-]+")


@dataclass(frozen=True)
class Settings:
    """The settings of the environment.

    Attributes:
        home: the folder of run-time state (`AISLE_HOME`, default `.aisle/` in the checkout).
        redis_url: a Redis server to use instead of a private one (`REDIS_URL`).
        clock: first instant of a new home's clock (`AISLE_CLOCK`).
        record_share: share of requests, 0 to 1, whose feature vectors are logged (`AISLE_RECORD`).
        shadow_share: share of answers that the ranker `shadow` scores too (`AISLE_SHADOW`).
        cors_origins: origins whose pages may read answers (`AISLE_CORS`, separated by commas).
        api_key: secret that the command line sends to a service (`AISLE_KEY`).
        workers: number of processes of a service (`AISLE_WORKERS`).
        retention_days: days after which runs, datasets, quarantined lines and artifacts that are
            not in use are removed (`AISLE_RETENTION_DAYS`).
        drain_seconds: how long a service that ends still takes requests (`AISLE_DRAIN`).
        patience: factor on the deadlines of a request, for slow machines (`AISLE_PATIENCE`).
        storefront: whether the service has the pages of `/shop`; None for a home without keys, at
            loopback addresses (`AISLE_STOREFRONT`, 0 or 1).
        webhook: URL that the end of a pipeline run is posted to (`AISLE_WEBHOOK`).
        tracking: MLflow server, or SQLite file, that shows all rankers (`MLFLOW_TRACKING_URI`).
        kubeflow: URL of Kubeflow's pages, which the console links to (`AISLE_KUBEFLOW`).
    """

    home: Home
    redis_url: str | None = None
    clock: str | None = None
    record_share: float = 0.01
    shadow_share: float = 0.1
    cors_origins: tuple[str, ...] = ()
    api_key: str | None = None
    workers: int = 1
    retention_days: float = 30.0
    drain_seconds: float = 10.0
    patience: float = 1.0
    storefront: bool | None = None
    webhook: str | None = None
    tracking: str | None = None
    kubeflow: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; empty variables count as unset."""
        root = environment.get("AISLE_HOME")
        return cls(
            home=Home(Path(root).expanduser().resolve() if root else DEFAULT_ROOT),
            redis_url=environment.get("REDIS_URL") or None,
            clock=environment.get("AISLE_CLOCK") or None,
            record_share=_share("AISLE_RECORD", environment.get("AISLE_RECORD") or "0.01"),
            shadow_share=_share("AISLE_SHADOW", environment.get("AISLE_SHADOW") or "0.1"),
            cors_origins=_origins(environment.get("AISLE_CORS") or ""),
            api_key=environment.get("AISLE_KEY") or None,
            workers=_workers(environment.get("AISLE_WORKERS") or "1"),
            retention_days=_days(environment.get("AISLE_RETENTION_DAYS") or "30"),
            drain_seconds=_drain(environment.get("AISLE_DRAIN") or "10"),
            patience=_patience(environment.get("AISLE_PATIENCE") or "1"),
            storefront=_storefront(environment.get("AISLE_STOREFRONT") or ""),
            webhook=environment.get("AISLE_WEBHOOK") or None,
            tracking=environment.get("MLFLOW_TRACKING_URI") or None,
            kubeflow=environment.get("AISLE_KUBEFLOW") or None,
        )


def _share(name: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise SettingError(f"{name}: expected a share from 0 to 1, found {text!r}.")
    return share


def _workers(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise SettingError(f"AISLE_WORKERS: expected a number of processes, found {text!r}.")
    return int(text)


def _days(text: str) -> float:
    return _amount(text, "AISLE_RETENTION_DAYS", "days")


def _drain(text: str) -> float:
    return _amount(text, "AISLE_DRAIN", "seconds")


def _amount(text: str, variable: str, unit: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise SettingError(f"{variable}: expected {unit}, 0 or more, found {text!r}.")
    return amount


def _storefront(text: str) -> bool | None:
    if text not in ("", "0", "1"):
        raise SettingError(f"AISLE_STOREFRONT: expected 0 or 1, found {text!r}.")
    return text == "1" if text else None


def _patience(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise SettingError(f"AISLE_PATIENCE: expected a factor above 0, found {text!r}.")
    return factor


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(origin.strip().rstrip("/") for origin in text.split(",") if origin.strip())
    if wrong := [origin for origin in origins if not _ORIGIN.fullmatch(origin)]:
        raise SettingError(
            f"AISLE_CORS: expected origins such as https://shop.example, found {wrong}."
        )
    return origins
