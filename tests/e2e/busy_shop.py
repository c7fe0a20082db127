"""A shop on a busy day: all kinds of events and requests, in a random order from a seed."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from feature_repo.home import DAY, HOUR, MINUTE, SECOND, Clock
from tests.scale import seconds

QUERIES = ["Red Boots", "red  boots", "lamp", "Ünïque ﬁnd", None]
MARKETS = ["uk", "de", None]
TYPES = ["click", "click", "click", "add_to_cart", "purchase", "view"]
TAGS = ["new", "sale", "wide fit", "größe", "café"]
LATE = [SECOND, 10 * MINUTE, 11 * HOUR, DAY, 6 * DAY, 7 * DAY, 29 * DAY, 30 * DAY, 400 * DAY]
AHEAD = [SECOND // 20, SECOND // 2, SECOND, 3 * SECOND, 290 * SECOND]
WEIGHTS = {
    "rank": 40,
    "search": 20,
    "report": 10,
    "shop_slate": 5,
    "interact": 25,
    "correct": 4,
    "change_item": 8,
    "delete_item": 2,
    "change_user": 8,
    "repeat": 4,
}


@dataclass
class BusyShop:
    """Sends a random mix of requests and events, which may refer to earlier ones.

    Attributes:
        done: how often each kind was sent.
        degraded: number of degraded answers.
    """

    http: httpx.Client
    clock: Clock
    rng: random.Random
    items: list[str]
    users: list[str]
    done: Counter[str] = field(default_factory=Counter)
    degraded: int = 0
    _requests: dict[str, list[str]] = field(default_factory=dict)
    _unreported: list[str] = field(default_factory=list)
    _acted: list[tuple[str, int]] = field(default_factory=list)
    _sent: list[tuple[str, dict]] = field(default_factory=list)
    _waiting: dict[str, list[dict]] = field(default_factory=lambda: {"events": [], "feedback": []})

    def step(self):
        """Send one request or event."""
        (name,) = self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()))
        getattr(self, f"_{name}")()

    def flush(self):
        """Send the waiting events, one body for each endpoint."""
        for endpoint, events in self._waiting.items():
            self.rng.shuffle(events)
            if events:
                answer = self.http.post(f"/{endpoint}", json=events).raise_for_status().json()
                assert sum([answer["accepted"], answer["duplicate"]]) == len(events), answer
                events.clear()

    def _rank(self):
        request_id = self._request_id()
        shown = self.rng.random() < 0.4
        query, market = self.rng.choice(QUERIES), self.rng.choice(MARKETS)
        fields = {"query": query, "market": market}
        candidates = self.rng.sample(self.items, self.rng.randint(1, 14))
        body = {
            "id": request_id,
            "items": [self._candidate(item) for item in candidates],
            "fields": [{"name": n, "value": v} for n, v in fields.items() if v is not None],
            **self._who(),
        }
        answer = self._answer("/rank/default", body, shown)
        self._requests[request_id] = [item["item"] for item in answer["items"]] or candidates
        if answer["items"] and not shown:
            self._unreported.append(request_id)
        self.done["shown" if shown else "ranked"] += 1

    def _search(self):
        """Search; the page has all items or a few, and is shown or not."""
        request_id, shown = f"r{self.rng.getrandbits(40):x}", self.rng.random() < 0.6
        body = {"id": request_id, "query": self.rng.choice(QUERIES) or ""}
        body["size"] = self.rng.choice((3, 100))
        body |= {"market": self.rng.choice(MARKETS), **self._who()}
        answer = self._answer("/search", body, shown)
        self._requests[request_id] = [item["item"] for item in answer["items"]]
        self.done["searched"] += 1

    def _report(self):
        """Report an answer as shown, without repeating its items."""
        if not self._unreported:
            return
        request_id = self._unreported.pop(self.rng.randrange(len(self._unreported)))
        at, who = self._time(), self._who()
        if self.rng.random() < 0.5:
            event = {"event": "ranking", "id": request_id, "timestamp": str(at // 1000), **who}
            self._send("feedback", event)
        else:
            user = {"user_id": who["user"]} if "user" in who else {}
            slate = {"request_id": request_id, "query": self.rng.choice(QUERIES), **user}
            self._send("events", self._event("ranking", at, slate))

    def _shop_slate(self):
        """Send a slate that the shop ranked, sometimes of an earlier request, or an empty one."""
        request_id, query = self._request_id(), self.rng.choice(QUERIES)
        shown = self.rng.sample(self.items, self.rng.randint(0 if query else 1, 9))
        self._requests.setdefault(request_id, shown)
        slate = {"request_id": request_id, "items": shown, "user_id": self._who().get("user")}
        slate |= {"query": query, "market": self.rng.choice(MARKETS)}
        self._send("events", self._event("ranking", self._time(), slate))

    def _interact(self):
        request_id, item = None, self.rng.choice(self.items)
        if self._requests and self.rng.random() < 0.8:
            request_id = self.rng.choice(list(self._requests)[-30:])
            item = self.rng.choice(self._requests[request_id] or self.items)
        at, type_, who = self._time(), self.rng.choice(TYPES), self._who()
        if self.rng.random() < 0.4:
            event = self._event_id() | {"event": "interaction", "timestamp": at // 1000, **who}
            event |= {"item": item, "type": type_, "ranking": request_id}
            self._acted.append((event["id"], at))
            self._send("feedback", event)
        else:
            act = {"item_id": item, "type": type_, "request_id": request_id}
            event = self._event("interaction", at, act | {"user_id": who.get("user")})
            self._acted.append((event["event_id"], at))
            self._send("events", event)

    def _correct(self):
        """Take back one of the last interactions, at once or later; each at most once."""
        self.flush()
        now = self.clock.now()
        recent = [name for name, at in self._acted[-20:] if at <= now]
        if not recent:
            return
        corrects = self.rng.choice(recent)
        self._acted = [acted for acted in self._acted if acted[0] != corrects]
        act = {"item_id": self.rng.choice(self.items), "type": "click", "corrects": corrects}
        act |= {"user_id": self._who().get("user")}
        at = max(self._time(), now)
        self._send("events", self._event("interaction", at, act))

    def _change_item(self):
        if self.rng.random() < 0.3:
            self.items.append(f"new-{len(self.items)}")
        item = self.rng.choice(self.items)
        if self.rng.random() < 0.4:
            named = [{"name": n, "value": v} for n, v in self._fields().items()]
            event = {"event": "item", "item": item, "fields": named, **self._event_id()}
            self._send("feedback", event | {"timestamp": str(self._time() // 1000)})
        else:
            change = {"item_id": item, "fields": self._fields()}
            self._send("events", self._event("item", self._time(), change))

    def _delete_item(self):
        deleted = {"item_id": self.rng.choice(self.items), "op": "delete"}
        self._send("events", self._event("item", self._time(), deleted))

    def _change_user(self):
        values = {
            "device": self.rng.choice(["phone", "desktop", "watch", None]),
            "country": self.rng.choice(["de", "fr", "Österreich", 7, None]),
            "spent": self.rng.choice([round(self.rng.uniform(1, 90), 2), "12.50", "free", None]),
            "joined": self.rng.choice(["2026-01-02", 1_767_225_600, None]),
            "unheard of": 1,
        }
        fields = {name: values[name] for name in self.rng.sample(list(values), 2)}
        who = self._who().get("user", self.users[0])
        if self.rng.random() < 0.4:
            named = [{"name": n, "value": v} for n, v in fields.items()]
            event = {"event": "user", "user": who, "fields": named, **self._event_id()}
            self._send("feedback", event | {"timestamp": str(self._time() // 1000)})
        else:
            self._send(
                "events", self._event("user", self._time(), {"user_id": who, "fields": fields})
            )

    def _repeat(self):
        if self._sent:
            endpoint, event = self.rng.choice(self._sent)
            self._send(endpoint, event)

    def _answer(self, path, body, shown):
        """Return the answer; repeat a request that a busy machine answered degraded."""
        deadline = time.monotonic() + seconds(30)
        while True:
            response = self.http.post(path, json=body, params={"shown": "1"} if shown else None)
            answer = response.raise_for_status().json()
            if not answer["degraded"] or time.monotonic() > deadline:
                return answer
            self.degraded += 1
            time.sleep(0.05)

    def _request_id(self):
        """Return a new id, sometimes a used one."""
        if self._requests and self.rng.random() < 0.15:
            return self.rng.choice(list(self._requests))
        return f"r{self.rng.getrandbits(40):x}"

    def _candidate(self, item):
        if self.rng.random() < 0.85:
            return {"id": item}
        named = [{"name": n, "value": v} for n, v in self._fields().items()]
        return {"id": item, "fields": named}

    def _fields(self):
        values = {
            "title": self.rng.choice(["Red Boots", "A lamp of café", "", None]),
            "category": self.rng.choice(["shoes", "lamps", 7, None]),
            "brand": self.rng.choice(["Acme", "Ünï", None]),
            "price": self.rng.choice([round(self.rng.uniform(1, 90), 2), "12.50", "free", None]),
            "tags": self.rng.choice([self.rng.sample(TAGS, 2), [], "sale", None]),
            "in_stock": self.rng.choice([True, False, "true", None]),
            "back_at": self.rng.choice(["2026-01-20", 1_767_225_600, None]),
            "unheard of": 1,
        }
        return {name: values[name] for name in self.rng.sample(list(values), 3)}

    def _who(self):
        if self.rng.random() < 0.1:
            self.users.append(f"guest {len(self.users)}")
        return {"user": self.rng.choice(self.users)} if self.rng.random() < 0.85 else {}

    def _time(self):
        chance, now = self.rng.random(), self.clock.now()
        if chance < 0.65:
            return now
        return now - self.rng.choice(LATE) if chance < 0.8 else now + self.rng.choice(AHEAD)

    def _event(self, kind, at, fields):
        name = self._event_id()["id"]
        present = {name: value for name, value in fields.items() if value is not None}
        return {"kind": kind, "event_id": name, "event_time": at, **present}

    def _event_id(self):
        return {"id": f"{self.rng.choice('aZé')}{self.rng.getrandbits(40):x}"}

    def _send(self, endpoint, event):
        self.done[event.get("kind") or event["event"]] += 1
        self._sent.append((endpoint, event))
        self._waiting[endpoint].append(event)
        if self.rng.random() < 0.7:
            self.flush()
