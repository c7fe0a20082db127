"""A reference implementation of the simulated shop's model: plain Python, one item at a time.

It reads the same world and draws the same uniforms in the same order, and shares no arithmetic with
the simulation.
"""

import math

from training.studies.simulation.outcomes import DRAWS

MASK = (1 << 64) - 1
DEVICE_BIAS = (1.3, 1.0, 0.8)


def noise(seed, number):
    mixed = (seed + (number + 1) * 0x9E3779B97F4A7C15) & MASK
    mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & MASK
    mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & MASK
    return (((mixed ^ mixed >> 31) >> 12) + 0.5) * 2.0**-52


def gumbel(seed, number):
    return -math.log(-math.log(noise(seed, number)))


def logistic(value):
    return 1 / (1 + math.exp(-value))


class PlainShop:
    """One day of a shop, in lists."""

    def __init__(self, day):
        self.day, self.config = day, day.config
        items, users, intents = day.items, day.users, day.intents
        self.item = {
            name: values.tolist()
            for name, values in vars(items).items()
            if hasattr(values, "tolist")
        }
        self.user = {name: getattr(users, name).tolist() for name in vars(users)}
        self.intent = {
            name: getattr(intents, name).tolist()
            for name in ("category", "noun", "brand", "colour")
        }
        self.taste, self.stock = day.taste.tolist(), day.stock.tolist()
        self.dearer = [
            math.log(p / q) for p, q in zip(day.price, self.item["list_price"], strict=True)
        ]
        self.for_sale = [shown.tolist() for shown in day.for_sale]
        self.pools = {}

    def match(self, intent, n):
        if intent < 0:
            return 0.0
        wishes = {name: self.intent[name][intent] for name in ("noun", "brand", "colour")}
        wishes = {name: code for name, code in wishes.items() if code >= 0}
        fulfilled = 0.0
        for name, code in wishes.items():
            if self.item[name][n] == code:
                fulfilled += 1
            elif name == "noun" and self.item["category"][n] == self.intent["category"][intent]:
                fulfilled += 0.4
        return fulfilled / len(wishes)

    def score(self, intent, n):
        """Return the score of the weak policy."""
        return 4.0 * self.match(intent, n) + 0.5 * self.item["fame"][n]

    def candidates(self, pool, intent, market, slots):
        if pool not in self.pools:
            self.pools[pool] = self.best(pool % slots, intent, self.for_sale[market])
        return self.pools[pool]

    def best(self, slot, intent, for_sale):
        pool = for_sale
        if intent >= 0:
            for name in ("category", "brand", "colour"):
                code = self.intent[name][intent]
                if code >= 0:
                    near = [n for n in for_sale if self.item[name][n] == code]
                    pool = near if len(near) >= self.config.pool else for_sale
                    break
        seed = slot if intent >= 0 else (self.day.number + 1) << 16 | slot
        value = {n: self.score(intent, n) + gumbel(seed, self.item["key"][n]) for n in pool}
        return sorted(sorted(pool, key=lambda n: -value[n])[: self.config.pool])

    def attraction(self, user, focus, intent, n):
        category = self.item["category"][n]
        level = self.item["level"][n] + self.dearer[n] / 0.45
        wish = -3.0 + 0.9 * self.item["quality"][n] - (self.stock[n] == 0)
        wish += 3.5 * math.sqrt(self.user["interest"][user][category]) + 0.8 * (category == focus)
        pairs = zip(self.item["taste"][n], self.taste[user], strict=True)
        wish += 1.2 * sum(item * shopper for item, shopper in pairs)
        wish -= 0.6 * self.user["thrift"][user] * abs(level - self.user["budget"][user])
        if intent >= 0:
            wish += 2.0 * self.match(intent, n) - 1.5
        return logistic(wish)

    def answered(self, rng, requests, slots):
        """Return the rows of a block, with the columns of `bench_simulator.COLUMNS`."""
        smallest, largest = self.config.slate
        sizes = rng.integers(smallest, largest + 1, size=requests.t.size).tolist()
        looking = rng.random((2, requests.t.size, largest)).tolist()
        names = ("user", "focus", "intent", "pool", "market", "seed", "temperature", "device")
        values = [getattr(requests, name).tolist() for name in names]
        columns = zip(*values, sizes, *looking, strict=True)
        rows = []
        for (
            user,
            focus,
            intent,
            pool,
            market,
            seed,
            scale,
            device,
            size,
            u_look,
            u_click,
        ) in columns:
            items = self.candidates(pool, intent, market, slots)
            shown = self.ranked(items, intent, seed, scale, size)
            attractions = [self.attraction(user, focus, intent, n) for n, _ in shown]
            looks = self.look(device, self.user["patience"][user], attractions, u_look, u_click)
            rows += [
                [n, share, a, *look]
                for (n, share), a, look in zip(shown, attractions, looks, strict=True)
            ]
        self.follow(rows, rng)
        return rows

    def ranked(self, items, intent, seed, scale, size):
        scores = {n: self.score(intent, n) for n in items}
        noisy = {n: scores[n] + scale * gumbel(seed, n) for n in items}
        remaining = {n: math.exp(scores[n] / scale) for n in items}
        shown = []
        for n in sorted(items, key=lambda n: -noisy[n])[:size]:
            shown.append((n, remaining[n] / sum(remaining.values())))
            del remaining[n]
        return shown

    def look(self, device, patience, attractions, u_look, u_click):
        """Return (examination, examined, clicked) by position."""
        fall, trust = self.config.bias * DEVICE_BIAS[device], self.config.trust
        continuation = math.exp(-0.15 * fall / patience)
        rows, reached, there = [], 1.0, True
        for index, a in enumerate(attractions):
            click = a + (1 - a) * trust / (index + 1)
            if self.config.click_model == "pbm":
                reached = (index + 1.0) ** -fall
                there = u_look[index] < reached
            clicked = there and u_click[index] < click
            rows.append((reached, there, clicked))
            if self.config.click_model != "pbm":
                satisfied = 1.0 if self.config.click_model == "cascade" else 0.25 + 0.5 * a
                reached *= continuation * (1 - click * satisfied)
                there = there and u_look[index] < continuation * (1 - satisfied * clicked)
        return rows

    def follow(self, rows, rng):
        """Append to each row: dwell seconds, carted, ordered, returned."""
        clicked = [row for row in rows if row[-1]]
        for row in rows:
            if not row[-1]:
                row += [0.0, False, False, False]
        for row, u in zip(clicked, rng.random((DRAWS, len(clicked))).T.tolist(), strict=True):
            n, attraction = row[0], row[2]
            normal = math.sqrt(-2 * math.log1p(-u[0])) * math.cos(2 * math.pi * u[1])
            dwell = min(12.0 * math.exp(1.5 * attraction + 0.6 * normal), 1800.0)
            carted = u[2] < 0.5 * attraction * (self.stock[n] > 0)
            ordered = carted and u[3] < 0.6
            returned = ordered and u[5] < logistic(-2.0 - 0.8 * self.item["quality"][n])
            row += [dwell, carted, ordered, returned]
