"""Data contracts hold in an ordinary shop, and name each planted fault with its rows."""

import copy
import json
import shutil

import pytest

from feature_repo.data_contracts import check_contracts
from feature_repo.data_contracts.kinds import kind_expectations
from feature_repo.data_contracts.views import view_expectations
from feature_repo.events.ingest import ingest
from feature_repo.home import DAY, Clock, ContractError, Home, Settings, ShopError
from feature_repo.shop import SIMULATED_SHOP, Shop
from feature_repo.transformations import transform
from feature_repo.views import views_of
from pipelines.catalogue import VALIDATE
from pipelines.cli.main import main
from pipelines.steps import VALIDATION_REPORT
from training.studies.simulation import Breakage, ShopConfig, simulate

NOW = "2026-01-17T00:00:00Z"
"""The end of the simulated days."""

FEW_ITEMS = 0.7


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """The events of an ordinary shop, of which some are late, lost or sent twice."""
    breakage = Breakage(lost=0.01, duplicated=0.02, late=0.02, bots=0.02)
    config = ShopConfig(users=120, items=80, rankings_per_user_day=0.8, breakage=breakage)
    path = simulate(tmp_path_factory.mktemp("shop") / "events.jsonl", days=12, config=config)
    return [json.loads(line) for line in path.read_text().splitlines()]


def home_of(folder, events):
    """A home with the events in its log, without features."""
    home = Home(folder / "home")
    home.root.mkdir()
    shop = SIMULATED_SHOP.read_text()
    home.shop_toml.write_text(shop.replace('name = "stock"', 'name = "stock"\nrole = "stock"'))
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    clock = Clock.of(Settings(home=home, clock=NOW))
    ingest([path], home=home, clock=clock)
    return home


@pytest.fixture(scope="module")
def ordinary(events, tmp_path_factory):
    """A home with the log and the features of the ordinary shop."""
    home = home_of(tmp_path_factory.mktemp("ordinary"), events)
    transform(home, Clock.of(Settings(home=home)).now())
    return home


@pytest.fixture(scope="module")
def faulty(events, tmp_path_factory):
    """A home with the log of a shop with a fault of each kind, without features."""
    return home_of(tmp_path_factory.mktemp("faulty"), planted(events))


