"""Every export of a catalogue is recognized by itself, and read as its golden file says."""

import contextlib
import json
import os
import shutil
from pathlib import Path

import pytest

from feature_repo.events.catalogues import CATALOGUES
from feature_repo.events.ingest import validate
from feature_repo.events.ingest.files import EventFiles
from feature_repo.home import Clock, EventError, parse_instant, to_text

FOLDER = Path(__file__).parent / "catalogues"
GOLDEN = ".golden.json"
EXPORTS = sorted(
    path for path in FOLDER.glob("*/*") if path.is_file() and not path.name.endswith(GOLDEN)
)
WRITTEN = parse_instant("2024-06-01T12:00:00Z")
COUNTS = ("read", "accepted", "duplicate", "quarantined")


@pytest.fixture
def export(tmp_path):
    """Copies an export, written at `WRITTEN`."""

    def copied(path, written=WRITTEN):
        copy = tmp_path / path.name
        shutil.copy(path, copy)
        os.utime(copy, ns=(written * 1_000, written * 1_000))
        return copy

    return copied


def said(event):
    """What an event says, without its id and the fields that it removes."""
    about = {"kind": event.kind, "item": getattr(event, "item_id", None)}
    about["op"] = getattr(event, "op", None)
    about["at"] = to_text(event.event_time) if event.event_time else None
    for name in ("type", "user_id", "session_id", "quantity", "value", "currency", "corrects"):
        about[name] = getattr(event, name, None)
    about["fields"] = {k: v for k, v in getattr(event, "fields", {}).items() if v is not None}
    return {name: value for name, value in about.items() if value not in (None, {})}


def events_of(path):
    for line in EventFiles([path]):
        try:
            yield from map(said, line.events())
        except EventError:  # The report names it.
            continue


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_export_is_read_as_its_golden_file_says(path, export, request):
    copy, golden = export(path), path.with_name(path.name + GOLDEN)

    report = validate([copy], clock=Clock()).to_dict()
    problems = {
        listed: [[one["line"], one["field"], one["found"]] for one in report[listed]]
        for listed in ("quarantined_lines", "warnings")
    }
    actual = {name: report[name] for name in COUNTS} | problems | {"events": [*events_of(copy)]}
    if request.config.getoption("--update-golden"):
        text = json.dumps(actual, indent=1, ensure_ascii=False).replace(str(copy.parent), "")
        golden.write_text(text + "\n", encoding="utf-8")

    assert report["read"] == report["accepted"] + report["duplicate"] + report["quarantined"]
    assert actual == json.loads(golden.read_text(encoding="utf-8"))


def test_every_catalogue_has_exports():
    assert {path.parent.name for path in EXPORTS} == CATALOGUES.keys()


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_events_of_an_export_have_the_ids_of_its_catalogue(path):
    ids = []
    for line in EventFiles([path]):
        with contextlib.suppress(EventError):  # The golden file names it.
            ids += [event.event_id for event in line.events()]

    family = path.parent.name.replace("_lines", "s")
    prefixes = f"catalogue:{family}:", f"{family}:"
    assert all(event_id.startswith(prefixes) for event_id in ids)
