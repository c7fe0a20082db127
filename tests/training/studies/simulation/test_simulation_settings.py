"""Each setting of the simulated shop has its effect and changes nothing else."""

import hashlib
import subprocess
import sys
import tracemalloc
from dataclasses import fields, replace

import numpy as np
import pytest

from training.studies.simulation import Breakage, Shop, ShopConfig, Slates
from training.studies.simulation.calendar import START, campaign, traffic
from training.studies.simulation.intents import SYNONYM
from training.studies.simulation.shop_events import ShopEvents
from training.studies.simulation.truth import policy_value
from training.studies.simulation.visits import slate_blocks

SMALL = ShopConfig(users=300, items=200, seed=2)
PRINT_HASH = """
import hashlib
from training.studies.simulation.configuration import ShopConfig
from training.studies.simulation.shop import Shop
shop = Shop.draw(ShopConfig(users=300, items=200, seed=2), 6)
print(hashlib.sha256(b"".join(s.score.tobytes() for s in shop.slates())).hexdigest())
"""


def drawn(config, days=4):
    return Slates.concatenate(Shop.draw(config, days).slates())


def is_equal(one, other):
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Slates))


def events(config, days, *kinds):
    """Return the events of the given kinds, day by day."""
    shop_events = ShopEvents(Shop.draw(config, days))
    tables = (pair for number in range(days) for pair in shop_events.of_day(number))
    return [row for kind, table in tables if kind in kinds for row in table.to_pylist()]


def test_day_does_not_depend_on_other_days_or_their_order():
    short, long = Shop.draw(SMALL, 3), Shop.draw(SMALL, 9)
    of_long = {number: Slates.concatenate(slate_blocks(long.day(number))) for number in (8, 2, 0)}

    for number in (0, 2):
        assert is_equal(Slates.concatenate(slate_blocks(short.day(number))), of_long[number])


def test_another_process_draws_the_same_shop():
    scores = b"".join(slates.score.tobytes() for slates in Shop.draw(SMALL, 6).slates())

    other = subprocess.run(
        [sys.executable, "-c", PRINT_HASH], capture_output=True, text=True, check=True
    )

    assert other.stdout.strip() == hashlib.sha256(scores).hexdigest()


def test_memory_does_not_grow_with_days():
    peaks = []
    for days in (2, 10):
        shop = Shop.draw(replace(SMALL, users=1000), days)
        tracemalloc.start()
        for _ in shop.slates():
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.25 * peaks[0]


def test_bias_lowers_the_examination_rate():
    examined = [drawn(replace(SMALL, bias=bias)).examined.mean() for bias in (0.0, 0.5, 1.5)]

    assert examined[0] == 1.0 > examined[1] > examined[2]


def test_phones_have_more_position_bias_than_desktops():
    log = drawn(replace(SMALL, bias=1.0))
    fifth = log.position == 5
    phone, tablet, desktop = (
        log.examination[fifth & (log.of_impressions("device") == device)] for device in range(3)
    )

    assert phone.max() < tablet.min() < desktop.min()
    np.testing.assert_allclose(tablet, 1 / 5)


def test_trust_bias_adds_clicks_at_the_top():
    without, trusting = (drawn(replace(SMALL, trust=trust)) for trust in (0.0, 0.5))
    gained = trusting.clicked.astype(int) - without.clicked

    assert np.array_equal(without.item, trusting.item)
    assert (gained >= 0).all()
    assert gained[trusting.position == 1].mean() > 2 * gained[trusting.position > 5].mean() > 0


def test_patient_users_examine_lower_positions():
    shop = Shop.draw(replace(SMALL, click_model="dbn", bias=1.0), 4)
    log = Slates.concatenate(shop.slates())
    patience = shop.users.patience[log.of_impressions("user")]
    deep = log.position == 8

    patient = log.examination[deep & (patience > 1.2)]
    impatient = log.examination[deep & (patience < 0.8)]

    assert patient.mean() > impatient.mean()


