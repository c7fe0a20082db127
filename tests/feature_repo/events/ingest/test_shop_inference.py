"""A shop is inferred from its events, with explanations, as TOML that can be loaded."""

import json
import os
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.events.ingest.shop_inference import MOST_FIELDS, infer_shop, shop_to_toml
from feature_repo.shop import Role, Shop, ShopField
from feature_repo.shop.schema import RESERVED_COLUMNS
from tests.scale import examples

DATA = Path(os.environ.get("AISLE_DATA", "../shared/data"))
RANKLENS = DATA / "ranklens" / "events.jsonl.gz"
SHOPS = Path(__file__).parents[4] / "feature_repo/shop/examples"


@pytest.fixture
def inferred(tmp_path):
    """Infers a shop from the fields of items and users, one event each."""

    def infer_from(items, users=()):
        path = tmp_path / "corner-shop.jsonl"
        events = [_event("item", n, fields) for n, fields in enumerate(items)]
        events += [_event("user", n, fields) for n, fields in enumerate(users)]
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
        return infer_shop([path])

    return infer_from


def _event(kind, number, fields):
    return {
        "kind": kind,
        "event_id": f"{kind}{number}",
        "event_time": "2021-11-15",
        f"{kind}_id": f"{kind}{number}",
        "fields": fields,
    }


def types(shop):
    return {field.name: (field.type, field.role) for field in shop.item_fields}


@pytest.mark.skipif(not RANKLENS.exists(), reason=f"{RANKLENS} is missing; see AISLE_DATA")
def test_ranklens_shop_equals_the_shipped_declaration():
    shop, _ = infer_shop([RANKLENS])

    shipped = Shop.load(SHOPS / "ranklens.toml")
    assert shop.name == shipped.name
    assert types(shop) == types(shipped)


def test_types_and_roles_of_a_typical_shop(inferred):
    shop, explanations = inferred(
        {
            "product_name": f"Thing {n}",
            "brandName": ["Acme", "Best"][n % 2],
            "category": f"c{n % 3}",
            "unit_price": n + 0.5,
            "in_stock": n % 2 == 0,
            "added_at": f"2021-01-{n + 1:02d}T12:00:00Z",
            "description": "long " * 30 + str(n),
            "department_id": n % 4,
            "sizes": ["S", "M"],
            "updated": 1_600_000_000 + n,
            "weight": str(n),
            "colour": ["red", "blue"][n % 2],
        }
        for n in range(20)
    )

    assert types(shop) == {
        "product_name": ("text", "title"),
        "brandName": ("category", "brand"),
        "category": ("category", "category"),
        "unit_price": ("number", "price"),
        "in_stock": ("bool", "stock"),
        "added_at": ("time", None),
        "description": ("text", "text"),
        "department_id": ("category", None),
        "sizes": ("list", None),
        "updated": ("time", None),
        "weight": ("number", None),
        "colour": ("category", None),
    }
    assert (
        "20 values, 2 distinct of 20 (10%); such as 'red', 'blue'."
        in (explanations["item", "colour"])
    )


def test_shop_without_typical_fields(inferred):
    shop, _ = inferred({"isbn": f"978-{n}", "pages": n, "shelf": n % 2} for n in range(9))

    assert types(shop) == {
        "isbn": ("text", "title"),
        "pages": ("number", None),
        "shelf": ("number", None),
    }


def test_shop_without_fields(inferred):
    shop, explanations = inferred([{}, {}])

    assert (shop.item_fields, shop.user_fields, explanations) == ((), (), {})


@pytest.mark.parametrize(
    ("name", "values", "type_"),
    [
        ("year", [1999, 2004], "number"),
        ("release_date", [1999, 2004], "number"),
        ("release_date", [-700_000_000, 900_000_000, 5], "time"),
        ("size", [900_000_000, 1_600_000_000], "number"),
        ("seen_at", [1_600_000_000_000], "time"),
        ("opened", ["2021-01-02", "2021-01-03"], "time"),
        ("sku", ["00123", "00124", "00123"], "category"),
        ("ean", [4006381333931, 4006381333948], "text"),
        ("article", ["4006381333931", "4006381333948"], "text"),
        ("zip", [10115, 80331], "text"),
        ("price", ["49,90", "1.299,00", "5"], "number"),
        ("price", ["49,90 €", "$5"], "number"),
        ("flag", ["true", "False"], "bool"),
        ("mixed", [1, "red", ["a"], True], "text"),
        ("tags", [["a"], "b", ["c"]], "list"),
        ("note", ["x" * 200, "x" * 200], "text"),
    ],
)
def test_type_follows_from_name_and_values(inferred, name, values, type_):
    shop, _ = inferred({name: value} for value in values)

    assert shop.item_fields[0].type == type_


