"""Rules of the source tree: rooms and their doors, names, imports, and ignored files."""

import ast
import re
import subprocess
import tomllib
from collections import Counter, defaultdict
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import EntryPoint, packages_distributions

import pytest

from feature_repo.request_features.families import SOURCES as CANDIDATE_SOURCES
from pipelines.cli.parser import VERBS
from tests.source_tree import (
    PACKAGES,
    ROOT,
    defined_names,
    docstring_lines,
    doors,
    listed,
    product_imports,
    product_modules,
    words_of,
)

SOURCES = [module.path for module in product_modules().values()]
TESTS = sorted((ROOT / "tests").rglob("*.py"))

EXAMPLES = [
    code
    for page in sorted((ROOT / "docs").glob("*.md"))
    for code in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]
"""Python code of the documentation, which imports from doors like a shop's package."""

LARGEST_ROOM = 16
LONGEST_FUNCTION = 60
SYMMETRIC_ROOMS = {
    "feature_repo.request_features.families",
    "training.retrieval.indexes",
    "training.retrieval.sources",
    "training.studies.simulation",
}
"""Rooms with many modules of the same structure, which are exempt from the limit of files."""

ENTRIES = {
    "pipelines.cli.main",
    "serving.http.service",
    "feature_repo.definitions",
    "feature_repo.feast_import",
    "feature_repo.offline.feast.store",
    "feature_repo.online.feast.store",
    "feature_repo.online.feast.engine",
    *(f"pipelines.cli.{verb.run.partition(':')[0]}" for verb in VERBS.values()),
    *(f"training.retrieval.sources.{name}" for name in CANDIDATE_SOURCES),
}
"""Modules that are loaded by name or with their package: the `aisle` command and its verbs,
BentoML, Feast, the import of Feast, and the candidate sources."""

ENTRY_POINTS = [
    EntryPoint(name, value, group)
    for group, entries in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "entry-points"
    ].items()
    for name, value in entries.items()
]
"""Names that are used through the package's entry points, without an import."""

BANNED_WORDS = {
    "alike",
    "asked",
    "beside",
    "foretold",
    "found",
    "judged",
    "kept",
    "known",
    "place",
    "places",
    "taught",
    "told",
    "untold",
    "vouched",
    "wanted",
    "withdrawn",
}
"""Words that are too vague for a name: use event, row, result or position instead."""

