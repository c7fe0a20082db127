"""What all requests of one console share."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from feature_repo.home import Settings
from pipelines.console.content import Visit
from pipelines.console.operators import COOKIE, Operator, Operators
from pipelines.inspection import Figures
from pipelines.simulator import Simulator
from training.pages import page_headers

if TYPE_CHECKING:
    from jinja2 import Environment

NEVER_STORED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class Console:
    """One console.

    Attributes:
        service_url: of the running service, for live values; it may be away.
        wait_seconds: how long a page waits for a slow figure before it is shown without it.
    """

    settings: Settings
    service_url: str
    templates: "Environment"
    operators: Operators
    wait_seconds: float
    figures: Figures = field(default_factory=Figures)
    simulator: Simulator = field(default_factory=Simulator)

    def operator(self, request: Request) -> Operator | None:
        """Return who sent a request; None for a reader."""
        return self.operators.get(request.cookies.get(COOKIE, ""))

    def visit(self, request: Request, parameters: dict[str, str], *, waits: bool = True) -> Visit:
        """Return the visit of a request, which waits for slow figures or only a moment."""
        operator = self.operator(request)
        key = self.settings.api_key if operator is None else operator.secret
        return Visit(
            self.settings,
            self.service_url,
            parameters,
            self.figures,
            self.simulator,
            key,
            author="" if operator is None else operator.name,
            wait_seconds=None if waits else self.wait_seconds,
        )

    def html(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """Render a page."""
        operator = self.operator(request)
        text = self.templates.get_template(template).render(operator=operator, **values)
        return HTMLResponse(text, status, NEVER_STORED | page_headers())
