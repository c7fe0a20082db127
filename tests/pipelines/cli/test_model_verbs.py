"""`aisle models` lists, shows and compares versions of rankers, and changes the one in use."""

import json
import uuid

import pytest

from feature_repo.home import Home
from pipelines.cli.main import main
from training.artifacts import current, publish_version
from training.gate import Verdict
from training.gate.result import GuardrailResult

CARD = {"metrics": {"ndcg@10": {"value": 0.5, "low": 0.4, "high": 0.6}}}
PARENTS = {"dataset_sha256": "d" * 64, "code_sha256": "c" * 64, "definitions_sha256": "f" * 64}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AISLE_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


@pytest.fixture
def published(home, tmp_path):
    """Two versions, the newer in use, and a later one that the gate rejected."""
    return [
        stored(home, tmp_path, text, use=use)
        for text, use in (("old", True), ("new", True), ("bad", False))
    ]


def stored(home, folder, text, *, use=True, columns=(), run=""):
    build = folder / text
    build.mkdir()
    (build / "model.json").write_text(text)
    (build / "model_card.json").write_text(json.dumps(CARD))
    extra = {"columns": columns, "parents": PARENTS}
    return publish_version(home, "default", build, extra, reason=f"It is {text}.", use=use, run=run)


def said(capsys, *words):
    """Return the status and the JSON object of a command."""
    status = main(["models", *words, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_versions_are_listed_with_state_reason_and_history(published, capsys):
    _, listed = said(capsys, "list")

    states = [(one["version"], one["state"], one["reason"]) for one in listed["models"]]
    old, new, bad = published
    assert sorted(states) == sorted(
        [
            (old, "former", "It is old."),
            (new, "in use", "It is new."),
            (bad, "rejected", "It is bad."),
        ]
    )
    assert [one["action"] for one in listed["history"]["default"]] == [
        *("publish", "publish", "reject")
    ]


def test_a_home_without_rankers_says_how_to_make_one(home, capsys):
    assert main(["models", "list"]) == 0

    assert "`aisle train`" in capsys.readouterr().out


def test_a_rejected_version_shows_each_guardrail_with_figure_and_limit(home, tmp_path, capsys):
    slow = GuardrailResult.of("latency", False, "200 items take 31.0 ms of CPU.", 0.031, 0.02)
    whole = GuardrailResult.of("dataset", True, "Whole, as the ranker read it.")
    verdict = Verdict.of("m", (whole, slow), compared_with="it", margin=0.0, force=False)
    verdict.save(tmp_path / "slow")
    (tmp_path / "slow" / "model_card.json").write_text(json.dumps(CARD))
    version = publish_version(
        home, "default", tmp_path / "slow", {}, reason=verdict.reason, use=False
    )

    main(["models", "show", version])
    page = capsys.readouterr().out
    _, shown = said(capsys, "show", version)

    words = ("Verdict of the gate: reject", "latency", "refused", "0.031", "0.02", "200 items take")
    assert all(word in page for word in words)
    assert shown["verdict"] == json.loads(json.dumps(verdict.to_dict()))


def test_the_lineage_names_dataset_features_and_code(published, capsys):
    _, shown = said(capsys, "show", "--lineage")

    chain = {one["what"]: one["id"] for one in shown["lineage"]}
    assert chain["ranker"] == shown["version"] == published[1]
    assert (chain["dataset"], chain["features"], chain["code"]) == ("d" * 64, "f" * 64, "c" * 64)
    assert chain["events"] == ""


def test_the_lineage_names_the_run_that_stored_a_ranker_after_a_roll_back_too(
    home, tmp_path, capsys
):
    for text in ("old", "new"):
        stored(home, tmp_path, text, run=f"run of {text}")
    said(capsys, "rollback", "--reason", "It was better.")

    _, shown = said(capsys, "show", "--lineage")

    assert {one["what"]: one["id"] for one in shown["lineage"]}["run"] == "run of old"


def test_the_lineage_is_printed_as_run_events_of_openlineage(published, capsys):
    main(["models", "show", "--openlineage"])

    events = [*map(json.loads, capsys.readouterr().out.splitlines())]
    (build, train) = events
    assert build["outputs"][0]["name"] == train["inputs"][0]["name"] == "dataset"
    assert train["outputs"][0]["facets"]["version"]["datasetVersion"] == published[1]
    for event in events:
        assert {"eventTime", "run", "job", "producer", "schemaURL"} <= event.keys()
        assert uuid.UUID(event["run"]["runId"])


def test_a_comparison_says_whether_the_figures_are_of_the_same_rankings(published, capsys):
    main(["models", "compare", published[0]])

    page = capsys.readouterr().out
    assert "0.5000 (0.4000 to 0.6000)" in page
    assert "same test rankings" in page


def test_promote_and_rollback_change_the_version_in_use_and_keep_the_reason(
    home, published, capsys
):
    bad, new = published[2], published[1]

    said(capsys, "promote", bad, "--reason", "An experiment.")
    assert current(home, "ranker", "default").name == bad

    _, moved = said(capsys, "rollback", "--reason", "It was worse.")
    assert (moved["version"], moved["state"]) == (new, "in use")
    _, listed = said(capsys, "list")
    assert listed["history"]["default"][-1]["reason"] == "It was worse."


def test_a_change_without_a_reason_is_refused(home, published, capsys):
    status, error = said(capsys, "promote", published[0])

    assert status == 1
    assert "--reason" in error["error"]["message"]
    assert current(home, "ranker", "default").name == published[1]


def test_a_ranker_that_reads_columns_that_the_shop_lacks_is_not_promoted(home, tmp_path, capsys):
    home.root.mkdir()
    home.shop_toml.write_text('[[item]]\nname = "title"\ntype = "text"\n')
    version = stored(home, tmp_path, "wide", use=False, columns=("item_attributes__weight",))

    status, error = said(capsys, "promote", version, "--reason", "A test.")

    assert status == 1
    assert "item_attributes__weight" in error["error"]["message"]


def test_a_wrong_number_of_versions_is_refused(home, capsys):
    status, error = said(capsys, "retire", "--reason", "A test.")

    assert status == 1
    assert "expected 1 versions, found 0" in error["error"]["message"]
