"""Every candidate source is complete, and an error names the part that a source lacks."""

import pkgutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from feature_repo.home import SettingError
from feature_repo.home.errors import ExtensionError
from feature_repo.request_features import feature_columns
from feature_repo.request_features.context import RequestContext
from feature_repo.request_features.families import FOLLOWING, SOURCES
from feature_repo.shop import Shop
from training.query_understanding import InterpretedQuery, words
from training.retrieval import sources
from training.retrieval.catalogue import ItemTable, RankedList
from training.retrieval.sources import SourceRequest, index_specs, registry, source_specs, surfaces
from training.retrieval.sources.spec import FitInputs, IndexSpec, SourceSpec

PAGE = Path(__file__).parents[4] / "docs" / "search.md"
PERSONAL = ["popular", "favourites", "together", "past", "similar", "newest"]


@pytest.fixture(scope="module")
def item_table(small_home):
    return ItemTable.fit(small_home)


@pytest.fixture(scope="module")
def load_index(small_home, item_table, tmp_path_factory):
    """Fits, saves and loads an index, once."""
    inputs, loaded = FitInputs(small_home, item_table), {}

    def load(spec):
        if spec.kind not in loaded:
            folder = tmp_path_factory.mktemp(spec.kind)
            spec.fit(inputs).save(folder)
            loaded[spec.kind] = spec.load(folder, item_table.shop)
        return loaded[spec.kind]

    return load


def request_of(item_table, indexes):
    """A search by a shopper who clicked two items, with all live features."""
    first, second = item_table.item_ids[:2]
    coded = item_table.coded(item_table.shop.item_role("category"))
    category = coded.values[np.bincount(coded.codes).argmax()]
    context = RequestContext(
        t=9,
        user={
            "user_recent__clicked_item_ids": [first, second],
            "user_recent__clicked_at": [5, 3],
            "user_recent__clicked_category": [category, category],
        },
        query_row={
            "query_clicked_items__clicked_item_keys": [first],
            "query_clicked_items__clicked_item_weights": [2.0],
        },
    )
    return SourceRequest(
        market="default",
        user_id="u",
        item_ids=(),
        filters=(),
        interpreted=InterpretedQuery(
            words=tuple(words(item_table.titles[0])), intents={"category": (category, 0.9)}
        ),
        context=context,
        item_table=item_table,
        eligible=np.ones(len(item_table.item_ids), dtype=np.bool_),
        indexes=indexes,
    )


@pytest.mark.parametrize("name", SOURCES)
def test_source_reads_no_index_but_those_that_it_declares(name, item_table, load_index):
    spec = source_specs()[name]

    def declared(kind):
        specs = [one for one in (spec.index, *spec.also_reads) if one and one.kind == kind]
        return load_index(specs[0]) if specs else None

    request = request_of(item_table, declared)
    results = spec.search(request)

    rows = request.select(results) if isinstance(results, RankedList) else results
    assert len(rows) > 0
    assert len(set(rows.rows.tolist())) == len(rows)
    assert (np.diff(rows.scores) <= 0).all()


@pytest.mark.parametrize("name", SOURCES)
def test_source_feeds_a_surface_and_two_features_unless_it_follows_the_page(name):
    columns = feature_columns(Shop("s", ()))
    features = {f"source__{name}_rank", f"source__{name}_score"}

    assert [name in surface.sources for surface in surfaces().values()].count(True) > 0
    assert features & set(columns) == (set() if name in FOLLOWING else features)


def test_every_module_that_declares_a_source_is_listed_among_the_features():
    modules = {module.name for module in pkgutil.iter_modules(sources.__path__)}
    declaring = {
        name for name in modules if hasattr(import_module(f"{sources.__name__}.{name}"), "SOURCE")
    }

    forgotten = declaring - set(SOURCES)

    assert forgotten == set(), f"add {forgotten} to SOURCES of the request-feature family `sources`"


def test_indexes_of_the_sources_are_published_with_the_others():
    assert set(index_specs()) == {
        *("assortment", "lexical", "understanding", "popular", "trending"),
        *("newest", "together", "similar", "completions", "popularity"),
    }


def test_surfaces_merge_their_sources_in_this_order():
    order = {name: list(surface.sources) for name, surface in surfaces().items()}

    assert order == {
        "search": ["lexical", "query_clicked", "category", "some_words", "resembling"],
        "browse": PERSONAL,
        "home": [*PERSONAL, "trending"],
        "similar": ["similar", "together"],
        "together": ["together", "similar"],
        "again": ["popular", "past"],
        "trending": ["trending", "popular"],
    }


