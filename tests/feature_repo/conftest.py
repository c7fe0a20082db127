"""Fixtures of all tests of the feature repository: packages that extend Aisle."""

import sys

import pytest

from feature_repo.events.dialects.registry import dialects
from feature_repo.home.extensions import load_group


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs packages with entry points, as an installer would leave them, for one test."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    cached = (load_group, dialects)

    def package(name, code, entry_points):
        (folder / f"{name}.py").write_text(code)
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        monkeypatch.delitem(sys.modules, name, raising=False)
        for function in cached:
            function.cache_clear()

    yield package
    for function in cached:
        function.cache_clear()
