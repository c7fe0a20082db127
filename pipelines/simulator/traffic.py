"""One simulation at a time: a thread asks the service as shoppers do, and sends their events."""

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Any

from feature_repo.home import AisleError, BusyError, Clock, ServiceError, to_text
from pipelines.service import AisleClient
from pipelines.simulator.audience import Audience
from training.studies.simulation import Request, Response

MOST_REQUESTS = 5_000
"""Of one simulation."""

_A_SECOND = 20.0
"""Requests at most, so that other shoppers are not slowed."""

_LISTED = 8
_PARTS = 20
"""Parts of a run, for which the rates are shown."""

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Counts:
    """What happened in one part of a simulation, or in all of it."""

    slates: int = 0
    empty: int = 0
    items: int = 0
    click: int = 0
    add_to_cart: int = 0
    purchase: int = 0
    degraded: int = 0
    milliseconds: float = 0.0

    def __add__(self, other: "Counts") -> "Counts":
        names = vars(self)
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def clicks_a_slate(self) -> float:
        """Clicks per slate; 0 without a slate."""
        return self.click / self.slates if self.slates else 0.0


@dataclass
class Simulation:
    """One run.

    Attributes:
        total: requests that it makes at most.
        parts: what happened, in parts of the run.
        newest: the last requests in words, the newest first.
        state: running, done, stopped, or failed.
        error: why it failed.
    """

    name: str
    total: int
    began_at: str
    parts: list[Counts] = field(default_factory=list)
    newest: deque[str] = field(default_factory=lambda: deque(maxlen=_LISTED))
    state: str = "running"
    error: str = ""

    @property
    def sum(self) -> Counts:
        """What happened so far."""
        return sum(self.parts, Counts())

    def add(self, number: int, counts: Counts, words: str) -> None:
        """Add the outcome of a request; its number is from 0."""
        part = number * _PARTS // max(self.total, _PARTS)
        while len(self.parts) <= part:
            self.parts.append(Counts())
        self.parts[part] += counts
        self.newest.appendleft(words)


class Simulator:
    """The simulations of a console, one at a time; the last one stays to be looked at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last: Simulation | None = None

    @property
    def is_running(self) -> bool:
        """Whether a simulation runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def last(self) -> Simulation | None:
        """A copy of the last simulation; None before the first."""
        with self._lock:
            if self._last is None:
                return None
            return replace(
                self._last, parts=list(self._last.parts), newest=deque(self._last.newest)
            )

    def start(self, audience: Audience, client: AisleClient, clock: Clock) -> None:
        """Start a simulation; it closes the client at its end.

        Raises:
            BusyError: one runs already.
        """
        with self._lock:
            if self.is_running:
                raise BusyError("A simulation runs already. Stop it, or wait for its end.")
            self._stop = threading.Event()
            simulation = Simulation(token_hex(4), len(audience.requests), to_text(clock.now()))
            self._last = simulation
            arguments = (simulation, audience, client, clock, self._stop)
            self._thread = threading.Thread(target=self._run, args=arguments, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the simulation after its request, and wait for that."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(
        self,
        simulation: Simulation,
        audience: Audience,
        client: AisleClient,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        state, error = "done", ""
        with client:
            for request in audience.requests:
                began = time.monotonic()
                try:
                    counts, words = _shop(simulation.name, audience, client, clock, request)
                except AisleError as caught:
                    state, error = "failed", str(caught)
                    break
                with self._lock:
                    simulation.add(request.number, counts, words)
                if stop.wait(max(0.0, 1 / _A_SECOND - (time.monotonic() - began))):
                    state = "stopped"
                    break
        with self._lock:
            simulation.state, simulation.error = state, error


def _shop(
    name: str, audience: Audience, client: AisleClient, clock: Clock, request: Request
) -> tuple[Counts, str]:
    """Ask for a slate, look at it and send what happened."""
    began = time.monotonic()
    names = ("user", "session", "market")
    shopper: dict[str, Any] = {name: getattr(request, name) for name in names}
    if request.query is None:
        answer = client.recommend("home", count=request.size, **shopper)
    else:
        answer = client.search(request.query, size=request.size, **shopper)
    milliseconds = 1000 * (time.monotonic() - began)
    items = [one["item"] for one in answer["items"]]
    responses = audience.look_at(request, items)
    answered = client.events(_events(name, request, answer["request_id"], responses, clock.now()))
    if answered["quarantined"]:
        raise ServiceError(f"The service did not take an event: {answered['quarantined'][0]}")
    types = [response.type for response in responses]
    counts = Counts(
        slates=1,
        empty=int(not items),
        items=len(items),
        degraded=int(bool(answer["degraded"])),
        milliseconds=milliseconds,
        **{type_: types.count(type_) for type_ in ("click", "add_to_cart", "purchase")},
    )
    return counts, _in_words(request, items, responses)


def _events(
    name: str, request: Request, request_id: str, responses: Sequence[Response], now: int
) -> list[Event]:
    """Return the report that a slate was shown, and the interactions with it."""
    shopper = {"session_id": request.session}
    if request.user is not None:
        shopper["user_id"] = request.user
    common = {"event_time": to_text(now), "request_id": request_id}
    prefix = f"simulated-{name}-{request.number}"
    events: list[Event] = [{"kind": "ranking", "event_id": prefix, **common}]
    for number, response in enumerate(responses):
        value = {} if response.value is None else {"value": response.value}
        events.append(
            {
                "kind": "interaction",
                "event_id": f"{prefix}-{number}",
                "type": response.type,
                "item_id": response.item_id,
                **common,
                **shopper,
                **value,
            }
        )
    return events


def _in_words(request: Request, items: Sequence[str], responses: Sequence[Response]) -> str:
    who = request.user or "A visitor without a name"
    where = "on the home page" if request.query is None else f'for "{request.query}"'
    did = ", ".join(f"{one.type.replace('_', ' ')} of {one.item_id}" for one in responses)
    return f"{who} saw {len(items)} items {where}: {did or 'no click'}."
