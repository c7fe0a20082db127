"""Items are shown by the roles of the shop's fields, in the words of a market."""

import pyarrow as pa
import pytest

from feature_repo.shop import Market, Shop
from serving.storefront.items import read_items, shop_text
from training.retrieval.catalogue import ItemTable

SHOP_TOML = """
[[market]]
name = "de"
currency = "EUR"
[[market]]
name = "uk"
currency = "GBP"
[[item]]
name = "name"
type = "text"
role = "title"
[[item]]
name = "name_de"
type = "text"
[[item]]
name = "kinds"
type = "list"
role = "category"
[[item]]
name = "cost"
type = "number"
role = "price"
[[item]]
name = "before"
type = "number"
role = "list_price"
[[item]]
name = "photo"
type = "text"
role = "image"
[[item]]
name = "story"
type = "text"
[[item]]
name = "new"
type = "bool"
"""

ROWS = [
    {
        "item_id": "a",
        "name": "Red shoe",
        "name_de": "Roter Schuh",
        "kinds": ["shoes", "red"],
        "cost": 1234.5,
        "before": 2000.0,
        "photo": "https://img.example/a.jpg",
        "story": "word " * 50,
        "new": True,
    },
    {"item_id": "b", "cost": 3.0, "before": 2.0, "photo": "javascript:alert(1)"},
]


@pytest.fixture(scope="module")
def item_table(tmp_path_factory):
    path = tmp_path_factory.mktemp("shop") / "shop.toml"
    path.write_text(SHOP_TOML)
    shop = Shop.load(path)
    types = {"number": pa.float64(), "list": pa.list_(pa.string()), "bool": pa.bool_()}
    columns = {field.column: types.get(field.type, pa.string()) for field in shop.item_fields}
    schema = pa.schema({"item_id": pa.string(), **columns})
    renamed = [
        {next((f.column for f in shop.item_fields if f.name == k), k): v for k, v in row.items()}
        for row in ROWS
    ]
    return ItemTable(pa.Table.from_pylist(renamed, schema), shop)


def test_title_amounts_and_labels_are_those_of_the_market(item_table):
    german = read_items(item_table, ["a"], Market("de", "german", "EUR"))["a"]
    british = read_items(item_table, ["a"], Market("uk", "english", "GBP"))["a"]

    assert (german.title, german.language) == ("Roter Schuh", "de")
    assert (british.title, british.language) == ("Red shoe", "en")
    assert (german.price, german.list_price) == ("1,234.50 EUR", "2,000.00 EUR")
    assert german.labels == ("shoes, red",)
    assert len(german.summary) < 165
    assert [(one.name, one.text) for one in german.attributes] == [
        ("kinds", "shoes, red"),
        ("new", "yes"),
    ]


def test_an_image_of_the_shop_is_shown_and_another_address_is_not(item_table):
    items = read_items(item_table, ["a", "b"], Market("uk", "english"))

    assert items["a"].image == "https://img.example/a.jpg"
    assert items["a"].picture == ""
    assert items["b"].image is None
    assert items["b"].picture.startswith("<svg")


def test_an_item_without_fields_is_shown_by_its_id(item_table):
    items = read_items(item_table, ["b", "none"], Market("uk", "english"))

    assert (items["b"].title, items["b"].list_price, items["b"].is_for_sale) == ("b", "", True)
    assert (items["none"].title, items["none"].is_for_sale) == ("none", False)
    assert read_items(None, ["x"], Market("uk", "english"))["x"].title == "x"


def test_a_value_that_names_a_color_colors_the_picture(item_table):
    from serving.storefront.items.pictures import COLORS, picture

    assert COLORS["red"] in picture("shoe", ["shoes", "red"])
    assert picture("shoe", ["shoes"]) == picture("shoe", ["shoes"])
    assert picture("shoe", ["shoes"]) != picture("boot", ["shoes"])


def test_a_text_of_the_shop_is_escaped_and_marked_with_its_language():
    assert shop_text("<b>") == "<bdi>&lt;b&gt;</bdi>"
    assert shop_text("Schuhe", "de") == '<bdi lang="de">Schuhe</bdi>'
    assert shop_text("обувь", "en") == '<bdi lang="und-Cyrl">обувь</bdi>'
    assert shop_text("обувь", "ru") == '<bdi lang="ru">обувь</bdi>'
