"""Every view is declared completely, and an error names each missing part."""

from dataclasses import replace

import pytest

from feature_repo.catalogue import Catalogue, features_page
from feature_repo.events.contract import UserEvent
from feature_repo.home import CatalogueError, Home
from feature_repo.home.errors import ExtensionError
from feature_repo.online.live import commands
from feature_repo.shop import SIMULATED_SHOP, Shop
from feature_repo.transformations.templates import row_sql
from feature_repo.views import (
    BUILT_IN,
    CounterView,
    FieldSpec,
    LiveValues,
    Measure,
    all_views,
    registry,
)
from feature_repo.views.spec import check_complete
from tests.feature_repo.shops import ALL

SHOP = Shop.load(SIMULATED_SHOP)
EACH_VIEW = pytest.mark.parametrize("spec", BUILT_IN, ids=lambda spec: spec.name)


def shop_of(path, name):
    path.write_text(ALL[name], encoding="utf-8")
    return Shop.load(path)


@pytest.mark.parametrize("name", ALL)
@EACH_VIEW
def test_nothing_is_forgotten_of_a_built_in_view(tmp_path, spec, name):
    shop = shop_of(tmp_path / "shop.toml", name)

    assert not spec.is_declared(shop) or spec.forgotten(shop) == []


@EACH_VIEW
def test_forgotten_parts_are_named(tmp_path, spec):
    unnamed = FieldSpec("price", "number", "", "")
    bare = {"description": " ", "sql": tmp_path / "absent.sql", "entity": "shelf"}
    if isinstance(spec, CounterView):
        parts, of_fields = {"measures": {"wishes": Measure("", ())}}, ["measure wishes"] * 2
    else:
        parts, of_fields = {"fields": (unnamed,)}, ["description of price", "unit of price"]

    forgotten = replace(spec, **bare, **parts).forgotten(SHOP)

    expected = ["an entity of item", "a description", "the SQL file", *of_fields]
    for part in expected:
        assert any(part in words for words in forgotten), part


@EACH_VIEW
def test_view_without_a_field_is_named(spec):
    empty = {"measures": {}} if isinstance(spec, CounterView) else {"fields": ()}

    with pytest.raises(CatalogueError, match=f"View '{spec.name}': expected a field"):
        check_complete(replace(spec, **empty), SHOP)


def test_live_view_without_a_write_is_named():
    (view,) = [spec for spec in BUILT_IN if spec.name == "item_attributes"]

    assert replace(view, live=LiveValues(None)).forgotten(SHOP) == ["a live write"]


@EACH_VIEW
def test_every_part_of_the_platform_has_the_view(tmp_path, spec):
    home = Home(tmp_path)
    event = UserEvent(event_id="e", event_time=1, op="erase", user_id="u")

    view = Catalogue.of(home).view(spec.name)

    fields = [field.name for field in spec.fields_of(SHOP)]
    assert [field.name for field in view.features] == [*fields, *spec.bookkeeping]
    assert view.tags["freshness"] == spec.freshness
    assert f"### {spec.name}\n" in features_page(home)
    assert "$" not in row_sql(spec, SHOP)
    erased = " ".join(commands.erase_call(event, SHOP, sessions=["u"])["names"])
    is_personal = spec.entity in ("user", "session")
    assert not is_personal or all(name in erased for name in commands.live_names(spec, "u"))
    assert (spec.live is None) == (commands.live_names(spec, "u") == [])


def test_sql_with_an_unknown_parameter_is_named(tmp_path):
    (view,) = [spec for spec in all_views() if spec.name == "item_engagement"]
    file = tmp_path / "first.sql"
    file.write_text("select $fields from stg_users")

    with pytest.raises(
        CatalogueError, match=r"first\.sql: expected parameters none, found 'fields'"
    ):
        row_sql(replace(view, sql=file), SHOP)


@pytest.fixture
def install(monkeypatch):
    """Return a function that adds views as if packages had installed them."""

    def put(*specs):
        named = {spec.name: spec for spec in specs}
        monkeypatch.setattr(registry, "extensions", lambda *_: named)
        clear()

    def clear():
        for function in (registry.all_views, registry.installed_views, registry.views_of):
            function.cache_clear()

    yield put
    monkeypatch.undo()
    clear()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "item_engagement",
            {},
            "'item_engagement' of aisle.views: expected a unique name",
        ),
        ("user_first_seen", {"name": "other"}, "found LiveFirst"),
        ("user_recent", {"name": "other"}, "found LiveLists"),
        ("item_attributes", {"name": "other"}, "LiveValues without a key, found 'item'"),
    ],
)
def test_installed_view_that_collides_is_named(install, name, change, message):
    (view,) = [spec for spec in BUILT_IN if spec.name == name]
    install(replace(view, sql=view.sql_file, **change))

    with pytest.raises(ExtensionError, match=message):
        registry.all_views()
