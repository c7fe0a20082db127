"""Views, SQL, Parquet, names and descriptions agree."""

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from feast.repo_operations import get_repo_files
from feast.types import from_feast_to_pyarrow_type

from feature_repo import definitions
from feature_repo.catalogue import Catalogue
from feature_repo.home import CHECKOUT, DEFAULT_ROOT, Home
from feature_repo.online.codec import codec_of, codec_of_spec
from feature_repo.shop import Shop
from feature_repo.transformations import transform
from feature_repo.transformations.run import SQL
from feature_repo.views import COUNTER_VIEWS, all_views, views_of
from serving.flow.inventory import describe_features
from tests.feature_repo.histories import START
from tests.feature_repo.shops import ALL, ODD

FEATURE_REPO = CHECKOUT / "feature_repo"


@pytest.fixture(params=ALL, scope="module")
def transformed(request, tmp_path_factory):
    """A home of each shop with the rows of an empty log."""
    home = Home(tmp_path_factory.mktemp(request.param))
    home.shop_toml.write_text(ALL[request.param], encoding="utf-8")
    transform(home, START)
    return home


def names_of(home):
    """Return the names of the views that a home's shop has."""
    return {spec.name for spec in views_of(Shop.load(home.shop_toml))}


def arrow_type(dtype):
    """Return Feast's Arrow type; the name of a list's elements is not part of the type."""
    return from_feast_to_pyarrow_type(dtype)


def test_stored_columns_equal_the_view_in_name_type_and_order(transformed):
    for view in Catalogue.of(transformed).views:
        stored = ds.dataset(view.batch_source.path, format="parquet").schema

        (key,) = view.join_keys
        expected = {
            key: pa.string(),
            "event_timestamp": pa.timestamp("us", tz="UTC"),
            "created_timestamp": pa.timestamp("us", tz="UTC"),
            **{field.name: arrow_type(field.dtype) for field in view.features},
        }
        assert list(stored.names) == list(expected)
        assert all(stored.field(name).type.equals(type_) for name, type_ in expected.items())


def test_serving_reads_the_rows_and_features_of_the_catalogue_without_it(transformed):
    catalogue, shop = Catalogue.of(transformed), Shop.load(transformed.shop_toml)
    read = {
        projection.name: [field.name for field in projection.features]
        for projection in catalogue.ranking_v1.feature_view_projections
    }

    for spec in views_of(shop):
        view = catalogue.view(spec.name)
        assert codec_of_spec("shop", spec, shop) == codec_of("shop", view, spec.name)
        assert [*spec.value_types(shop)] == [field.name for field in view.features]
        if spec.entity != "arm":
            assert spec.ranking_features(shop) == read[spec.name]


def test_features_are_described_as_the_catalogue_declares_them(transformed):
    described = describe_features(transformed)
    catalogue = Catalogue.of(transformed)

    assert [view["view"] for view in described["views"]] == [v.name for v in catalogue.views]
    for view, each in zip(catalogue.views, described["views"], strict=True):
        assert each["freshness"] == view.tags["freshness"]
        assert each["ttl_seconds"] == view.ttl.total_seconds()
        assert each["features"] == [
            {"name": field.name, "type": str(field.dtype), "description": field.description}
            for field in view.features
        ]


def test_every_view_has_its_sql_and_a_folder_and_source_of_its_name(transformed):
    views, specs = Catalogue.of(transformed).views, {spec.name: spec for spec in all_views()}

    assert {view.name for view in views} == names_of(transformed)
    assert {*(SQL / "features").glob("*.sql")} == {spec.sql_file for spec in specs.values()}
    for view in views:
        assert view.batch_source.name == view.name
        assert Path(view.batch_source.path) == transformed.features / view.name
        assert specs[view.name].sql_file.name in view.batch_source.description


def test_every_object_and_field_is_described(transformed):
    objects = Catalogue.of(transformed).objects()
    fields = [f for view in Catalogue.of(transformed).views for f in view.schema]

    assert all(thing.description for thing in objects.values())
    assert all(len(field.description) > 10 for field in fields)


def test_every_view_has_a_freshness_and_never_expires(transformed):
    for view in Catalogue.of(transformed).views:
        assert view.tags["freshness"].split(":")[0] in ("live", "batch")
        assert view.ttl.total_seconds() == 0
        assert view.online


def test_every_view_ends_with_the_bookkeeping_part(transformed):
    for view in Catalogue.of(transformed).views:
        assert view.features[-1].name == "part"
        assert view.features[-1].tags["role"] == "bookkeeping"


def test_counted_views_have_a_field_per_measure_and_window(transformed):
    catalogue = Catalogue.of(transformed)

    for counter in COUNTER_VIEWS:
        view = catalogue.view(counter.name)
        assert [field.name for field in view.features[:-1]] == list(counter.features)
        assert view.join_keys == [counter.key]


def test_feature_service_excludes_long_texts_and_event_times_alone(transformed):
    catalogue, shop = Catalogue.of(transformed), Shop.load(transformed.shop_toml)
    long_texts = {f.column for f in shop.items_of("text") if f.role != "title"}
    unread = {
        "item_attributes": {*long_texts, "event_times"},
        "user_attributes": {"event_times"},
    }

    read = {p.name: p for p in catalogue.ranking_v1.feature_view_projections}

    assert set(read) == names_of(transformed) - {"arm_engagement"}
    for name, projection in read.items():
        excluded = {f.name for f in catalogue.view(name).features}
        excluded -= {f.name for f in projection.features}
        assert excluded == unread.get(name, set())


def test_item_attributes_follow_the_shop_in_order(transformed):
    shop = Shop.load(transformed.shop_toml)

    names = [field.name for field in Catalogue.of(transformed).view("item_attributes").features]

    columns = [field.column for field in shop.item_fields]
    assert names == [*columns, "is_deleted", "event_times", "part"]


def test_user_attributes_follow_the_shop_and_are_absent_without_a_field(transformed):
    shop, catalogue = Shop.load(transformed.shop_toml), Catalogue.of(transformed)
    folder = transformed.features / "user_attributes"

    is_declared = "user_attributes" in catalogue.objects()

    assert is_declared == bool(shop.user_fields) == folder.exists()
    if is_declared:
        names = [field.name for field in catalogue.view("user_attributes").features]
        assert names == [*(field.column for field in shop.user_fields), "event_times", "part"]


def test_definitions_contain_every_object_of_the_default_home():
    objects = Catalogue.of(Home(DEFAULT_ROOT)).objects()

    assert {name for name in vars(definitions) if not name.startswith("_")} - {
        "Catalogue",
        "DEFAULT_ROOT",
        "Home",
    } == set(objects)


def test_feast_reads_the_definitions_alone():
    assert get_repo_files(FEATURE_REPO) == [FEATURE_REPO / "definitions.py"]


def test_no_two_columns_of_an_odd_shop_are_the_same(home):
    home.root.mkdir()
    home.shop_toml.write_text(ODD, encoding="utf-8")

    for view in Catalogue.of(home).views:
        names = [field.name for field in view.schema]
        assert len(names) == len(set(names))
        assert not any(name.endswith("_y") for name in names)
