"""What a shop probably did not mean is named in a warning, and numbers are read as people write."""

import json

import pytest

from feature_repo.events.dialects import parse_events
from feature_repo.events.ingest import ingest, validate
from feature_repo.events.quality import EventChecks, add_warnings, read_warnings
from feature_repo.home import DAY, Clock, EventError, Home

MARKETS = '[[market]]\nname = "de"\n[[market]]\nname = "fr"\n'
SHOP = f"""
[[item]]
name = "title"
type = "text"
role = "title"
[[item]]
name = "price"
type = "number"
role = "price"
[[item]]
name = "weight"
type = "number"
[[item]]
name = "tags"
type = "list"
[[item]]
name = "since"
type = "time"
[[item]]
name = "sold_in"
type = "list"
role = "market"
[[item]]
name = "was"
type = "number"
role = "list_price"
[[item]]
name = "currency"
type = "category"
{MARKETS}[currency]
base = "EUR"
rates = {{ USD = 0.5 }}
[contract]
types = ["wishlist"]
ignore = ["x_*"]
"""
AT = "2026-01-05T10:00:00Z"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("checked"))
    home.shop_toml.write_text(SHOP)
    return home


@pytest.fixture(scope="module")
def check(home):
    """Return a function that parses and checks an event."""
    checks = EventChecks.of(home)

    def run(raw):
        (event,) = parse_events(raw)
        return checks.check(event, raw)

    return run


def item(**fields):
    return {"kind": "item", "event_id": "i", "event_time": AT, "item_id": "1", "fields": fields}


def interaction(**fields):
    about = {"event_id": "e", "event_time": AT, "item_id": "1", "type": "click"}
    return {"kind": "interaction", **about, **fields}


def ranking(**fields):
    about = {"event_id": "r", "event_time": AT, "request_id": "r", "items": ["1"]}
    return {"kind": "ranking", **about, **fields}


@pytest.mark.parametrize(
    "raw",
    [
        item(title="Red shoe", price=49.9, weight="1.5", tags=["a"], since="2026-01-01", x_note=1),
        item(title=None, price="", sold_in=["de", "FR"]),
        interaction(type="purchase", value=49.9, quantity=2, currency="EUR"),
        interaction(type="purchase", value=10, currency="USD"),
        interaction(type="wishlist"),
        interaction(type="return"),
        ranking(market="de"),
    ],
)
def test_what_the_shop_declares_needs_no_warning(check, raw):
    assert check(raw)[1] == []


@pytest.mark.parametrize(
    ("raw", "field", "hint"),
    [
        (item(pirce=5), "fields.pirce", "Did you mean price?"),
        (item(Title="x"), "fields.Title", "Did you mean title?"),
        (item(colour="red"), "fields.colour", "declare it in shop.toml"),
        (item(price="1,299"), "fields.price", "1.299 or 1299"),
        (item(price="1.299"), "fields.price", "1.299 or 1299"),
        (item(price="cheap"), "fields.price", "missing"),
        (item(price=-5), "fields.price", "Correct it"),
        (item(price="5 CHF"), "fields.price", "rate"),
        (item(weight=True), "fields.weight", "missing"),
        (item(since="31.12.2025"), "fields.since", "missing"),
        (item(sold_in=["de", "ge"]), "fields.sold_in", "[[market]]"),
        (item(price=5, currency="CHF", x_size=1), "fields.currency", "rate"),
        (interaction(type="Purchase"), "type", "Did you mean purchase?"),
        (interaction(type="product_clicked"), "type", "Did you mean click?"),
        (interaction(type="addToCart"), "type", "Did you mean add_to_cart?"),
        (interaction(type="Order Completed"), "type", "Did you mean purchase?"),
        (interaction(type="remove_from_cart"), "type", "[contract] types"),
        (interaction(type="kauf"), "type", "[contract] types"),
        (interaction(value="49,90"), "value", "reads it as 49.9"),
        (interaction(value=5, currency="CHF"), "currency", "rate"),
        (interaction(value=1e12), "value", "No feature counts it"),
        (interaction(event_time=86_400), "event_time", "seconds, milliseconds"),
        (ranking(market="dee"), "market", "Declare it"),
        (ranking(market="d_e"), "market", "Did you mean de?"),
        (ranking(), "market", "default = true"),
        (
            {"event": "item", "id": "m", "timestamp": 86_400, "item": "1"},
            "timestamp",
            "seconds, milliseconds",
        ),
    ],
)
def test_what_a_shop_probably_did_not_mean_is_named(check, raw, field, hint):
    (finding,) = check(raw)[1]

    assert finding.field == field
    assert hint in finding.hint
    assert finding.expected
    assert finding.found


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("49,90", 49.9), ("1.299,00", 1299.0), ("1,299.00", 1299.0), ("1 299", 1299.0)),
        *(("1'299.50", 1299.5), ("1\u00a0299,5", 1299.5), ("1,299,000", 1299000.0)),
        *(("49,- €", 49.0), ("EUR 49,90", 49.9), ("$10", 5.0), ("１２,５", 12.5), ("٤٩٫٩", 49.9)),
        ({"amount": "49,90", "currency": "EUR"}, 49.9),
    ],
)
def test_a_price_with_one_meaning_is_read(check, text, number):
    event, findings = check(item(price=text))

    assert event.fields["price"] == number
    assert [finding.hint for finding in findings] == [
        f"Aisle reads it as {number:.15g}; send a number."
    ]


