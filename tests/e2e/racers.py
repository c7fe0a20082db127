"""Shoppers who check right after each click whether the next answer counts it."""

import threading
import time
from dataclasses import dataclass, field

import httpx

from feature_repo.home import Clock
from tests.scale import seconds


@dataclass
class Racer:
    """Clicks and ranks repeatedly; no other shopper uses its item.

    Attributes:
        looks: number of answers so far.
        errors: by answer with wrong values, feature -> expected and answered value.
    """

    url: str
    clock: Clock
    name: str
    looks: int = 0
    errors: list[dict[str, tuple[float, float]]] = field(default_factory=list)

    def run(self, while_alive: threading.Thread):
        """Click and check until the thread ends."""
        with httpx.Client(base_url=self.url, timeout=seconds(20), trust_env=False) as http:
            while while_alive.is_alive():
                self._click(http)
                self._look(http)

    def _click(self, http):
        click = {"kind": "interaction", "type": "click", "item_id": f"item of {self.name}"}
        self._send(http, click | {"event_id": f"{self.name}-click-{self.looks}"})

    def _look(self, http):
        """Check an answer, and report it as shown, so that the next one counts it."""
        request = f"{self.name}-look-{self.looks}"
        features = self._answer(http, request)["items"][0]["features"]
        expected = self._expected()
        wrong = {n: (v, features[n] or 0) for n, v in expected.items() if (features[n] or 0) != v}
        self.errors += [wrong] if wrong else []
        slate = {"kind": "ranking", "request_id": request, "query": f"query of {self.name}"}
        self._send(http, slate | {"event_id": request})
        self.looks += 1

    def _send(self, http, event):
        event |= {"event_time": self.clock.now(), "user_id": f"user {self.name}"}
        answer = http.post("/events", json=event).raise_for_status().json()
        assert answer == {"accepted": 1, "duplicate": 0, "quarantined": []}

    def _answer(self, http, request):
        """Return an answer; repeat a request that a busy machine answered without features."""
        body = {
            "id": request,
            "user": f"user {self.name}",
            "items": [{"id": f"item of {self.name}"}],
            "fields": [{"name": "query", "value": f"query of {self.name}"}],
        }
        deadline = time.monotonic() + seconds(30)
        while time.monotonic() < deadline:
            response = http.post("/rank/default", json=body, params={"explain": "1"})
            answer = response.raise_for_status().json()
            if not answer["degraded"]:
                return answer
            time.sleep(0.05)
        raise AssertionError(answer)

    def _expected(self):
        clicks, shown = self.looks + 1, self.looks
        return {
            "item_engagement__clicks_all": clicks,
            "item_engagement__clicks_1d": clicks,
            "item_engagement__impressions_all": shown,
            "user_engagement__clicks_7d": clicks,
            "user_engagement__impressions_30d": shown,
            "query_engagement__searches_all": shown,
            "history__times_clicked": min(clicks, 40),
            "history__times_shown": min(shown, 80),
        }
