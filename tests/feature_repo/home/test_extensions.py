"""Packages add objects to Aisle by entry points."""

import re

import pytest

from feature_repo.home import EXTENSION_GROUPS, extension_error, extensions, installed_extensions
from feature_repo.home.errors import ExtensionError
from tests.source_tree import product_modules


def test_extensions_are_loaded_by_name_in_order(install) -> None:
    install("gifts", "B = 2\nA = 1", "[test.in_order]\nb = gifts:B\na = gifts:A\n")

    specs = extensions("test.in_order", int)

    assert list(specs.items()) == [("a", 1), ("b", 2)]


def test_each_call_returns_the_same_objects(install) -> None:
    install("gifts", "A = object()", "[test.same]\na = gifts:A\n")

    assert extensions("test.same")["a"] is extensions("test.same")["a"]


def test_a_group_without_packages_is_empty() -> None:
    assert extensions("test.nobody") == {}


def test_an_extension_that_cannot_be_imported_names_its_package(install) -> None:
    install("broken", "raise RuntimeError('no such shop')", "[test.broken]\na = broken:A\n")

    with pytest.raises(ExtensionError) as error:
        extensions("test.broken")

    assert str(error.value) == (
        "package broken, entry point 'a' of test.broken: expected broken:A, "
        "found RuntimeError at import: no such shop. Correct the package, or uninstall it."
    )


def test_an_extension_of_another_kind_names_its_package(install) -> None:
    install("gifts", "A = 'one'", "[test.kind]\na = gifts:A\n")

    with pytest.raises(ExtensionError, match=r"gifts.*an object of type int, found 'one'"):
        extensions("test.kind", int)


def test_two_packages_cannot_use_one_name(install) -> None:
    install("gifts", "A = 1", "[test.unique]\na = gifts:A\n")
    install("wraps", "A = 2", "[test.unique]\na = wraps:A\n")

    with pytest.raises(ExtensionError) as error:
        extensions("test.unique")

    assert str(error.value) == (
        "package wraps, entry point 'a' of test.unique: expected a name that no other package "
        "uses, found the same name in package gifts. Rename it in wraps or in gifts, or uninstall "
        "one of them."
    )


def test_a_package_that_exits_at_import_is_named(install) -> None:
    install("quits", "raise SystemExit(3)", "[test.exit]\na = quits:A\n")

    with pytest.raises(ExtensionError, match=r"package quits.*found SystemExit at import: 3"):
        extensions("test.exit")


def test_an_extension_of_another_name_than_its_entry_point_is_rejected(install) -> None:
    code = "from types import SimpleNamespace\nB = SimpleNamespace(name='b')"
    install("gifts", code, "[test.names]\na = gifts:B\n")

    with pytest.raises(ExtensionError, match=r"gifts, entry point 'a'.*found the name 'b'. Rename"):
        extensions("test.names")


def test_an_extension_error_names_the_package(install) -> None:
    install("gifts", "A = 1", "[aisle.views]\na = gifts:A\n")

    error = extension_error("aisle.views", "a", "one", "two", "Count again.")

    assert str(error) == (
        "package gifts, entry point 'a' of aisle.views: expected one, found two. Count again."
    )


def test_installed_extensions_include_unknown_groups(install) -> None:
    install("gifts", "A = 1", "[aisle.view]\na = gifts:A\n")

    assert ("aisle.view", "a", "gifts") in installed_extensions()
    assert "aisle.view" not in EXTENSION_GROUPS


def test_every_group_that_aisle_reads_is_listed() -> None:
    pattern = re.compile(
        r'(?:extensions\(|GROUP = |EXTENSIONS = |OF_STEPS = |OF_PIPELINES = )"([^"]+)"'
    )
    groups = {
        group
        for module in product_modules().values()
        for group in pattern.findall(module.path.read_text(encoding="utf-8"))
        if module.name != "feature_repo.home.extensions"
    }

    assert groups == set(EXTENSION_GROUPS)
