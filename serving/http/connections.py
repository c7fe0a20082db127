"""HTTP connections with limits: the size of a head, the time of a client, and their number.

uvicorn reads heads of any size, in time that grows with the square of the size, and waits for
clients without end.  Here a client gets 431 or 400 as soon as a head exceeds its limit, and the
connection ends when a head, the rest of a body, or the next request does not arrive in time.  Above
the limit of connections, those that have waited longest for their client end first, so that silent
connections keep no other client out.
"""

import resource
from asyncio import BaseTransport, TimerHandle, Transport
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serving.contract import ApiError, encode
from serving.http.headers import SECURITY
from serving.monitoring import ERRORS

MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 100
MAX_CONNECTIONS = 1000

HEAD_SECONDS = 10.0
"""How long a client may take to send a head, from the opening of its connection."""

REST_SECONDS = 2.0
"""How long a client may send after an answer, and a new client during the shutdown."""

IDLE_SECONDS = 65
"""How long a connection stays open after an answer: longer than load balancers reuse one (60 s), so
that the balancer closes it and no request meets the end of a connection."""

_PIECE_BYTES = 8 * 1024
"""Bytes that are parsed at once: the precision of MAX_HEAD_BYTES."""

_LAST_CHANCE_SECONDS = 0.1
"""Time to read what arrived while this process was busy, before a deadline takes effect."""

_FEWEST_CONNECTIONS = 8

_BAD_HEAD = ApiError(400, "head", "an HTTP/1.1 request", "something else")
_LARGE_HEAD = ApiError(
    431, "head", f"at most {MAX_HEAD_BYTES} bytes and {MAX_HEADERS} headers", "more"
)


