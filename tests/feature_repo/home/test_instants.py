"""Every form of an instant is parsed to the same number."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.home import (
    DAY,
    LATEST,
    SECOND,
    EventError,
    from_datetime,
    parse_instant,
    to_datetime,
    to_text,
    utc_offset_minutes,
)

instants = st.integers(0, LATEST - 1)


@given(instants)
def test_instant_is_parsed_from_its_text(instant):
    assert parse_instant(to_text(instant)) == instant
    assert to_datetime(instant).tzinfo is UTC


@given(st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1)), st.timezones())
def test_local_time_is_converted_to_its_instant(moment, zone):
    local = moment.replace(tzinfo=UTC).astimezone(zone)

    assert to_datetime(parse_instant(local.isoformat())) == moment.replace(tzinfo=UTC)


@given(st.integers(4_000 * DAY // SECOND, LATEST // SECOND - 1))
def test_unit_of_a_number_follows_from_its_size(seconds):
    for number in (seconds, seconds * 1_000, seconds * SECOND, float(seconds)):
        assert parse_instant(number) == parse_instant(str(number)) == seconds * SECOND


@given(st.dates(date(1970, 1, 1), date(2099, 12, 31)), st.times())
def test_digits_of_a_date_are_that_day_not_1970(day, time):
    moment = datetime.combine(day, time.replace(microsecond=0))

    for form, unit in (("%Y%m%d", DAY), ("%Y%m%d%H%M", 60 * SECOND), ("%Y%m%d%H%M%S", SECOND)):
        digits = moment.strftime(form)
        instant = from_datetime(moment.replace(tzinfo=UTC))
        assert parse_instant(digits) == parse_instant(int(digits)) == instant - instant % unit


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "soon",
        "12:00",
        float("nan"),
        float("inf"),
        -1,
        LATEST,
        10**20,
        [],
        {},
        "1e9",
        "٣٣٣",
        "1969-12-31T23:59:59Z",
        "2100-01-01",
    ],
)
def test_error_of_an_invalid_time_names_the_field(value):
    with pytest.raises(EventError) as refused:
        parse_instant(value, "received_at")

    assert refused.value.field == "received_at"


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("2022-03-28T12:00:00+02:00", 120),
        ("2022-03-28T12:00:00Z", 0),
        ("2022-03-28T12:00", None),
        ("2022-03-28T12:00:00-03:30", -210),
        ("soon", None),
        (1648468800, None),
        (None, None),
    ],
)
def test_offset_is_parsed_from_the_text(text, minutes):
    assert utc_offset_minutes(text) == minutes
