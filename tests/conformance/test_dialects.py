"""Golden cases of the dialects: what their objects mean, event by event.

A case is a JSON file in `dialects/<dialect>/`: `objects` as sent, the `events` that they mean, the
`errors` of bad objects, the `warnings` of a shop without declarations, and how many objects mean no
event. `pytest --update-golden` rewrites all but the objects; read it before you commit it.
"""

import json
from pathlib import Path

import msgspec
import pytest

from feature_repo.events.catalogues import CATALOGUES
from feature_repo.events.dialects import sent_objects
from feature_repo.events.dialects.registry import BUILT_IN, dialect_of
from feature_repo.events.quality import EventChecks
from feature_repo.events.quality.finding import finding_of
from feature_repo.home import EventError, to_text

ROOT = Path(__file__).parent / "dialects"
CASES = sorted(ROOT.glob("*/*.json"))


def meaning(objects):
    """Return what objects mean, in the form of a golden case."""
    result = {"events": [], "errors": [], "warnings": [], "without_event": {}}
    checks = EventChecks.of(None)
    for sent in [one for raw in objects for one in sent_objects(raw)]:
        try:
            events = sent.parse()
        except EventError as error:
            result["errors"].append(msgspec.to_builtins(finding_of(error, sent.raw)))
            continue
        if not events:
            counts = result["without_event"]
            counts[sent.label] = counts.get(sent.label, 0) + 1
        for event in events:
            checked, findings = checks.check(event, sent.raw)
            written = msgspec.json.decode(msgspec.json.encode(checked))
            result["events"].append(written | {"event_time": to_text(event.event_time)})
            result["warnings"] += msgspec.to_builtins(findings)
    return result


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_objects_mean_the_events_of_the_case(path, request):
    case = json.loads(path.read_text(encoding="utf-8"))
    actual = meaning(case["objects"])
    if request.config.getoption("--update-golden"):
        case = {"objects": case["objects"], **actual}
        text = json.dumps(case, indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")

    assert actual == {name: value for name, value in case.items() if name != "objects"}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_objects_read_twice_have_the_same_ids(path):
    objects = json.loads(path.read_text(encoding="utf-8"))["objects"]

    assert meaning(objects) == meaning(json.loads(json.dumps(objects, sort_keys=True)))


def test_every_dialect_has_cases():
    assert {path.parent.name for path in CASES} == BUILT_IN.keys() - {"canonical", *CATALOGUES}
    assert len(CASES) >= 40


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_detected_dialect_is_that_of_the_folder(path):
    objects = json.loads(path.read_text(encoding="utf-8"))["objects"]
    sent = [one for raw in objects for one in sent_objects(raw)]

    assert {dialect_of(one.raw) for one in sent} == {path.parent.name}
