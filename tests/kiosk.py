"""A shop of transactions alone: a table of sales, ingested by its mapping."""

import csv
from datetime import UTC, datetime, timedelta

import pytest

from feature_repo.home import Home
from pipelines.cli.main import main

MAPPING = """
name = "kiosk"

[columns]
item = "article"
time = "sold"
order = "slip"
user = "card"

[item_fields]
title = "label"
"""
START = datetime(2026, 3, 1, 8, tzinfo=UTC)


def table(path, rows):
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["slip", "card", "article", "label", "sold"])
        for number, (minute, user, item) in enumerate(rows):
            at = (START + timedelta(minutes=minute)).isoformat()
            out.writerow([f"s{number}", user, item, f"Article {item}", at])
    return path


def kiosk(folder, rows):
    """A home whose log is a table of sales, without features."""
    folder.mkdir()
    mapping, home = folder / "kiosk.toml", Home(folder / "home")
    mapping.write_text(MAPPING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AISLE_HOME", str(home.root))
        patch.setenv("AISLE_CLOCK", "2026-07-01T00:00:00Z")
        arguments = ["--mapping", str(mapping), str(table(folder / "sales.csv", rows))]
        assert main(["init", *arguments]) == 0
        assert main(["ingest", *arguments]) == 0
    return home