def test_randomized_requests_have_their_share_and_temperature():
    config = replace(SMALL, policy="strong", randomized_share=0.3, randomized_temperature=3.0)
    log = drawn(config, 8)
    share = log.randomized.mean()

    assert abs(share - 0.3) < 4 * np.sqrt(0.21 / len(log))
    assert set(log.temperature[log.randomized]) == {3.0}
    assert set(log.temperature[~log.randomized]) == {0.25}
    random = log.of_impressions("randomized")
    assert log.propensity[random].mean() < 0.5 * log.propensity[~random].mean()


def test_policy_without_noise_ranks_by_score():
    log = drawn(replace(SMALL, policy="strong", temperature=0.0))

    assert (log.propensity == 1).all()
    assert (np.diff(log.score)[np.diff(log.row) == 0] <= 0).all()


def test_policy_may_be_a_function():
    def cheap(day, users, intents, items):
        assert users.shape == intents.shape == items.shape[:1]
        return -day.price[items]

    config = replace(SMALL, policy=cheap, temperature=0.0)
    shop = Shop.draw(config, 1)
    log = Slates.concatenate(shop.slates())

    np.testing.assert_array_equal(log.score, -shop.day(0).price[log.item])
    assert policy_value(shop, cheap).mean > 0


def test_strong_policy_gets_more_clicks_than_weak_and_random():
    strong, weak, random = (
        drawn(replace(SMALL, policy=policy, users=2000)).clicked.mean()
        for policy in ("strong", "weak", "random")
    )

    assert strong > 1.2 * weak > 1.2 * random


def test_bots_click_half_of_their_impressions_and_change_nothing_else():
    clean = drawn(SMALL)
    log = drawn(replace(SMALL, breakage=Breakage(bots=0.2)))
    bots = log.of_impressions("bot") >= 0

    assert is_equal(log.where(log.bot < 0), clean)
    assert log.clicked[bots].mean() == pytest.approx(0.5, abs=0.05)
    assert (log.user[log.bot >= 0] == -1).all()


def test_lost_events_are_missing_and_others_unchanged():
    def events_by_id(lost):
        config = replace(SMALL, breakage=Breakage(lost=lost))
        return {row["event_id"]: row for row in events(config, 3, "ranking", "interaction")}

    complete, arrived = events_by_id(0.0), events_by_id(0.25)

    assert arrived.items() <= complete.items()
    assert 1 - len(arrived) / len(complete) == pytest.approx(0.25, abs=0.03)


def test_duplicated_events_have_the_same_id():
    config = replace(SMALL, breakage=Breakage(duplicated=0.25))
    rows = events(config, 3, "ranking", "interaction")
    ids = [row["event_id"] for row in rows]

    assert len(ids) / len(set(ids)) - 1 == pytest.approx(0.25, abs=0.03)
    assert len({repr(row) for row in rows}) == len(set(ids))


def test_late_events_are_received_after_their_event_time():
    config = replace(SMALL, breakage=Breakage(late=0.25))
    rows = events(config, 3, "ranking", "interaction")
    late = [row for row in rows if row["received_at"] is not None]

    assert len(late) / len(rows) == pytest.approx(0.25, abs=0.03)
    assert all(row["received_at"] > row["event_time"] for row in late)


def test_price_shock_begins_on_its_day():
    plain = Shop.draw(SMALL, 4)
    shocked = Shop.draw(replace(SMALL, breakage=Breakage(shock_day=2, shock=1.5)), 4)

    assert np.array_equal(plain.day(1).price, shocked.day(1).price)
    np.testing.assert_allclose(shocked.day(2).price, 1.5 * plain.day(2).price, rtol=0.01)
    zero, items = np.zeros(1, int), np.arange(9)[None]
    before, after = (shop.day(2).attraction(zero, zero, zero, items) for shop in (plain, shocked))
    assert not np.allclose(before, after)


def test_launch_adds_many_items_on_its_day():
    plain = Shop.draw(SMALL, 4).items
    launched = Shop.draw(replace(SMALL, breakage=Breakage(launch_day=2, launch=0.5)), 4).items

    assert (launched.first_day == 2).sum() - (plain.first_day == 2).sum() == 100
    before = launched.key[launched.first_day < 2]
    assert np.array_equal(before, plain.key[plain.first_day < 2])


