"""A shop declares its own fields; an error names each mistake in the declaration."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.home import DAY, ShopError
from feature_repo.shop import Shop, safe_column
from feature_repo.shop.schema import RESERVED_COLUMNS

SHOPS = Path(__file__).parents[3] / "feature_repo/shop/examples"


@pytest.fixture
def declared(tmp_path):
    """Return a function that loads a shop from the text of its declaration."""

    def load(text):
        path = tmp_path / "shop.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return Shop.load(path)

    return load


@pytest.mark.parametrize("path", sorted(SHOPS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_shops_that_are_shipped_load(path):
    shop = Shop.load(path)

    assert shop.name == path.stem
    assert shop.item_role("title").type == "text"
    assert {field.type for field in shop.taste_fields} <= {"category", "list"}


def test_without_a_declaration_it_is_the_simulated_shop(tmp_path):
    assert Shop.load(tmp_path / "shop.toml").name == "simulated"


def test_a_shop_may_have_no_fields_at_all(declared):
    assert declared("") == Shop("shop", ())


def test_a_session_counts_for_thirty_days_unless_the_shop_says_otherwise(declared):
    assert declared("").session_ttl == 30 * DAY
    assert declared("[session]\nttl_days = 0.5").session_ttl == DAY // 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[item]", "expected TOML"),
        (b"\xff", "expected TOML"),
        ("[[item]]\ntype = 'text'", "no name"),
        ("[[item]]\nname = 'a'\ntype = 'string'", "found 'string'"),
        ("[[item]]\nname = 'a'\ntype = 'text'\nrole = 'hero'", "found 'hero'"),
        ("[[item]]\nname = 'a'\ntype = 'text'\nkind = 1", "unknown keys"),
        ("[[item]]\nname = 'a'\ntype = 'text'\ncolumn = 'A b'", "not a plain name"),
        ("[[item]]\nname = 'a'\ntype = 'text'\n" * 2, "declared twice"),
        ("session = 30", "the key ttl_days"),
        ("[session]\nttl = 30", "the key ttl_days"),
        ("[session]\nttl_days = 0", "a number of days above 0, found 0"),
        ("[session]\nttl_days = inf", "a number of days above 0, found inf"),
        ("[session]\nttl_days = true", "a number of days above 0, found True"),
        ("[session]\nttl_days = '30'", "a number of days above 0, found '30'"),
        (
            "[[item]]\nname='a'\ntype='text'\nrole='title'\n"
            "[[item]]\nname='b'\ntype='text'\nrole='title'",
            "given twice",
        ),
        ("[[item]]\nname = 'a'\ntype = 'category'\nvalues = ['x']", "unknown keys"),
        ("[[user]]\nname = 'a'\ntype = 'list'\nvalues = ['x']", "only a category has values"),
        ("[[user]]\nname = 'a'\ntype = 'category'\nvalues = ['x', 'x']", "each once"),
        ("[[user]]\nname = 'a'\ntype = 'category'\nvalues = [7]", "list of texts"),
        ("[[user]]\nname = 'a'\ntype = 'category'\nvalues = 'x'", "list of texts"),
    ],
)
def test_a_mistake_is_named(declared, text, message):
    with pytest.raises(ShopError, match=message):
        declared(text)


@given(st.lists(st.text(max_size=6), max_size=8))
def test_columns_are_plain_names_and_each_is_free(names):
    existing = []
    for name in names:
        column = safe_column(name, existing)
        assert column.isidentifier()
        assert column.isascii()
        assert column == column.lower()
        assert "__" not in column
        assert column not in [*existing, *RESERVED_COLUMNS]
        existing.append(column)
