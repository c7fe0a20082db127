"""The pages of an entity and of a view: values of now, their history, and the events behind."""

import json
from collections import Counter

import pyarrow.dataset as ds

from feature_repo.events.log import EventLog
from feature_repo.home import DAY, Clock, to_datetime, to_text
from feature_repo.shop import Shop
from feature_repo.views import views_of
from pipelines.cli.main import main
from pipelines.inspection import entity, histories, in_words, newest_values

VIEW = "item_engagement"


def test_the_values_of_an_entity_are_those_of_the_verb(console, shop, capsys, monkeypatch):
    monkeypatch.setenv("AISLE_HOME", str(shop.home.root))
    assert main(["features", "show", "item:i00001", "--json"]) == 0
    features = json.loads(capsys.readouterr().out)["features"]

    shown = console.get("/entity.json?of=item:i00001&table=features").json()["rows"]

    assert [row["feature"] for row in shown] == [one["feature"] for one in features]
    for row, one in zip(shown, features, strict=True):
        assert row["offline"] == in_words(one["value"], one["unit"])
        if "clicks" in one["feature"]:
            assert row["online"] == in_words(one["online"], one["unit"])


def test_values_of_now_leave_out_what_leaves_its_window_later(console, shop):
    spec = next(view for view in views_of(Shop.load(shop.home.shop_toml)) if view.name == VIEW)
    rows = ds.dataset(shop.home.features / VIEW).to_table().to_pylist()
    now = Clock.of(shop).now()
    newest = {}
    for row in sorted(rows, key=lambda row: row["event_timestamp"]):
        if row["event_timestamp"] <= to_datetime(now):
            newest[row["item_id"]] = row["clicks_7d"]

    values = newest_values(shop.home, spec, "clicks_7d", now)

    assert any(row["event_timestamp"] > to_datetime(now) for row in rows)
    assert sorted(values) == sorted(newest.values())
    assert sum(values) > 0


def test_a_history_has_the_values_that_training_read_on_each_day(shop):
    subject, now = entity.Subject.of("item:i00001"), Clock.of(shop).now()
    listed = histories(shop.home, subject, now)
    days = {
        to_text(t)[:10]: entity.offline(shop.home, subject, t)
        for t in range(now - 4 * DAY, now + 1, DAY)
    }

    assert "item_engagement__impressions_all" in [one.feature for one in listed]
    for one in listed:
        of_days = dict(zip(one.at, one.values, strict=True))
        for day, features in days.items():
            (value,) = [each["value"] for each in features if each["feature"] == one.feature]
            assert of_days.get(day) == value


def test_an_export_has_all_events_that_name_the_user(console, shop):
    log = ds.dataset(EventLog(shop.home, Clock.of(shop)).relation_paths("interaction"))
    names = log.to_table(columns=["event_id", "user_id"]).to_pylist()

    (user, _), *_ = Counter(row["user_id"] for row in names if row["user_id"]).most_common(1)
    answer = console.get(f"/export.json?user={user}").json()

    exported = [json.loads(row["event"]) for row in answer["events"]["rows"]]
    mine = {row["event_id"] for row in names if row["user_id"] == user}
    assert mine
    assert mine <= {one["event_id"] for one in exported}
    assert {one.get("user_id") for one in exported} <= {user, None}
    assert {"user", "ranking", "interaction"} <= {one["kind"] for one in exported}
    page = console.get(f"/entity?of=user:{user}").text
    assert f"/export?user={user}" in page
    assert 'method="post"' not in page