@cache
def connection_limit() -> int:
    """Return how many connections this process may have: half of the free file descriptors."""
    free = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - len([*Path("/dev/fd").iterdir()])
    return max(_FEWEST_CONNECTIONS, min(MAX_CONNECTIONS, free // 2))


class TakeSlot(Protocol):
    """Takes the slot of a request."""

    def __call__(self, scope: dict[str, Any], /) -> Callable[[], None] | None:
        """Return what gives the slot back; None for a request that needs none."""


class BoundedConnection(HttpToolsProtocol):
    """One connection of uvicorn, with limits.

    Attributes:
        draining: whether each answer closes its connection, because the process shuts down.
        take_slot: called with the scope of each request whose body has arrived with its head;
            returns what gives the slot back, or raises the error to answer.
    """

    draining: ClassVar[bool] = False
    take_slot: ClassVar[TakeSlot] = staticmethod(lambda _: None)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.timeout_keep_alive = IDLE_SECONDS
        self._part: Literal["none", "head", "body"] = "none"
        self._head_bytes = 0
        self._pieces: deque[bytes] = deque()
        self._deadline: TimerHandle | None = None
        self._refusal: ApiError | None = None
        self._has_answered = False
        self._waiting_since = self.loop.time()

    @property
    def is_waiting(self) -> bool:
        """Whether the client has to send something next."""
        return self._part != "none" or self._is_idle

    @property
    def age(self) -> tuple[bool, float]:
        """Sort key: first who never got an answer, then who has waited longest for its client."""
        return self._has_answered, self._waiting_since

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: BaseTransport) -> None:
        """Accept the connection, or refuse it where all others are busy with answers."""
        super().connection_made(cast("Transport", transport))
        if _make_room(self):
            self._set_deadline(HEAD_SECONDS)
        else:
            at_once = f"at most {connection_limit()} connections at once"
            self._refuse(ApiError(429, "capacity", at_once, "more", headers={"Retry-After": "1"}))

    def connection_lost(self, exc: Exception | None) -> None:
        """Release what the connection used."""
        self._cancel_deadline()
        self._pieces.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse bytes piece by piece, unless an earlier request still waits for its turn."""
        self._pieces.extend(
            data[start : start + _PIECE_BYTES] for start in range(0, len(data), _PIECE_BYTES)
        )
        self._parse()

    def _parse(self) -> None:
        while self._pieces and not self.pipeline and self._refusal is None:
            if self.transport.is_closing():
                return
            piece = self._pieces.popleft()
            super().data_received(piece)
            if self._part == "head":
                self._head_bytes += len(piece)
                if self._head_bytes > MAX_HEAD_BYTES:
                    self._refuse(_LARGE_HEAD)
            elif self._part == "none" and self._is_idle and self._deadline is None:
                self._set_deadline(HEAD_SECONDS)  # Blank lines precede the head.

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._part, self._head_bytes = "head", 0
        if self._deadline is None:
            self._set_deadline(HEAD_SECONDS)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header of a head; ignore those after a body.

        Raises:
            ValueError: too many, which ends the parsing.
        """
        if self._part != "head":
            return
        if len(self.headers) >= MAX_HEADERS:
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start to answer."""
        super().on_headers_complete()
        self._part = "body"
        self._cancel_deadline()
        if self.draining:
            self.cycle.keep_alive = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start to answer after this piece is parsed, which often contains the whole body."""
        self.loop.call_soon(self._answer, cycle, app)

    def _answer(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Let the application answer, or refuse a whole request that gets no slot."""
        give_back = None
        if not cycle.more_body:
            try:
                give_back = self.take_slot(cast("dict[str, Any]", cycle.scope))
            except ApiError as error:
                self._answer_error(cycle, error)
                return
        super()._start_asgi_task(cycle, app if give_back is None else _finally(app, give_back))

    def _answer_error(self, cycle: RequestResponseCycle, error: ApiError) -> None:
        cycle.response_started = cycle.response_complete = True
        ERRORS.labels(str(error.status)).inc()
        headers = self.server_state.default_headers
        self.transport.write(_response(error, headers, keep_alive=cycle.keep_alive))
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def on_message_complete(self) -> None:
        """End a request."""
        super().on_message_complete()
        self._part = "none"
        self._cancel_deadline()

    def on_response_complete(self) -> None:
        """Continue with the next request; a client that still sends its body must end soon."""
        has_next = bool(self.pipeline)
        super().on_response_complete()
        self._has_answered, self._waiting_since = True, self.loop.time()
        if self.transport.is_closing():
            self._set_deadline(REST_SECONDS if self.draining else IDLE_SECONDS)
        elif has_next:
            return
        elif self._refusal is not None:
            self._send_refusal(self._refusal)
        elif self._part == "body":
            self._set_deadline(REST_SECONDS)
        self._parse()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn calls it
        """Refuse a head that cannot be parsed, or has too many headers."""
        too_many = self._part == "head" and len(self.headers) >= MAX_HEADERS
        self._refuse(_LARGE_HEAD if too_many else _BAD_HEAD)

    def shutdown(self) -> None:
        """Close an idle connection; a new one may still have a request on its way."""
        if self.cycle is None and self._refusal is None:
            self._set_deadline(REST_SECONDS)
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection, whose client may not even have read the answer."""
        self._expire()

    def _should_upgrade(self) -> bool:
        """Answer a request for WebSocket like any other: there is none."""
        return False

    def _unsupported_upgrade_warning(self) -> None:
        """Close the connection after the answer, because the parser stops at an upgrade."""
        self.cycle.keep_alive = False

    def _refuse(self, error: ApiError) -> None:
        """Read nothing more, and answer an error after the answers to earlier requests."""
        self._refusal = error
        self._pieces.clear()
        if self._part == "body" and self._is_idle:
            self._expire()  # The request has its answer.
        elif self._part == "body":
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._send_refusal(error)
        elif self._is_idle:
            self._send_refusal(error)

    def _send_refusal(self, error: ApiError) -> None:
        """Answer an error; the client has time to read it before the connection ends."""
        self._unset_keepalive_if_required()
        ERRORS.labels(str(error.status)).inc()
        self.transport.write(_response(error, self.server_state.default_headers))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.pause_reading()
        self._set_deadline(REST_SECONDS)

    def _set_deadline(self, seconds: float) -> None:
        self._cancel_deadline()
        self._deadline = self.loop.call_later(seconds, self._give_last_chance)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_last_chance(self) -> None:
        self._deadline = self.loop.call_later(_LAST_CHANCE_SECONDS, self._expire)

    def _expire(self) -> None:
        self.transport.abort()


def _make_room(new: BoundedConnection) -> bool:
    """Return whether a new connection fits; end the oldest tenth that wait for their clients."""
    connections = cast("set[BoundedConnection]", new.connections)
    limit = connection_limit()
    if len(connections) > limit:
        waiting = (each for each in connections if each is not new and each.is_waiting)
        for oldest in sorted(waiting, key=lambda each: each.age)[: max(1, limit // 10)]:
            connections.discard(oldest)
            oldest.transport.abort()
    return len(connections) <= limit


def _finally(app: Any, give_back: Callable[[], None]) -> Any:
    async def answered(scope: Any, receive: Any, send: Any) -> None:
        try:
            await app(scope, receive, send)
        finally:
            give_back()

    return answered


def _response(
    error: ApiError, headers: Iterable[tuple[bytes, bytes]], *, keep_alive: bool = False
) -> bytes:
    content = encode(error.to_dict())
    lines = [
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode(),
        *(name + b": " + value for name, value in (*headers, *SECURITY)),
        *(f"{name}: {value}".encode() for name, value in error.headers.items()),
        b"content-type: application/json",
        b"content-length: %d" % len(content),
        b"connection: keep-alive" if keep_alive else b"connection: close",
        b"",
    ]
    return b"\r\n".join([*lines, content])
