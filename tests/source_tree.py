"""Modules, rooms, imports and defined names of the product, read from its syntax trees."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("feature_repo", "training", "serving", "pipelines")


@dataclass(frozen=True)
class Module:
    """One Python file; its room is its folder."""

    path: Path

    @property
    def name(self) -> str:
        """Dotted name; a door has the name of its room."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if self.is_door else parts)

    @property
    def room(self) -> str:
        """Dotted name of the folder."""
        return ".".join(self.path.relative_to(ROOT).parts[:-1])

    @property
    def is_door(self) -> bool:
        """Whether the file is the `__init__` of its room."""
        return self.path.name == "__init__.py"

    @property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return _parsed(self.path)


@dataclass(frozen=True)
class Import:
    """`importer` imports `name` from `source`; the name is None if it imports the whole module."""

    importer: Module
    source: Module
    name: str | None


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def product_modules() -> dict[str, Module]:
    """Modules of the four packages by dotted name."""
    paths = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {module.name: module for module in map(Module, paths)}


def doors() -> dict[str, Module]:
    """The `__init__` modules by the name of their room."""
    return {module.room: module for module in product_modules().values() if module.is_door}


def listed(door: Module) -> list[str]:
    """Names in the `__all__` of a door; none where it has no `__all__`."""
    for statement in door.tree.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            return list(ast.literal_eval(statement.value))
    return []


def imports_of(module: Module) -> Iterator[Import]:
    """Imports of the product by one module, those inside functions included."""
    modules = product_modules()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in modules:
                    yield Import(module, modules[alias.name], None)
        elif isinstance(node, ast.ImportFrom) and node.module in modules:
            for alias in node.names:
                whole = modules.get(f"{node.module}.{alias.name}")
                if whole is not None and alias.name not in _defined(modules[node.module]):
                    yield Import(module, whole, None)
                else:
                    yield Import(module, modules[node.module], alias.name)


@cache
def _defined(door: Module) -> frozenset[str]:
    """Names that a door imports from a module of the same name, such as `refresh` from
    `refresh.py`."""
    return frozenset(
        alias.asname or alias.name
        for statement in door.tree.body
        if isinstance(statement, ast.ImportFrom) and statement.module != door.name
        for alias in statement.names
    )


@cache
def product_imports() -> tuple[Import, ...]:
    """Every import of a module of the product by another one."""
    return tuple(each for module in product_modules().values() for each in imports_of(module))


def defined_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names that a file defines, with their lines: functions, classes, parameters, variables."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno


def docstring_lines(tree: ast.Module) -> Iterator[str]:
    """Lines of every docstring of a file, those of attributes included."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield from (line for line in text.splitlines() if line.strip())


def words_of(name: str) -> list[str]:
    """The words of an identifier.

    >>> words_of("_RowCache_of_HTTPCalls")
    ['row', 'cache', 'of', 'http', 'calls']
    """
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
