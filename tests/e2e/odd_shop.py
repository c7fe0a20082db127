"""A guitar shop without category, brand, price and genres; each shopper prefers one hue."""

import gzip
import json
import random

HUES = ["sunburst", "cherry", "natural", "black"]
WOODS = ["maple", "ash", "rosewood", "ebony", "alder"]
START = 1_767_225_600_000
"""2026-01-01, in milliseconds."""

_MINUTE = 60_000


def write_odd_shop(path, *, guitars=80, shoppers=60, slates=900, seed=3):
    """Write the events as Metarank's JSON lines, and return the path."""
    rng = random.Random(seed)
    hues = {f"g{n}": rng.choice(HUES) for n in range(guitars)}
    liked = {f"s{n}": rng.choice(HUES) for n in range(shoppers)}
    events = [_guitar(item, hue, rng) for item, hue in hues.items()]
    for n in range(slates):
        shopper, shown = f"s{n % shoppers}", rng.sample(sorted(hues), 10)
        at = START + (n + 10) * 20 * _MINUTE
        events.append(_slate(n, shopper, shown, at))
        for position, item in enumerate(shown):
            if rng.random() < (0.6 if hues[item] == liked[shopper] else 0.04):
                events.append(_click(n, shopper, item, at + (position + 1) * 1000))
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
    return path


def _guitar(item, hue, rng):
    fields = {
        "Name 🎸": f"{item} the {rng.choice(WOODS)} one of {rng.random():.6f}",
        "hue": hue,
        "weight (kg)": round(rng.uniform(2, 5), 2),
        "woods": rng.sample(WOODS, 2),
    }
    return {
        "event": "item",
        "id": f"item-{item}",
        "item": item,
        "timestamp": str(START),
        "fields": [{"name": name, "value": value} for name, value in fields.items()],
    }


def _slate(n, shopper, shown, at):
    return {
        "event": "ranking",
        "id": f"slate-{n}",
        "user": shopper,
        "session": f"session-{n}",
        "timestamp": str(at),
        "fields": [],
        "items": [{"id": item} for item in shown],
    }


def _click(n, shopper, item, at):
    return {
        "event": "interaction",
        "id": f"click-{n}-{item}",
        "ranking": f"slate-{n}",
        "user": shopper,
        "session": f"session-{n}",
        "item": item,
        "type": "click",
        "timestamp": str(at),
        "fields": [],
    }
