"""One request of a page: the home, its clock, the parameters, and the running service."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from feature_repo.home import Clock, Home, SettingError, Settings
from pipelines.inspection import Figures
from pipelines.service import AisleClient
from pipelines.simulator import Simulator

T = TypeVar("T")

_SERVICE_SECONDS = 5.0
"""Limit of an answer of the service."""


@dataclass(frozen=True)
class Visit:
    """A request of one page.

    Attributes:
        parameters: of the address.
        service_url: of the service, which may be away.
        figures: of all visits, as far as what they depend on is unchanged.
        simulator: of all visits.
        key: secret for the service; None for one without keys.
        author: name of the key of whoever signed in; empty for a reader.
        wait_seconds: how long to wait for a slow figure; None for as long as it takes.
    """

    settings: Settings
    service_url: str
    parameters: Mapping[str, str]
    figures: Figures
    simulator: Simulator
    key: str | None = None
    author: str = ""
    wait_seconds: float | None = None

    @property
    def home(self) -> Home:
        """The home that the console shows."""
        return self.settings.home

    @cached_property
    def now(self) -> int:
        """The instant of the visit by the home's clock.

        Raises:
            SettingError: the home is new; a visit does not start its clock.
        """
        if not Clock.is_set(self.home):
            raise SettingError(
                f"{self.home.root}: expected a home with events, found none. Add events: "
                "`aisle ingest EVENTS`, or `make demo`."
            )
        return Clock.of(self.settings).now()

    def get(self, name: str) -> str:
        """Return a parameter; empty without it."""
        return self.parameters.get(name, "").strip()

    def soon(self, name: Hashable, state: Hashable, compute: Callable[[], T]) -> T | None:
        """Return a slow figure; None while it is computed, where the visit does not wait."""
        return self.figures.soon(name, state, compute, self.wait_seconds)

    def client(self) -> AisleClient:
        """Return a client of the service; a context manager."""
        return AisleClient(self.service_url, key=self.key, timeout=_SERVICE_SECONDS)
