"""Golden files: what was right once, kept to be compared with."""

from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden with what is found"
    )


@pytest.fixture
def golden(request):
    """Returns the text of a golden file, after writing `found` to it where that was asked for."""

    def text_of(name, found):
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.write_text(found, encoding="utf-8")
        return path.read_text(encoding="utf-8")

    return text_of
