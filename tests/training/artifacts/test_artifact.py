"""A changed artifact is rejected, with a message that names the differences."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_repo.home import ArtifactError
from tests.mutations import mutations
from training.artifacts import current, prune, publish, verify
from training.artifacts.artifact import MANIFEST, load_manifest


@pytest.fixture
def build(tmp_path):
    folder = tmp_path / "build"
    (folder / "deep").mkdir(parents=True)
    (folder / "model.json").write_text('{"trees": 3}')
    (folder / "deep" / "more.json").write_text("[1, 2]")
    return folder


def test_a_published_artifact_is_current_and_verified(home, build):
    version = publish(home, "ranker", "default", build, {"columns": ("a", "b")})

    folder = current(home, "ranker", "default")
    manifest = verify(home.current / "ranker" / "default")

    assert folder.name == version
    assert manifest == load_manifest(folder)
    assert manifest.columns == ("a", "b")
    assert sorted(manifest.files) == ["deep/more.json", "model.json"]


def test_the_version_ends_in_the_hash_of_the_manifest(home, build):
    version = publish(home, "ranker", "default", build, {})

    manifest = current(home, "ranker", "default") / MANIFEST

    assert version[-8:] == hashlib.sha256(manifest.read_bytes()).hexdigest()[:8]
    assert version[8] == "T"


def test_next_version_becomes_current_and_the_last_one_remains(home, build):
    first = publish(home, "ranker", "default", build, {})
    (build / "model.json").write_text('{"trees": 4}')

    second = publish(home, "ranker", "default", build, {})

    versions_folder = home.artifacts / "ranker" / "default"
    assert current(home, "ranker", "default").name == second
    assert sorted(path.name for path in versions_folder.iterdir()) == sorted([first, second])
    assert verify(versions_folder / first).name == "default"


def test_old_versions_are_removed_but_never_the_one_in_use(home, build):
    versions = []
    for number in range(4):
        (build / "model.json").write_text(f'{{"trees": {number}}}')
        versions.append(publish(home, "ranker", "default", build, {}))
    versions_folder, link = (
        home.artifacts / "ranker" / "default",
        home.current / "ranker" / "default",
    )
    oldest = min(versions)
    link.unlink()
    link.symlink_to(versions_folder / oldest)

    prune(home, "ranker", "default", 2)

    assert {path.name for path in versions_folder.iterdir()} == {oldest, *sorted(versions)[-2:]}
    assert verify(link)


@pytest.mark.parametrize("file", ["model.json", "deep/more.json"])
@pytest.mark.parametrize("bit", [0, 7, 30])
def test_file_with_a_flipped_bit_is_rejected_by_name(home, build, file, bit):
    publish(home, "ranker", "default", build, {})
    path = current(home, "ranker", "default") / file
    content = bytearray(path.read_bytes())
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    path.write_bytes(content)

    with pytest.raises(ArtifactError, match=f"changed: {file}"):
        verify(path.parents[file.count("/")])


def test_a_flipped_bit_anywhere_in_the_manifest_is_rejected(home, build):
    publish(home, "ranker", "default", build, {"metrics": {"test": {"ndcg@10": 0.5}}})
    folder = current(home, "ranker", "default")
    content = (folder / MANIFEST).read_bytes()

    for position in range(0, len(content), 5):
        broken = bytearray(content)
        broken[position] ^= 4
        (folder / MANIFEST).write_bytes(broken)
        with pytest.raises(ArtifactError):
            verify(folder)


def test_a_missing_and_a_surplus_file_are_rejected_by_name(home, build):
    publish(home, "ranker", "default", build, {})
    folder = current(home, "ranker", "default")
    (folder / "model.json").rename(folder / "other.json")

    with pytest.raises(
        ArtifactError, match=r"missing: model.json; not in the manifest: other.json"
    ):
        verify(folder)


def test_invalid_manifest_is_rejected(home, build):
    publish(home, "ranker", "default", build, {})
    folder = current(home, "ranker", "default")
    for content in ("", "[]", "{}", json.dumps({"kind": "ranker"})):
        (folder / MANIFEST).write_text(content)
        with pytest.raises(ArtifactError):
            verify(folder)


def test_empty_or_missing_build_folder_is_rejected(home, tmp_path):
    with pytest.raises(ArtifactError, match="expected a folder"):
        publish(home, "ranker", "default", tmp_path / "none", {})
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtifactError, match="nothing to publish"):
        publish(home, "ranker", "default", tmp_path / "empty", {})


def test_unpublished_artifact_is_rejected_with_the_command_to_run(home):
    with pytest.raises(ArtifactError, match="aisle train"):
        current(home, "ranker", "default")


def test_a_home_can_be_moved(home, build, tmp_path):
    version = publish(home, "ranker", "default", build, {})
    moved = type(home)(tmp_path / "moved")

    home.root.rename(moved.root)

    assert current(moved, "ranker", "default").name == version


def test_publishers_with_one_process_id_damage_no_version(home, tmp_path):
    """Threads share a process id, as the first processes of two containers do."""

    def publish_and_prune(number):
        folder = tmp_path / f"build{number}"
        folder.mkdir()
        (folder / "model.json").write_bytes(f'{{"trees": {number}}}\n'.encode() * 10_000)
        publish(home, "ranker", "default", folder, {})
        prune(home, "ranker", "default", 3)

    with ThreadPoolExecutor(8) as publishers:
        list(publishers.map(publish_and_prune, range(40)))

    versions = list((home.artifacts / "ranker" / "default").iterdir())
    assert 3 <= len(versions) <= 4
    for version in versions:
        verify(version, "ranker", "default")
    assert current(home, "ranker", "default") in versions


def test_what_a_killed_publisher_left_is_removed(home, build):
    left = home.artifacts / "ranker" / "default" / ".publishing-of-a-killed-process"
    left.mkdir(parents=True)

    publish(home, "ranker", "default", build, {})

    assert not left.exists()


@pytest.mark.parametrize(("kind", "name"), [("lexical", "default"), ("ranker", "other")])
def test_a_link_to_another_artifact_is_refused_in_words(home, build, kind, name):
    publish(home, "ranker", "default", build, {})
    publish(home, kind, name, build, {})
    link = home.current / "ranker" / "default"
    link.unlink()
    link.symlink_to(home.artifacts / kind / name / current(home, kind, name).name)

    with pytest.raises(ArtifactError, match=f"expected ranker 'default', found {kind} '{name}'"):
        verify(link, "ranker", "default")


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_artifact_with_changed_bytes_is_refused(home, build, data):
    if not home.current.exists():
        publish(home, "ranker", "default", build, {})
    folder = current(home, "ranker", "default")
    file = folder / data.draw(st.sampled_from([MANIFEST, "model.json", "deep/more.json"]))
    whole = file.read_bytes()
    file.write_bytes(data.draw(mutations(whole)))

    with pytest.raises(ArtifactError):
        verify(folder, "ranker", "default")

    file.write_bytes(whole)
    verify(folder, "ranker", "default")


def test_swapped_files_are_refused(home, build):
    publish(home, "ranker", "default", build, {})
    folder = current(home, "ranker", "default")
    one, other = folder / "model.json", folder / "deep" / "more.json"
    first, second = one.read_bytes(), other.read_bytes()

    one.write_bytes(second)
    other.write_bytes(first)

    with pytest.raises(ArtifactError, match=r"changed: deep/more\.json, model\.json"):
        verify(folder, "ranker", "default")