def test_surfaces_weigh_their_sources():
    assert surfaces()["home"].sources == {
        **{"popular": 1.0, "favourites": 1.0, "together": 0.3, "past": 50.0},
        **{"similar": 0.7, "newest": 0.3, "trending": 0.1},
    }
    search = surfaces()["search"]
    assert search.partial_match_sources == {"some_words", "category", "resembling"}
    assert search.following_sources == {"resembling"}


@pytest.mark.parametrize(
    ("forgotten", "message"),
    [
        ({"name": ""}, "expected a name"),
        ({"description": ""}, "expected a description, found none"),
        ({"search": None}, "expected search to be a function, found None"),
        ({"surfaces": {}}, "expected the surfaces it feeds, found none"),
        ({"surfaces": {"home": 0.0}}, "expected a weight above 0 on surface 'home', found 0.0"),
        ({"index": "popular"}, "expected index to be an IndexSpec, found 'popular'"),
    ],
)
def test_an_error_names_the_missing_part_of_a_source(forgotten, message):
    with pytest.raises(ValueError, match=message):
        replace(source_specs()["popular"], **forgotten)


@pytest.mark.parametrize("part", ["fit", "load"])
def test_an_error_names_the_missing_part_of_an_index(part):
    with pytest.raises(ValueError, match=f"index 'popular': expected {part} to be a function"):
        replace(index_specs()["popular"], **{part: None})


@pytest.fixture
def empty_registry():
    """Empty the caches before and after a test."""
    cached = (registry.source_specs, registry.index_specs, registry.surfaces)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def test_listed_source_without_a_module_names_the_file(empty_registry, monkeypatch):
    monkeypatch.setattr(registry, "SOURCES", (*SOURCES, "ghost"))

    with pytest.raises(
        SettingError, match=r"source 'ghost': .*training/retrieval/sources/ghost.py"
    ):
        source_specs()


def test_source_of_an_unknown_surface_names_the_surfaces_that_exist(empty_registry, monkeypatch):
    lost = replace(source_specs()["popular"], name="gifts", surfaces={"gift_page": 1.0})
    monkeypatch.setattr(registry, "extensions", lambda *_: {"gifts": lost})
    registry.source_specs.cache_clear()

    with pytest.raises(ExtensionError, match=r"surfaces out of search, .*, found gift_page"):
        source_specs()


def test_source_of_a_package_feeds_its_surfaces_last(empty_registry, monkeypatch):
    index = IndexSpec("gifts", lambda inputs: inputs.item_table, lambda folder, shop: folder)
    gifts = SourceSpec("gifts", "gifts", lambda _: RankedList(), {"home": 0.5}, index=index)
    monkeypatch.setattr(registry, "extensions", lambda *_: {"gifts": gifts})

    assert list(surfaces()["home"].sources)[-1] == "gifts"
    assert index_specs()["gifts"] is index


@pytest.mark.parametrize("name", ["popular", "page"])
def test_source_of_a_package_may_not_take_a_name_that_is_used(empty_registry, monkeypatch, name):
    other = replace(source_specs()["newest"], name=name)
    monkeypatch.setattr(registry, "extensions", lambda *_: {name: other})
    registry.source_specs.cache_clear()

    with pytest.raises(ExtensionError, match=f"'{name}' of aisle.sources: expected a name"):
        source_specs()


def test_two_indexes_of_one_kind_are_rejected(empty_registry, monkeypatch):
    index = IndexSpec("popular", lambda inputs: inputs.item_table, lambda folder, shop: folder)
    gifts = SourceSpec("gifts", "gifts", lambda _: RankedList(), {"home": 0.5}, index=index)
    monkeypatch.setattr(registry, "extensions", lambda *_: {"gifts": gifts})

    with pytest.raises(ExtensionError, match="a unique kind, found another index 'popular'"):
        index_specs()


def indexes(spec):
    """Return the kinds of the indexes that a source reads, as the documentation lists them."""
    return ", ".join(one.kind for one in (spec.index, *spec.also_reads) if one) or "–"


def test_the_documentation_lists_every_source(request):
    table = [
        "| Source | Returns | Index | Weight by surface |",
        "|---|---|---|---|",
        *(
            f"| `{spec.name}` | {spec.description} | {indexes(spec)} | "
            + ", ".join(f"{surface} {weight:g}" for surface, weight in spec.surfaces.items())
            + " |"
            for spec in source_specs().values()
        ),
    ]
    page = PAGE.read_text(encoding="utf-8")
    start = page.index(table[0])
    end = page.index("\n\n", start)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(page[:start] + "\n".join(table) + page[end:], encoding="utf-8")
        pytest.skip("the table was regenerated")

    assert page[start:end].splitlines() == table
