"""Daily views against a brute force over raw events."""

from hypothesis import HealthCheck, given, settings

from feature_repo.home import Home
from feature_repo.transformations import transform
from tests.feature_repo.histories import SHOPS, START, Rows, impressions, write_log, write_shop
from tests.feature_repo.references import examined, group, market_changes, market_totals, midnights
from tests.scale import examples

SHOP = """
name = "groups"
[[item]]
name = "kind"
type = "category"
role = "category"
"""


@settings(max_examples=examples(8), deadline=None, suppress_health_check=list(HealthCheck))
@given(SHOPS)
def test_baselines_and_percentiles_are_those_of_the_last_midnight(tmp_path_factory, events):
    home = Home(tmp_path_factory.mktemp("midnights") / "home")
    write_shop(home, SHOP)
    write_log(home, events)

    transform(home, START)

    markets = Rows(home.features / "market_baseline", "market")
    percentiles = Rows(home.features / "item_percentiles", "item_id")
    changes = {
        m: [*market_changes(events, m)] for m in {e.market for e, _, _ in impressions(events)}
    }
    for midnight in midnights(events):
        for market, of_it in changes.items():
            row = markets.at(market, midnight)
            assert (row and {name: row[name] for name in row if name[-4:] in ("_30d", "_all")}) == (
                market_totals(of_it, midnight)
            )
        for item in {shown for e, shown, _ in impressions(events) if e.seen_at < midnight}:
            row = percentiles.at(item, midnight)
            assert row["examined_impressions"] == examined(events, item, midnight)
            values = (row["category_items"], row["category_impressions"], row["category_clicks"])
            assert values == group(events, item, midnight)
