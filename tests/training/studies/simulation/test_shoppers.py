"""Shoppers of a simulated day look at any slate, with the tastes of their shop."""

from feature_repo.events.ingest import ingest
from feature_repo.home import Clock, Settings, to_text
from training.studies.simulation import Shop, ShopConfig, Shoppers, recognise, simulate
from training.studies.simulation.calendar import day_start

CONFIG = ShopConfig(users=40, items=60, seed=3)
DAYS = 3


def visit(most=1000):
    return Shoppers(Shop.draw(CONFIG, DAYS), DAYS - 1, most)


def test_a_day_has_the_same_requests_each_time():
    shoppers = visit()

    assert shoppers.requests == visit().requests
    assert [request.number for request in shoppers.requests] == [*range(len(shoppers.requests))]
    assert {request.query is None for request in shoppers.requests} == {True, False}
    assert 1 <= len(visit(3).requests) <= 3
    assert {one.query for one in visit(3).requests} <= {one.query for one in shoppers.requests}


def test_shoppers_click_items_that_they_like_and_ignore_unknown_ones():
    shoppers = visit()
    items = [f"i{number:05d}" for number in range(12)]
    looks = [shoppers.look_at(request, items) for request in shoppers.requests]
    day, row = shoppers._day, shoppers._row

    assert looks == [shoppers.look_at(request, items) for request in shoppers.requests]
    assert {one.item_id for look in looks for one in look} <= {*items}
    assert {one.type for look in looks for one in look} >= {"click"}
    assert shoppers.look_at(shoppers.requests[0], []) == []
    assert shoppers.look_at(shoppers.requests[0], ["unknown", "i99999"]) == []
    best = worst = 0
    for request in shoppers.requests:
        one = row(request.number)
        numbers = [[*range(60)]]
        liking = day.attraction(one.user, one.focus, one.intent, numbers)[0].argsort()
        ordered = [f"i{number:05d}" for number in liking]
        worst += sum(one.type == "click" for one in shoppers.look_at(request, ordered[:12]))
        best += sum(one.type == "click" for one in shoppers.look_at(request, ordered[:-13:-1]))
    assert best > 2 * worst


def test_a_home_is_recognised_by_the_titles_of_its_opening_items(home):
    path = simulate(home.root.parent / "events.jsonl", days=DAYS, config=CONFIG)
    now = day_start(DAYS) + 1
    ingest([path], home=home, clock=Clock.of(Settings(home=home, clock=to_text(now))))

    shop, day = recognise(home, now, seed=3)

    assert (shop.config, day) == (CONFIG, DAYS)
    assert recognise(home, now, seed=4) is None


def test_a_home_without_events_has_no_simulated_shop(home):
    assert recognise(home, day_start(2)) is None
