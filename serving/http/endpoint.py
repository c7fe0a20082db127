"""The declaration of a route.

Routing, authentication, concurrency limits, metric labels, the OpenAPI document and `docs/http.md`
are derived from it; `serving.http.endpoints` has one declaration per route.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from serving.contract import MAX_BODY_BYTES, MAX_ITEMS

JSON = "application/json"

FLAGS = {"1": True, "true": True, "0": False, "false": False}
"""Values of a flag in the query string."""

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(slots=True)
class Call:
    """A request, read and checked, as a handler receives it.

    Attributes:
        resources: the `serving.flow.Resources` of the process.
        body: of the declared type; None without one.
        path: path parameters.
        query: parameters of the query string.
        flags: the declared flags that the request sets.
        scopes: what the sender may do.
    """

    resources: Any
    body: Any
    path: Mapping[str, str]
    query: Mapping[str, str]
    flags: Mapping[str, bool]
    scopes: Collection[str]


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One route; a decorator that takes name and summary from its handler.

    Attributes:
        method: GET, POST or DELETE.
        path: with parameters in braces, in Starlette's syntax.
        body: type of the request body; `bytes` for events in any JSON form; None for no body.
        answer: type of the response: a struct, `dict` for any JSON object, `bytes` for other text.
        result: description of the response.
        scope: scope that a key needs; None opens the route to everyone.
        kind: of work, which has a concurrency limit; None for work without one.
        queues: whether the request takes one of the limit's slots; else it is only rejected when
            none is free.
        metric: label of the response time; `{name}` for the value of a path parameter.
        flags: booleans of the query string.
        parameter_scopes: by flag or other parameter of the query string, the scope that a key needs
            besides `scope` to set it.
        query: JSON Schema of each other parameter of the query string.
        choices: allowed values of path parameters; others answer 404.
        errors: descriptions of further error statuses.
        outcomes: descriptions of further statuses that an answer may have, by its `status`.
        media_type: of an answer in bytes.
        aliases: further paths with the same answer.
        is_probe: BentoML answers it; our application answers only requests of another method.
        name: operation id, and name of the client's method.
        summary: one line.
        description: the rest of the handler's docstring.
        handler: answers a call.
    """

    method: str
    path: str
    result: str
    answer: type = dict
    body: type | None = None
    scope: str | None = None
    kind: str | None = None
    queues: bool = True
    metric: str | None = None
    flags: tuple[str, ...] = ()
    parameter_scopes: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    errors: Mapping[int, str] = field(default_factory=dict)
    outcomes: Mapping[int, str] = field(default_factory=dict)
    media_type: str = JSON
    aliases: tuple[str, ...] = ()
    is_probe: bool = False
    name: str = ""
    summary: str = ""
    description: str = ""
    handler: Handler | None = None

    def __call__(self, handler: Handler) -> "Endpoint":
        """Return the declaration with its handler."""
        name: str = getattr(handler, "__name__", "")
        summary, _, rest = (inspect.getdoc(handler) or "").partition("\n\n")
        description = " ".join(rest.split())
        return replace(self, handler=handler, name=name, summary=summary, description=description)

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it."""
        return _PARAMETER.sub(r"{\1}", self.path)

    @property
    def path_parameters(self) -> list[str]:
        """Names of the path parameters."""
        return _PARAMETER.findall(self.path)

    @property
    def _ids(self) -> set[str]:
        """Path parameters that are ids, which may be malformed."""
        return {"user_id", "session_id"} & {*self.path_parameters}

    @property
    def error_statuses(self) -> dict[int, str]:
        """Every error status the route can answer, with its description."""
        statuses = {405: "The path has other methods."}
        if self.body is not None or self.query or self.flags or self._ids:
            statuses[400] = "The request is malformed; the error names the field."
        if self.scope is not None:
            statuses[401] = "No key, or an unknown one."
            statuses[403] = "The key lacks a scope, or without keys a web page sent it."
        if self.choices:
            statuses[404] = f"Unknown {' or '.join(self.choices)}."
        if self.body is not None:
            statuses[408] = "The body did not arrive in time."
            statuses[413] = f"The body exceeds {MAX_BODY_BYTES} bytes, or {MAX_ITEMS} items."
            statuses[415] = "Without keys, a body that a form of a web page can send."
        if self.scope is not None or self.kind is not None:
            statuses[429] = "Over the key's rate or the service's capacity; see Retry-After."
        return dict(sorted({**statuses, **self.errors}.items()))