@pytest.mark.parametrize(
    ("sent", "value", "currency"),
    [
        ({"value": 10, "currency": "USD"}, 5.0, None),
        ({"value": "10,00 €"}, 10.0, None),
        ({"value": {"amount": 10, "currency": "usd"}}, 5.0, None),
        ({"value": 10, "currency": "JPY"}, 10.0, "JPY"),
    ],
)
def test_an_amount_is_converted_or_has_its_currency(check, sent, value, currency):
    event, _ = check(interaction(type="purchase", **sent))

    assert (event.value, event.currency) == (value, currency)


def test_a_market_in_other_letters_is_the_declared_one(check):
    assert check(ranking(market="DE"))[0].market == "de"


def test_a_strict_shop_refuses_what_others_are_warned_of(tmp_path):
    home = Home(tmp_path)
    home.shop_toml.write_text(SHOP.replace("[contract]", "[contract]\nstrict = true"))
    checks = EventChecks.of(home)

    for raw in (item(pirce=5), item(price="49,90"), interaction(type="Purchase")):
        (event,) = parse_events(raw)
        with pytest.raises(EventError):
            checks.check(event, raw)
    (good,) = parse_events(item(price=49.9))
    assert checks.check(good)[0] is good


def test_without_a_declaration_any_field_is_right(tmp_path):
    (event,) = parse_events(item(anything="49,90"))

    assert EventChecks.of(Home(tmp_path)).check(event) == (event, [])


def test_ingest_and_validate_count_warnings_by_rule_and_doctor_reads_them(home, tmp_path):
    path = tmp_path / "events.jsonl"
    lines = [item(pirce=n) | {"event_id": f"i{n}"} for n in range(150)]
    lines += [interaction(type="Purchase"), interaction(event_id="e2", nmae="x")]
    path.write_text("\n".join(map(json.dumps, lines)))

    dry = validate([path], home=home, clock=Clock()).to_dict()
    report = ingest([path], home=home, clock=Clock()).to_dict()

    assert report["read"] == report["accepted"] + report["duplicate"] + report["quarantined"]
    assert (report["accepted"], report["quarantined"], report["warned"]) == (151, 1, 151)
    assert len(report["warnings"]) == 100
    assert sorted(report["warning_reasons"].values()) == [1, 150]
    first = report["warnings"][0]
    assert (first["line"], first["field"], first["found"]) == (1, "fields.pirce", "'pirce'")
    refused = report["quarantined_lines"][0]
    assert (refused["line"], refused["field"]) == (152, "nmae")
    assert {**dry, "seal": None} == {**report, "seal": None}
    assert sum(read_warnings(home, Clock().now(), 7).values()) == 151


def test_the_tally_forgets_old_days(tmp_path):
    home, now = Home(tmp_path), Clock().now()
    home.log.mkdir()

    for day in range(40):
        add_warnings(home, {"type: expected x": 2}, now + day * DAY)

    assert read_warnings(home, now + 39 * DAY, 3) == {"type: expected x": 6}
    assert len(json.loads((home.log / "warnings.json").read_bytes())) == 30


@pytest.mark.parametrize(
    ("sent", "logged"),
    [
        (
            {"price": 10, "was": 20, "currency": "USD"},
            {"price": 5, "was": 10, "currency": "EUR"},
        ),
        ({"price": 10, "x_size": 1, "currency": "EUR"}, {}),
        ({"price": 10, "currency": "eur"}, {}),
        ({"price": "49,90", "currency": "$"}, {"price": 24.95, "currency": "EUR"}),
        ({"price": 5, "was": 6, "currency": "CHF"}, {"price": "5 CHF", "was": "6 CHF"}),
        ({"price": 5, "currency": "points"}, {}),
        ({"weight": 5, "currency": "USD"}, {}),
        ({"currency": "USD"}, {}),
    ],
)
def test_prices_are_converted_from_the_currency_that_another_field_names(check, sent, logged):
    event, _ = check(item(**sent))

    assert event.fields == {**sent, **logged}


@pytest.mark.parametrize("raw", [item(sold_in=["fr-CA", "de"]), ranking(market="fr-CA")])
def test_a_market_without_declared_markets_names_what_to_declare(tmp_path, raw):
    home = Home(tmp_path)
    home.shop_toml.write_text(SHOP.replace(MARKETS, ""))
    checks = EventChecks.of(home)
    (event,) = parse_events(raw)

    (finding,) = checks.check(event, raw)[1]

    assert finding.expected == "a market that shop.toml declares"
    assert '[[market]] with name = "fr-CA" and language = "french"' in finding.hint


@pytest.mark.parametrize("raw", [item(sold_in="default"), item(sold_in=None), ranking()])
def test_the_market_of_a_shop_without_markets_needs_no_warning(tmp_path, raw):
    home = Home(tmp_path)
    home.shop_toml.write_text(SHOP.replace(MARKETS, ""))
    (event,) = parse_events(raw)

    assert EventChecks.of(home).check(event, raw)[1] == []
