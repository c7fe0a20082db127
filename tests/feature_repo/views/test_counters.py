"""Windowed counts against a brute force over raw events."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.events.contract import InteractionEvent, RankingEvent, ShownItem
from feature_repo.events.log import Seals
from feature_repo.home import DAY, HOUR, Home
from feature_repo.transformations import transform
from feature_repo.views import COUNTER_VIEWS
from tests.feature_repo.histories import SHOPS, START, Rows, counts, deltas, write_log
from tests.scale import examples

SEALS = Seals((START + 5 * HOUR, START + 20 * DAY), 2)


def edges(changes):
    """Yield the instants around each change of an entity's counts."""
    for _, _, seen_at, bucket in changes:
        yield from (seen_at, seen_at + 1, seen_at + 2)
        for days in (1, 7, 30):
            boundary = (bucket + days) * DAY
            yield from (boundary - 1, boundary, boundary + 1)


def differences(home, events, more):
    for counter in COUNTER_VIEWS:
        rows = Rows(home.features / counter.name, counter.key)
        for entity, changes in deltas(events)[counter.name].items():
            for instant in {*edges(changes), *more}:
                row = rows.at(entity, instant)
                values = row and {name: row[name] for name in (*counter.features, "part")}
                expected = counts(changes, counter.measures, instant, SEALS)
                if values != expected:
                    yield counter.name, entity, instant, values, expected


@settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))
@given(SHOPS, st.lists(st.integers(START - DAY, START + 2000 * DAY), max_size=10))
def test_an_as_of_read_gives_the_counts_of_any_instant(tmp_path_factory, events, instants):
    home = Home(tmp_path_factory.mktemp("counts"))
    write_log(home, events, SEALS)

    transform(home, START)

    assert list(differences(home, events, instants)) == []


def shown(event_id, event_time, received=0, item="i"):
    return RankingEvent(
        event_id=event_id,
        event_time=event_time,
        received_at=received,
        request_id=event_id,
        user_id="u",
        items=(ShownItem(item),),
    )


def rows_of(home, events, view="item_engagement", key="item_id"):
    write_log(home, events)
    transform(home, START)
    return Rows(home.features / view, key)


def test_an_event_is_not_visible_in_its_own_microsecond(home):
    rows = rows_of(home, [shown("1", START)])

    assert rows.at("i", START) is None
    assert rows.at("i", START + 1)["impressions_1d"] == 1


def test_a_late_event_counts_only_in_windows_its_bucket_is_still_in(home):
    rows = rows_of(home, [shown("1", START, START + 3 * DAY)])

    row = rows.at("i", START + 3 * DAY + 1)

    assert [row[f"impressions_{w}"] for w in ("1d", "7d", "30d", "all")] == [0, 1, 1, 1]


def test_item_without_events_has_zero_counts_after_its_windows_and_years_later(home):
    rows = rows_of(home, [shown("1", START)])

    week, years = rows.at("i", START + 7 * DAY), rows.at("i", START + 2000 * DAY)

    assert (week["impressions_7d"], week["impressions_30d"]) == (0, 1)
    assert (years["impressions_30d"], years["impressions_all"]) == (0, 1)


def test_correction_subtracts_from_the_bucket_of_the_corrected_event(home):
    def click(event_id, at, corrects=None):
        return InteractionEvent(
            event_id=event_id, event_time=at, item_id="i", type="click", corrects=corrects
        )

    rows = rows_of(home, [click("1", START), click("2", START + 2 * DAY, corrects="1")])

    before, after = rows.at("i", START + 2 * DAY), rows.at("i", START + 2 * DAY + 1)
    assert (before["clicks_1d"], before["clicks_7d"]) == (0, 1)
    assert (after["clicks_1d"], after["clicks_7d"], after["clicks_all"]) == (0, 0, 0)


def test_rows_up_to_the_last_seal_are_final_and_later_window_ends_are_pending(home):
    rows_of(home, [shown("1", START), shown("2", START + 10 * DAY)])

    final = Rows(home.features / "item_engagement" / "rows.parquet", "item_id").instants()
    pending = Rows(home.features / "item_engagement" / "pending.parquet", "item_id").instants()

    assert max(final) == START + 10 * DAY + 1
    assert min(pending) == START + 11 * DAY


def test_final_rows_do_not_change_when_later_events_come(home):
    early = [shown("1", START), shown("2", START + 2 * DAY, item="j")]
    rows_of(home, early)
    before = Rows(home.features / "item_engagement" / "rows.parquet", "item_id")

    after = rows_of(home, [*early, shown("3", START, START + 3 * DAY)])

    assert all(
        before.at(item, at) == after.at(item, at) for item in "ij" for at in before.instants()
    )