RIDDLES = re.compile(
    r"""\b(is|are|was|were|be|been)\ (told|asked|held|kept|known|said|meant|heard|vouched)\b
    |\b(beside|anew|nobody|nowhere|whence|thereof|wherein)\b
    |\b(lies|lay|lain|stands|stood)\b
    |\bof\ (its|their|his|her)\ own\b
    |\bof\ whom\b
    |\b(who|what|which)ever\b
    |\bas\ (it|they)\ (is|are|was|were)\b
    |\b(tells|telling)\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Turns of phrase that make a reader stop: write subject, active verb and the usual noun."""

CONTRACT_NAMES = {"found", "NOT_FOUND"}
"""Exceptions from contracts: a field of HTTP errors, and a status of Feast."""


@pytest.mark.parametrize("package", PACKAGES)
def test_package_names_are_unique_to_aisle(package):
    assert set(packages_distributions().get(package, ["aisle"])) == {"aisle"}


def test_every_room_has_a_door_with_a_docstring():
    rooms = {module.room for module in product_modules().values()}

    silent = [room for room in sorted(rooms) if not ast.get_docstring(doors()[room].tree)]

    assert silent == []


def test_room_sizes_are_limited():
    sizes = Counter(m.room for m in product_modules().values() if not m.is_door)

    too_large = {room: n for room, n in sizes.items() if n > LARGEST_ROOM}

    assert too_large.keys() <= SYMMETRIC_ROOMS


def test_rooms_import_from_each_other_only_through_doors():
    trespasses = [
        f"{each.importer.name} imports {each.source.name}: {each.name or 'the module'}"
        for each in product_imports()
        if each.importer.room != each.source.room
        and (each.name or each.source.name.rpartition(".")[2])
        not in listed(doors()[each.source.room])
    ]

    assert trespasses == []


def test_no_module_imports_the_door_of_its_own_room():
    detours = [
        each.importer.name
        for each in product_imports()
        if each.source.is_door and each.importer.room == each.source.room
    ]

    assert detours == []


def test_every_name_a_door_lists_is_imported_by_another_room():
    imported = defaultdict(set)
    for entry in ENTRY_POINTS:
        imported[entry.module].add(entry.attr)
    for node in ast.walk(ast.parse("\n".join(EXAMPLES))):
        if isinstance(node, ast.ImportFrom):
            imported[node.module].update(alias.name for alias in node.names)
    for each in product_imports():
        if each.importer.room != each.source.room:
            imported[each.source.room].add(each.name or each.source.name.rpartition(".")[2])

    surplus = {
        room: unused
        for room, door in doors().items()
        if (unused := set(listed(door)) - imported[room] - {"main"})
    }

    assert surplus == {}


@pytest.mark.parametrize("level", ["room", "name"])
def test_imports_have_no_cycles(level):
    graph = defaultdict(set)
    for each in product_imports():
        importer, source = getattr(each.importer, level), getattr(each.source, level)
        if importer != source and not (level == "name" and each.importer.is_door):
            graph[importer].add(source)

    try:
        TopologicalSorter(graph).prepare()
        circle = []
    except CycleError as error:
        circle = error.args[1]

    assert circle == []


def test_no_module_imports_a_private_name_of_another():
    private = [
        f"{each.importer.name} imports {each.source.name}.{each.name}"
        for each in product_imports()
        if each.name is not None and each.name.startswith("_")
    ]

    assert private == []


def test_every_module_is_reachable_from_an_entry_point():
    reached, todo = set(), list(ENTRIES)
    entry_points = {(entry.module, entry.attr) for entry in ENTRY_POINTS}
    imports = defaultdict(set)
    for each in product_imports():
        if each.importer.is_door and (each.importer.name, each.name) in entry_points:
            todo.append(each.source.name)
        if not each.importer.is_door:
            imports[each.importer.name].update(_sources(each))
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo.extend(imports[name])

    modules = {module.name for module in product_modules().values() if not module.is_door}

    assert sorted(modules - reached) == []


def _sources(each):
    """Names of the modules behind an import: a door's name comes from the module it re-exports."""
    if not each.source.is_door:
        return {each.source.name}
    return {
        behind.source.name
        for behind in product_imports()
        if behind.importer == each.source and each.name in (behind.name, _leaf(behind))
    }


def _leaf(each):
    return each.source.name.rpartition(".")[2] if each.name is None else None


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_names_contain_no_banned_words(path):
    names = defined_names(ast.parse(path.read_text(encoding="utf-8")))

    banned = {
        f"{name}, line {line}"
        for name, line in names
        if name not in CONTRACT_NAMES and BANNED_WORDS & set(words_of(name))
    }

    assert banned == set()


def test_readme_has_a_limited_length():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_lock_file_pins_hashes_and_contains_no_address():
    lock = (ROOT / "requirements.lock").read_text()

    pinned = re.findall(r"^[a-z0-9][\w.\[\]-]*==\S+", lock, flags=re.MULTILINE | re.IGNORECASE)

    assert len(pinned) > 100
    assert "://" not in lock
    assert lock.count("--hash=sha256:") >= len(pinned)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_file_is_longer_than_four_hundred_lines(path):
    assert len(path.read_text().splitlines()) <= 400


def test_formatter_lays_out_every_file():
    comment = re.compile("fmt" + r":\s*(skip|off)")

    exempt = [
        str(path.relative_to(ROOT))
        for path in (*SOURCES, *TESTS)
        if comment.search(path.read_text(encoding="utf-8"))
    ]

    assert exempt == []


def test_functions_have_a_limited_length():
    too_long = [
        f"{module.name}.{node.name} has {length} lines"
        for module in product_modules().values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := node.end_lineno - node.lineno + 1) > LONGEST_FUNCTION
    ]

    assert too_long == []


def test_every_decision_note_fits_on_a_page():
    notes = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    assert notes
    assert [note.name for note in notes if len(note.read_text().splitlines()) > 40] == []


def test_git_ignores_all_runtime_state():
    paths = [
        ".aisle/registry.db",
        ".aisle-shop/log/x",
        ".venv/x",
        "feature_repo/feature_store.yaml",
    ]

    ignored = subprocess.run(
        ["git", "check-ignore", *paths], cwd=ROOT, capture_output=True, text=True, check=False
    )

    if ignored.returncode == 128:
        pytest.skip("not a git checkout")
    assert ignored.stdout.split() == paths


@pytest.mark.parametrize("package", [*PACKAGES, "tests"])
def test_docstrings_are_plain(package):
    lines = [
        line
        for path in sorted((ROOT / package).rglob("*.py"))
        for line in docstring_lines(ast.parse(path.read_text(encoding="utf-8")))
    ]

    riddles = [line for line in lines if RIDDLES.search(line)]

    assert len(riddles) <= len(lines) / 100, "\n".join(riddles)
