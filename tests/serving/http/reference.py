"""The page `docs/http.md`, derived from the endpoints.

Write it with `python -m tests.serving.http.reference > docs/http.md`.
"""

import sys
from collections.abc import Sequence

from feature_repo.events.contract import EVENT_KINDS
from serving.http.endpoint import Endpoint
from serving.http.endpoints import ENDPOINTS

_HEAD = """# HTTP interface

`python -m tests.serving.http.reference` writes this page; a test compares it with the routes.
`GET /openapi.json` has the fields of every body and answer.  The client is
`pipelines.service.AisleClient`; its methods have the names of the first column.

Every error has the form `{{"error": {{"field", "expected", "found"}}}}`, with a `hint` where the
key of a body is unknown or a name is probably misspelt.  *Scope* is the scope that
a key needs once a home has keys; routes without one are open.  *Limit* is the concurrency limit.
An event may need a further scope: {events}.
"""

_EVENTS = ", ".join(
    f"{name} with `op` {op} needs {scope}"
    for name, kind in EVENT_KINDS.items()
    for op, scope in kind.scopes.items()
)


def page(endpoints: Sequence[Endpoint]) -> str:
    """Return the page as Markdown."""
    overview = [
        "| name | route | scope | limit | body | answer |",
        "|---|---|---|---|---|---|",
        *(_row(endpoint) for endpoint in endpoints),
    ]
    details = [_section(endpoint) for endpoint in endpoints]
    meanings: dict[int, list[str]] = {}
    for endpoint in endpoints:
        for status, description in endpoint.error_statuses.items():
            if description not in meanings.setdefault(status, []):
                meanings[status].append(description)
    errors = [f"- {status}: {' '.join(meanings[status])}" for status in sorted(meanings)]
    return "\n".join(
        [_HEAD.format(events=_EVENTS), *overview, "", *details, "## Errors", *errors, ""]
    )


def _row(endpoint: Endpoint) -> str:
    names = [type_.__name__ if type_ else "" for type_ in (endpoint.body, endpoint.answer)]
    body, answer = ("JSON" if name in ("bytes", "dict") else name for name in names)
    if endpoint.answer is bytes:
        answer = "text"
    limits = endpoint.scope or "", endpoint.kind or ""
    return f"| `{endpoint.name}` | {_route(endpoint)} | {' | '.join((*limits, body, answer))} |"


def _section(endpoint: Endpoint) -> str:
    lines = [f"## {endpoint.name}", f"{_route(endpoint)}: {endpoint.summary}"]
    if endpoint.description:
        lines.append(endpoint.description)
    parameters = [_parameter(endpoint, name) for name in (*endpoint.query, *endpoint.flags)]
    if parameters:
        lines.append(f"Query string: {', '.join(parameters)}.")
    for name, choices in endpoint.choices.items():
        lines.append(f"`{name}` is one of {', '.join(f'`{choice}`' for choice in choices)}.")
    errors = ", ".join(str(status) for status in endpoint.error_statuses)
    answers = {200: endpoint.result, **endpoint.outcomes}
    listed = " ".join(f"{status}: {result}" for status, result in answers.items())
    return "\n".join([*lines, f"Answers {listed}", f"Errors: {errors}.", ""])


def _parameter(endpoint: Endpoint, name: str) -> str:
    scope = endpoint.parameter_scopes.get(name)
    return f"`{name}` (needs the scope {scope} too)" if scope else f"`{name}`"


def _route(endpoint: Endpoint) -> str:
    return f"`{endpoint.method} {endpoint.template}`"


if __name__ == "__main__":
    sys.stdout.write(page(ENDPOINTS))
