"""The page of features matches the catalogue."""

import pytest

from feature_repo.catalogue import Catalogue, features_page
from feature_repo.catalogue.document import unit_of
from feature_repo.home import CHECKOUT, Home
from feature_repo.request_features import feature_columns
from feature_repo.shop import Shop
from tests.feature_repo.shops import ALL


def test_stored_page_is_that_of_the_simulated_shop(tmp_path):
    written = (CHECKOUT / "docs" / "features.md").read_text(encoding="utf-8")

    assert written == features_page(Home(tmp_path)), "write it with `aisle features docs`"


@pytest.mark.parametrize("shop", ALL)
def test_every_feature_has_a_unit(tmp_path, shop):
    home = Home(tmp_path)
    home.shop_toml.write_text(ALL[shop], encoding="utf-8")
    derived = [name for name in feature_columns(Shop.load(home.shop_toml)) if name[0] != "_"]
    stored = {f"{v.name}__{f.name}" for v in Catalogue.of(home).views for f in v.features}

    assert [name for name in derived if name not in stored and not unit_of(name)] == []
    for view in Catalogue.of(home).views:
        assert {f.name for f in view.features if "unit" not in f.tags} <= {"event_times", "part"}


def test_text_match_columns_have_no_window(tmp_path):
    lines = features_page(Home(tmp_path)).splitlines()

    windows = {line.split("|")[3].strip() for line in lines if line.startswith("| `text__")}
    assert windows == {""}


def test_page_names_every_column_that_a_model_reads(tmp_path):
    page = features_page(Home(tmp_path))

    columns = feature_columns(Shop.load(Home(tmp_path).shop_toml))

    read = [name if f"`{name}`" in page else name.partition("__")[2] for name in columns]
    assert [name for name in read if f"`{name}`" not in page and name != "present"] == []