def planted(events):
    """The events, with a fault of each kind on the last day."""
    last = max(event["event_time"] for event in events) - DAY
    changed = []
    for event in copy.deepcopy(events):
        is_last = event["event_time"] > last
        number = int(event.get("item_id", "0").strip("id") or 0)
        if is_last and event["kind"] == "interaction":
            event["type"] = "wishlist" if event["type"] == "dwell" else event["type"]
            event["item_id"] = f"sku-{event['item_id']}" if number % 3 == 0 else event["item_id"]
            event["request_id"] = f"r-{event['event_id']}" if number % 3 == 1 else None
        if is_last and event["kind"] == "ranking":
            event |= {"user_id": None, "session_id": None, "request_id": event["surface"] or "r"}
            event["items"] = [{"item_id": f"x{n}"} for n, _ in enumerate(event["items"])]
        changed.append(event)
    items = sorted({event["item_id"] for event in events if event["kind"] == "item"})
    for n, item in enumerate(items[: int(len(items) * FEW_ITEMS)]):
        fields = {
            "title": None,
            "brand": f"Renamed {n % 3}",
            "price": 100_000 + n,
            "stock": -1,
            "discount": "half",
        }
        base = {"kind": "item", "item_id": item, "event_time": last + DAY // 2 + n}
        changed.append({**base, "event_id": f"planted-{n}", "fields": fields})
    return changed


def copied(home, folder):
    shutil.copytree(home.root, folder / "home", symlinks=True)
    return Home(folder / "home")


def test_an_ordinary_shop_meets_its_contracts(ordinary):
    report = check_contracts(ordinary)

    assert report.violations == ()
    assert report.checked_from >= 0
    assert sum(check.checked for check in report.checks) > 1000


def test_each_planted_fault_is_named_with_its_rows(faulty):
    report = check_contracts(faulty)

    assert {check.name for check in report.violations} == {
        "item_title_missing",
        "item_brand_new_values",
        "item_price_jumps",
        "item_stock_negative",
        "item_discount_unreadable",
        "ranking_items_exist",
        "ranking_requests_unique",
        "ranking_visitors_missing",
        "interaction_items_exist",
        "interaction_requests_exist",
        "interaction_types_new",
        "interaction_type_mix",
    }
    by_name = {check.name: check for check in report.violations}
    assert by_name["item_price_jumps"].examples[0]["id"].startswith("item event planted-")
    assert "became 1000" in by_name["item_price_jumps"].examples[0]["found"]
    assert by_name["ranking_items_exist"].examples[0]["found"].startswith("x")
    with pytest.raises(ContractError, match=r"item_title_missing.*item event planted-.*Correct"):
        report.check()


def test_a_market_that_falls_silent_is_a_violation(events, tmp_path):
    last = max(event["event_time"] for event in events) - DAY
    kinds = ("ranking", "interaction")
    remaining = [
        event
        for n, event in enumerate(events)
        if event["event_time"] <= last or event["kind"] not in kinds or n % 12 == 0
    ]
    home = home_of(tmp_path, remaining)

    report = check_contracts(home)

    assert {check.name for check in report.violations} >= {"ranking_volume"}
    assert "on a median day" in report.violations[-1].examples[0]["found"]


def test_a_share_that_shop_toml_allows_is_no_violation(faulty, tmp_path):
    home = copied(faulty, tmp_path)
    names = {check.name for check in check_contracts(home).violations}
    with home.shop_toml.open("a") as file:
        file.write("\n[contract.allowed]\n" + "".join(f"{name} = 1\n" for name in sorted(names)))

    assert check_contracts(home).violations == ()


def test_shop_toml_cannot_allow_an_unknown_expectation(ordinary, tmp_path):
    home = Home(tmp_path)
    shutil.copy(ordinary.shop_toml, home.shop_toml)
    with home.shop_toml.open("a") as file:
        file.write("\n[contract.allowed]\nitem_title_mising = 0.1\n")

    with pytest.raises(ShopError, match="item_title_missing"):
        check_contracts(home)


def test_a_row_of_a_view_that_breaks_its_condition_is_named(ordinary, monkeypatch):
    from feature_repo.views import BUILT_IN

    spec = next(spec for spec in BUILT_IN if spec.name == "item_attributes")
    monkeypatch.setitem(spec.conditions, "priced", "price > 1e9")

    violations = check_contracts(ordinary).violations

    assert [check.name for check in violations] == ["item_attributes_priced"]
    assert '"price":' in violations[0].examples[0]["found"]


def test_a_doubled_row_of_a_view_is_named(ordinary, tmp_path):
    home = copied(ordinary, tmp_path)
    rows = home.features / "item_attributes" / "rows.parquet"
    shutil.copy(rows, rows.with_name("rows-again.parquet"))

    violations = check_contracts(home).violations

    assert [check.name for check in violations] == ["item_attributes_unique"]


def test_every_expectation_has_its_own_name_sentence_and_advice():
    shop = Shop.load(SIMULATED_SHOP)
    expectations = list(kind_expectations(shop))
    for spec in views_of(shop):
        expectations += view_expectations(spec, shop)

    assert len({one.name for one in expectations}) == len(expectations)
    for one in expectations:
        assert one.sentence.endswith(".")
        assert one.advice
        assert one.advice[-1] != "."


def contents(home):
    """The bytes of all files but those of the validation itself."""
    files = (path for path in home.root.rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if "validation" not in path.parts}


def test_the_step_writes_its_page_and_stops_at_a_violation(faulty):
    before = contents(faulty)

    with pytest.raises(ContractError, match="violates its contract in 12 of"):
        VALIDATE.run(faulty)

    report = json.loads((faulty.root / VALIDATION_REPORT).read_text())
    page = (faulty.root / VALIDATION_REPORT).with_name("validation.html").read_text()
    assert contents(faulty) == before
    assert not report["holds"]
    assert all(name in page for name in report["violations"])


def test_the_verb_prints_the_report_and_ends_with_status_one(faulty, monkeypatch, capsys):
    monkeypatch.setenv("AISLE_HOME", str(faulty.root))

    status = main(["validate", "--json"])

    assert status == 1
    assert len(json.loads(capsys.readouterr().out)["violations"]) == 12


def test_a_home_without_events_has_nothing_to_check(home):
    home.root.mkdir()

    assert VALIDATE.run(home)["checks"] == 0


def test_lost_rankings_of_a_shop_with_markets_are_few_of_each_market(tmp_path):
    breakage = Breakage(lost=0.05)
    config = ShopConfig(users=60, items=60, markets=("gb", "de"), breakage=breakage)
    path = simulate(tmp_path / "shop.jsonl", days=9, config=config)
    home = home_of(tmp_path, [json.loads(line) for line in path.read_text().splitlines()])

    report = check_contracts(home)

    assert report.violations == ()
    assert {check.market for check in report.checks if check.subject == "ranking"} == {"gb", "de"}
    assert any(check.violating for check in report.checks)
