"""A typed client of the HTTP service.

Its methods have the names of the service's endpoints; a test calls each and compares the request
with the declared method and path.
"""

import ssl
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx

from feature_repo.home import ServiceError

Json = dict[str, Any]


class AisleClient:
    """Client of one service.  Every method raises ServiceError with the service's error."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:3000",
        *,
        key: str | None = None,
        timeout: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Create a client; it opens connections when it needs them.

        Args:
            key: secret of an API key.
            timeout: seconds to wait for each answer.
            transport: replaces the network, for tests.
        """
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(
            base_url=self.url,
            timeout=timeout,
            headers=headers,
            trust_env=False,
            transport=transport,
            verify=_tls(),
        )

    def __enter__(self) -> "AisleClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def live(self) -> bool:
        """Return whether the service answers."""
        return self._is_ok("/livez")

    def ready(self) -> bool:
        """Return whether the service takes requests; False where nothing answers."""
        return self._is_ok("/readyz")

    def rank(
        self,
        items: Sequence[str],
        *,
        model: str = "default",
        user: str | None = None,
        session: str | None = None,
        query: str | None = None,
        market: str | None = None,
        device: str | None = None,
        request_id: str | None = None,
        timestamp: int | str | None = None,
        item_fields: Mapping[str, Mapping[str, Any]] | None = None,
        explain: bool = False,
        shown: bool = False,
    ) -> Json:
        """Put items in order for one shopper.

        Args:
            items: ids of the candidates.
            item_fields: by item id, fields that override the stored ones in this request.
            explain: request the feature values of each item.
            shown: report the answer as shown, which makes its items impressions.

        Returns:
            The answer of `POST /rank/{model}`; `items` best first.
        """
        overrides = item_fields or {}
        body = {
            "id": request_id,
            "timestamp": timestamp,
            "user": user,
            "session": session,
            "fields": _fields({"query": query, "market": market, "device": device}),
            "items": [_item(item, overrides.get(item)) for item in items],
        }
        flags = {"explain": explain, "shown": shown}
        return self._post(
            f"/rank/{_quoted(model)}",
            {name: value for name, value in body.items() if value is not None},
            {name: "1" for name, on in flags.items() if on},
        )

    def search(
        self,
        query: str,
        *,
        user: str | None = None,
        session: str | None = None,
        market: str | None = None,
        device: str | None = None,
        filters: Mapping[str, Any] | None = None,
        size: int = 24,
        page: int = 1,
        next_: str | None = None,
        explain: bool = False,
        rules: str | None = None,
    ) -> Json:
        """Find items for a query.

        Args:
            filters: by field, a text, a list of texts, or a range `{"min", "max"}`.
            next_: `next` of the previous page.
            explain: request each item's sources and feature values, and the stages.
            rules: `off`, or the name of a draft, in place of the shop's rules.

        Returns:
            The answer of `POST /search`; `items` best first.
        """
        body = {
            "query": query,
            "user": user,
            "session": session,
            "market": market,
            "device": device,
            "filters": dict(filters or {}),
            "size": size,
            "page": page,
            "next": next_,
        }
        return self._post("/search", body, _flags(explain, rules))

    def recommend(
        self,
        surface: str,
        *,
        user: str | None = None,
        items: Sequence[str] = (),
        session: str | None = None,
        market: str | None = None,
        device: str | None = None,
        filters: Mapping[str, Any] | None = None,
        count: int = 10,
        next_: str | None = None,
        explain: bool = False,
        rules: str | None = None,
    ) -> Json:
        """Find items for a surface of the shop: home, similar, together, again or trending.

        Args:
            items: the item on the page, or the items of the cart.
            rules: `off`, or the name of a draft, in place of the shop's rules.

        Returns:
            The answer of `POST /recommend/{surface}`; `items` best first.
        """
        body = {
            "user": user,
            "items": list(items),
            "session": session,
            "market": market,
            "device": device,
            "filters": dict(filters or {}),
            "count": count,
            "next": next_,
        }
        return self._post(f"/recommend/{surface}", body, _flags(explain, rules))

    def decide(
        self,
        bandit: str,
        *,
        user: str | None = None,
        session: str | None = None,
        market: str | None = None,
        context: Mapping[str, str] | None = None,
    ) -> Json:
        """Choose an arm of a bandit; its reward names the answer's `decision_id`."""
        body = {"user": user, "session": session, "market": market, "context": dict(context or {})}
        return self._post(f"/decide/{_quoted(bandit)}", body)

    def autocomplete(self, typed: str, *, count: int = 8, market: str = "") -> Json:
        """Complete a partly typed query for a market."""
        params = {"q": typed, "count": str(count), "market": market}
        return self._json("GET", "/autocomplete", params=params)

    def events(self, events: Sequence[Mapping[str, Any]]) -> Json:
        """Send canonical events; the answer counts accepted, duplicate and quarantined."""
        return self._send("/events", events)

    def feedback(self, events: Sequence[Mapping[str, Any]]) -> Json:
        """Send events in Metarank's format."""
        return self._send("/feedback", events)

    def user(self, user_id: str) -> Json:
        """Return the stored features of a user: `known`, and `features` by full name."""
        return self._json("GET", f"/users/{_quoted(user_id)}")

    def session(self, session_id: str) -> Json:
        """Return the stored features of a session, `known`, its `owner`, and if it is `shared`."""
        return self._json("GET", f"/sessions/{_quoted(session_id)}")

    def erase_user(self, user_id: str) -> Json:
        """Erase a user; the answer lists the datasets that still have rows of the user."""
        return self._json("DELETE", f"/users/{_quoted(user_id)}")

    def features(self) -> Json:
        """Return every feature view, and the features that each feature service reads."""
        return self._json("GET", "/features")

    def models(self) -> Json:
        """Return the models and indexes in use, with versions."""
        return self._json("GET", "/models")

    def schema(self, kind: str) -> Json:
        """Return the JSON Schema of an event kind: item, user, ranking or interaction."""
        return self._json("GET", f"/schema/{_quoted(kind)}.json")

    def metrics(self) -> str:
        """Return the metrics in Prometheus' text format."""
        return self._request("GET", "/metrics").text

    def openapi(self) -> Json:
        """Return the OpenAPI document of the service."""
        return self._json("GET", "/openapi.json")

    def index(self) -> Json:
        """Return the name of the service, and where its OpenAPI document is."""
        return self._json("GET", "/")

    def _post(self, path: str, body: object, flags: Mapping[str, str] | None = None) -> Json:
        return self._json("POST", path, json=body, params=flags)

    def _send(self, path: str, events: Sequence[Mapping[str, Any]]) -> Json:
        """Send events; an answer that some or all were quarantined is no error."""
        answer: Json = self._request("POST", path, (200, 207, 422), json=list(events)).json()
        return answer

    def _json(self, method: str, path: str, **request: Any) -> Json:
        answer: Json = self._request(method, path, **request).json()
        return answer

    def _request(
        self, method: str, path: str, answers: Sequence[int] = (200,), **request: Any
    ) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise ServiceError(
                f"{self.url} does not answer ({error}); start it with `aisle serve`."
            ) from error
        if response.status_code not in answers:
            raise ServiceError(f"{path} answered {response.status_code}: {response.text[:300]}")
        return response

    def _is_ok(self, path: str) -> bool:
        try:
            return self._http.get(path).status_code == 200
        except httpx.TransportError:
            return False


@cache
def _tls() -> ssl.SSLContext:
    """Return the context of all clients: to read the certificates takes 20 ms of CPU."""
    return httpx.create_ssl_context(trust_env=False)


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _flags(explain: bool, rules: str | None) -> dict[str, str]:
    return ({"explain": "1"} if explain else {}) | ({"rules": rules} if rules else {})


def _fields(values: Mapping[str, Any]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in values.items() if value is not None]


def _item(item: str, fields: Mapping[str, Any] | None) -> Json:
    return {"id": item, "fields": _fields(fields)} if fields else {"id": item}
