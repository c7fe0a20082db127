"""Versions of a ranker: each change is recorded, and a roll back undoes the last one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import ArtifactError, Home
from tests.scale import examples
from training.artifacts import (
    current,
    find_version,
    former_version,
    list_versions,
    model_names,
    promote,
    publish_version,
    read_history,
    retire,
    roll_back,
    verify,
)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def stored(home, folder, text, *, use=True, name="default"):
    """Publish or store a ranker whose model is a text, and return its version."""
    build = folder / f"build-{text}"
    build.mkdir(exist_ok=True)
    (build / "model.json").write_text(text)
    return publish_version(home, name, build, {}, reason=f"It is {text}.", use=use)


def in_use(home):
    return (current(home, "ranker", "default") / "model.json").read_text()


def test_the_newest_published_version_is_in_use_and_the_others_are_former(home, tmp_path):
    first, second = (stored(home, tmp_path, text) for text in "ab")

    states = {one.version: one.state for one in list_versions(home, "default")}

    assert states == {first: "former", second: "in use"}
    assert [one.action for one in read_history(home, "default")] == ["publish", "publish"]


def test_a_rejected_version_is_stored_and_may_be_promoted(home, tmp_path):
    good = stored(home, tmp_path, "good")
    bad = stored(home, tmp_path, "bad", use=False)

    assert in_use(home) == "good"
    assert find_version(home, "default", bad).state == "rejected"
    assert former_version(home, "default") is None
    assert promote(home, "default", bad, "We want to see it.").state == "in use"
    assert former_version(home, "default") == good


def test_each_roll_back_goes_one_version_further_back(home, tmp_path):
    for text in "abc":
        stored(home, tmp_path, text)

    used = [in_use(home)]
    for _ in "ab":
        verify(roll_back(home, "default", "It was worse.").folder)
        used.append(in_use(home))

    assert used == ["c", "b", "a"]
    with pytest.raises(ArtifactError, match="No version"):
        roll_back(home, "default", "Further.")


def test_a_retired_version_is_never_used_again(home, tmp_path):
    old, middle, _ = (stored(home, tmp_path, text) for text in "abc")

    retire(home, "default", middle, "It shows the wrong prices.")

    assert find_version(home, "default", middle).state == "retired"
    assert roll_back(home, "default", "Prices.").version == old
    with pytest.raises(ArtifactError, match="retired: It shows the wrong prices"):
        promote(home, "default", middle, "Again.")


def test_the_version_in_use_is_not_retired(home, tmp_path):
    version = stored(home, tmp_path, "a")

    with pytest.raises(ArtifactError, match="in use"):
        retire(home, "default", version, "Old.")


def test_a_damaged_version_is_not_promoted(home, tmp_path):
    damaged, good = (stored(home, tmp_path, text) for text in "ab")
    (home.artifacts / "ranker" / "default" / damaged / "model.json").write_text("other")

    with pytest.raises(ArtifactError, match="changed"):
        promote(home, "default", damaged, "Older is better.")

    assert current(home, "ranker", "default").name == good


def test_an_unknown_or_ambiguous_version_is_rejected_with_the_number_of_matches(home, tmp_path):
    for text in "ab":
        stored(home, tmp_path, text)

    for part, matches in (("none", 0), ("-", 2)):
        with pytest.raises(ArtifactError, match=f"found {matches} among 2"):
            find_version(home, "default", part)


def test_versions_of_other_models_are_apart(home, tmp_path):
    stored(home, tmp_path, "a")
    stored(home, tmp_path, "b", name="shoes")

    assert model_names(home) == ["default", "shoes"]
    assert former_version(home, "shoes") is None


def test_a_change_that_was_killed_before_its_record_counts_by_the_link(home, tmp_path):
    first, second = (stored(home, tmp_path, text) for text in "ab")
    history = home.artifacts / "ranker" / "default" / ".history.jsonl"
    history.write_text("".join(history.read_text().splitlines(keepends=True)[:1]))

    assert find_version(home, "default", second).state == "in use"
    assert former_version(home, "default") == first


@settings(max_examples=examples(25))
@given(moves=st.lists(st.one_of(st.integers(0, 3), st.just("back")), max_size=12))
def test_roll_back_undoes_the_last_change_after_any_others(tmp_path_factory, moves):
    folder = tmp_path_factory.mktemp("moves")
    home = Home(folder / "home")
    versions = [stored(home, folder, text, use=False) for text in "abcd"]
    stack = []

    for move in moves:
        if move != "back":
            promote(home, "default", versions[move], "A test.")
            if not stack or stack[-1] != move:
                stack.append(move)
        elif len({*stack}) > 1:
            used = stack[-1]
            while stack[-1] == used:
                stack.pop()
            roll_back(home, "default", "A test.")
        if stack:
            assert current(home, "ranker", "default").name == versions[stack[-1]]


def test_a_damaged_version_changes_no_other(home, tmp_path):
    first, second, _ = (stored(home, tmp_path, text) for text in "abc")
    (home.artifacts / "ranker" / "default" / first / "manifest.json").unlink()

    assert former_version(home, "default") == second
    assert roll_back(home, "default", "It was better.").version == second


@pytest.mark.parametrize("content", [b"{", b"{}\n", b"\xff"])
def test_a_damaged_history_is_an_error(home, tmp_path, content):
    stored(home, tmp_path, "a")
    (file,) = (home.artifacts / "ranker" / "default").glob(".*.jsonl")
    file.write_bytes(content)

    with pytest.raises(ArtifactError, match="expected a change of a version a line"):
        former_version(home, "default")