def test_repeated_item_counts_once(inferred, tmp_path):
    path = tmp_path / "events.jsonl"
    events = [_event("item", n % 30, {"headline": f"Unique {n % 30}"}) for n in range(300)]
    path.write_text("".join(json.dumps(event) + "\n" for event in events))

    shop, _ = infer_shop([path])

    assert types(shop) == {"headline": ("text", "title")}
    assert shop.name == tmp_path.name


def test_each_role_has_one_item_field_and_users_have_no_roles(inferred):
    goods = [{"title": f"t{n}", "name": f"n{n}", "price": 1, "old_price": 2} for n in range(9)]
    shop, _ = inferred(goods, users=[{"name": f"u{n}", "price": 3} for n in range(9)])

    assert types(shop) == {
        "title": ("text", "title"),
        "name": ("text", None),
        "price": ("number", "price"),
        "old_price": ("number", "list_price"),
    }
    assert [field.role for field in shop.user_fields] == [None, None]


def test_invalid_lines_are_skipped(tmp_path):
    path = tmp_path / "mixed.jsonl"
    good = json.dumps(_event("item", 1, {"title": "x"}))
    path.write_text(f'{{broken\n7\n{{"kind": "item"}}\n{good}\n{{"event": "item", "id": 1}}\n')

    shop, _ = infer_shop([path])

    assert [field.name for field in shop.item_fields] == ["title"]


def test_only_the_most_frequent_fields_are_inferred(inferred):
    shop, _ = inferred(
        [{f"attribute {n}": n for n in range(500)}, *({"title": f"t{n}"} for n in range(5))]
    )

    assert len(shop.item_fields) == MOST_FIELDS
    assert "title" in types(shop)


_names = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6),
    st.sampled_from([*RESERVED_COLUMNS, 'a"b', "a\nb", "🛒", "\x7f", "\u2028", "'''", "a.b", "{}"]),
)
_letters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
_values = st.one_of(
    st.booleans(),
    st.floats(-1e9, 1e9),
    st.lists(st.text(_letters, max_size=3), max_size=2),
    st.text(_letters, max_size=6),
)


@settings(max_examples=examples(80), deadline=None)
@given(st.lists(st.dictionaries(_names, _values, max_size=4), max_size=5), _names)
def test_inferred_shop_is_loaded_from_its_toml(tmp_path_factory, items, description):
    folder = tmp_path_factory.mktemp("shop")
    path = folder / 'a "quoted" shop.jsonl'
    events = [_event("item", n, fields) for n, fields in enumerate(items)]
    path.write_text("".join(json.dumps(event) + "\n" for event in events))

    shop, explanations = infer_shop([path])
    (folder / "shop.toml").write_text(shop_to_toml(shop, explanations), encoding="utf-8")

    assert Shop.load(folder / "shop.toml") == shop
    assert {field.name for field in shop.item_fields} == {n for i in items for n in i if n}
    assert all(explanations["item", field.name] for field in shop.item_fields)


def test_category_values_are_loaded_from_toml(tmp_path):
    device = ShopField("device", "category", "device", values=("phone", 'so "called"'))
    shop = Shop("corner", (), (device,))
    (tmp_path / "shop.toml").write_text(shop_to_toml(shop, {}), encoding="utf-8")

    assert Shop.load(tmp_path / "shop.toml") == shop


def test_explanations_are_comments_of_their_fields():
    shop = Shop("corner", (ShopField("a\nb", "text", "a_b", "title", 'so "called"'),))

    text = shop_to_toml(shop, {("item", "a\nb"): "text: because.\nsuch as '\x1b[31m'."})

    assert "# text: because.\n# such as '\\u001B[31m'.\nname = \"a\\nb\"\n" in text
    assert 'role = "title"\ndescription = "so \\"called\\""\n' in text


def test_every_role_is_inferred_and_markets_are_declared(inferred, tmp_path):
    shop, explanations = inferred(
        {
            "name": f"Thing {n}",
            "description": "long " * 30 + str(n),
            "brand": ["Acme", "Best"][n % 2],
            "category": f"c{n % 3}",
            "price": f"{n},90",
            "list_price": n + 1.5,
            "stock": n,
            "market": ["de", "de", "fr"][n % 3],
            "item_group_id": f"g{n // 4}",
            "image_url": f"https://shop.example/{n}.jpg",
        }
        for n in range(20)
    )
    path = tmp_path / "shop.toml"
    path.write_text(shop_to_toml(shop, explanations))
    loaded = Shop.load(path)

    assert {field.role for field in loaded.item_fields} == {*get_args(Role)}
    assert loaded.item_role("price").name == "price"
    assert loaded.item_role("image").name == "image_url"
    assert [(m.name, m.language, m.is_default) for m in loaded.markets] == [
        ("de", "german", True),
        ("fr", "french", False),
    ]
