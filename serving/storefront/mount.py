"""The storefront as one ASGI application, which loads its pages with the first request.

Without a setting it answers where the API needs no key: in a home without keys, at a loopback
address.  With AISLE_STOREFRONT=1 it answers everyone who can reach the service.  In both cases a
form needs the token of its page.
"""

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.access import Authentication, arrives_at_loopback, check_page
from serving.contract import ApiError

if TYPE_CHECKING:
    from serving.flow import Resources


class Storefront:
    """Checks that the storefront may answer a request, and then answers it.

    Attributes:
        is_open: whether everyone may use it, or nobody; None for this machine alone.
    """

    def __init__(self, *, is_open: bool | None) -> None:
        self.is_open = is_open
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request as an ASGI application.

        Raises:
            ApiError: 404, the storefront is off; 403, a page of another origin sent the request.
        """
        resources: Resources = scope["app"].state.resources
        self.check(Request(scope), resources.authentication)
        if self._app is None:
            # In a thread: the templates take a tenth of a second, for which no request waits.
            self._app = await asyncio.to_thread(_pages, resources)
        await self._app(scope, receive, send)

    def check(self, request: Request, authentication: Authentication) -> None:
        """Check that the sender of a request may use the storefront.

        Raises:
            ApiError: 404, the storefront is off; 403, a page of another origin sent the request.
        """
        if self.is_open:
            return
        has_keys = authentication.keys.value is not None
        if self.is_open is False or has_keys or not arrives_at_loopback(request):
            expected = "a service with a storefront; AISLE_STOREFRONT=1 opens it to everyone"
            raise ApiError(404, "path", expected, request.scope["path"])
        check_page(request, ())


def _pages(resources: "Resources") -> ASGIApp:
    from serving.storefront.application import application

    return application(resources)
