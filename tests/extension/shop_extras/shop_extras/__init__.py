from pathlib import Path

import duckdb

from feature_repo.request_features.families import Block
from feature_repo.views import CounterView, Measure
from pipelines.declarations import HOME, Resources, Step
from training.retrieval.indexes import TopLists
from training.retrieval.sources import SourceSpec, search_top_list, top_lists_index

SQL, WISHES = Path(__file__).with_name("item_wishes.sql"), Measure("Wishes", of=("wish",))
ITEM_WISHES = CounterView(
    name="item_wishes", entity="item", description="Wishes.", measures={"wishes": WISHES}, sql=SQL
)


def wishes(context, shop, prior):
    counts = context.item_table(("item_wishes__wishes_7d", "item_engagement__clicks_7d"))
    return [Block(("wishes__per_click_7d",), counts[:1] / (counts[1:] + 1))]


def totals(home):
    rows = duckdb.read_parquet(f"{home}/features/item_wishes/*.parquet")
    return dict(rows.aggregate("item_id, max(wishes_all)").fetchall())


def count_wishes(home):
    return {"items": len(totals(home))}


INDEX = top_lists_index("wished", lambda inputs: TopLists.best(totals(inputs.home.root)))
WISHED = SourceSpec("wished", "most wished items", search_top_list(INDEX), {"home": 1.0}, INDEX)
COUNT_WISHES = Step("count_wishes", count_wishes, (HOME,), (), Resources("1", "1G"), retry=1)