def test_leak_has_the_clicks_of_the_coming_day_at_midnight():
    config = replace(SMALL, breakage=Breakage(leak=True))
    rows = events(config, 2, "item")
    leaked = {
        row["event_id"]: int(row["fields"].removeprefix('{"clicks_today":').removesuffix("}"))
        for row in rows
        if row["event_id"].startswith("leak-")
    }
    log = drawn(config, 2)
    second = (log.of_impressions("t") - START) // 86_400_000_000 == 1
    clicks = np.bincount(log.item[second & log.clicked], minlength=200)

    assert [leaked[f"leak-i{n:05d}-1"] for n in np.flatnonzero(clicks)] == clicks[
        clicks > 0
    ].tolist()
    assert {row["event_time"].hour for row in rows} == {0}


def test_each_market_has_its_own_items_language_hours_and_currency():
    config = replace(SMALL, users=900, markets=("gb", "de", "us"))
    shop = Shop.draw(config, 4)
    log = Slates.concatenate(shop.slates())
    rankings = events(config, 1, "ranking")
    items = [row["fields"] for row in events(config, 1, "item")]

    assert np.array_equal(shop.items.market[log.item], log.of_impressions("market"))
    assert np.array_equal(shop.users.market[log.user], log.market)
    offsets = {(r["market"], r["utc_offset_minutes"]) for r in rankings}
    assert offsets == {("gb", 0), ("de", 60), ("us", -300)}
    for market, currency in (("gb", "GBP"), ("de", "EUR"), ("us", "USD")):
        of_market = [fields for fields in items if f'"market": "{market}"' in fields]
        assert of_market
        assert all(f'"currency": "{currency}"' in fields for fields in of_market)
    queries = {
        market: {r["query"] for r in rankings if r["market"] == market} for market in ("gb", "de")
    }
    assert "schwarz" in str(queries["de"])
    assert "schwarz" not in str(queries["gb"])


def test_queries_include_synonyms_and_typing_errors():
    shop = Shop.draw(replace(SMALL, users=3000), 2)
    log = Slates.concatenate(shop.slates())
    forms = np.bincount(log.form[log.intent >= 0], minlength=4) / (log.intent >= 0).sum()

    np.testing.assert_allclose(forms, [0.78, 0.14, 0.05, 0.03], atol=0.03)
    texts = shop.intents.texts(shop.markets[0])
    assert all(len({proper, *errors}) == 3 for proper, _, *errors in texts)
    assert any(text[SYNONYM] != text[0] for text in texts)


def test_intent_frequencies_follow_zipf():
    frequency = np.sort(Shop.draw(SMALL, 1).intents.frequency)[::-1]
    slope = np.polyfit(np.log(np.arange(1, frequency.size + 1)), np.log(frequency), 1)[0]

    assert slope == pytest.approx(-0.8)


def test_campaign_raises_traffic_and_lowers_prices():
    running = [day for day in range(28) if campaign(SMALL.seed, day)]
    shop = Shop.draw(SMALL, 28)
    day = shop.day(running[0])
    category = day.campaign.category

    assert 4 <= len(running) <= 6
    assert traffic(SMALL.seed, running[0]) > 1.2 * 0.95
    assert set(day.discount[shop.items.category == category]) == {1 - 0.8}
    assert set(day.discount[shop.items.category != category]) == {0.0}


def test_items_are_added_removed_repriced_and_sold_out():
    shop = Shop.draw(replace(SMALL, items=1000), 60)
    prices = np.array([shop.day(number).price for number in (0, 59)])
    opening = shop.items.first_day == 0

    assert 0.2 < (~opening).sum() / 1000 < 0.6
    assert 0.05 < (shop.items.last_day[opening] < 59).mean() < 0.2
    assert (prices[0] != prices[1])[opening].mean() > 0.3
    assert 0.003 < (shop.items.stock(30) == 0).mean() < 0.05


def test_taste_drifts_slowly():
    users = Shop.draw(SMALL, 1).users
    now, soon, later = (users.taste_on(day).ravel() for day in (0, 7, 150))

    assert np.corrcoef(now, soon)[0, 1] > 0.98
    assert np.corrcoef(now, later)[0, 1] < 0.5
    assert later.std() == pytest.approx(now.std(), rel=0.1)
