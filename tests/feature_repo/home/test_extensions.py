"""Packages add objects to Aisle by entry points."""

import pytest

from feature_repo.home import extensions
from feature_repo.home.errors import ExtensionError


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
        "found RuntimeError: no such shop. Correct the package, or uninstall it"
    )


def test_an_extension_of_another_kind_names_its_package(install) -> None:
    install("gifts", "A = 'one'", "[test.kind]\na = gifts:A\n")

    with pytest.raises(ExtensionError, match=r"gifts.*an object of type int, found 'one'"):
        extensions("test.kind", int)


def test_two_packages_cannot_use_one_name(install) -> None:
    install("gifts", "A = 1", "[test.unique]\na = gifts:A\n")
    install("wraps", "A = 2", "[test.unique]\na = wraps:A\n")

    with pytest.raises(ExtensionError, match="found the same name in package gifts"):
        extensions("test.unique")
