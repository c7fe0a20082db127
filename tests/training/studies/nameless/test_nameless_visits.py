"""The evaluation of visits without a name: half of the sessions lose it, and are measured."""

import json
from bisect import bisect_left
from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_repo.events.log import list_relations, read_relation
from feature_repo.home import DatasetError, Home
from training.artifacts import sha256
from training.dataset import TEST, LazyDataset, build_dataset
from training.metrics import slate_starts
from training.ranker import NAIVE, Trial
from training.ranker.configuration import GRID
from training.studies.nameless.evaluation import evaluate_nameless, measure
from training.studies.nameless.traffic import is_nameless, without_names

TRAINING = {"chosen": Trial(NAIVE, GRID[0], rounds=20, ndcg_at_10=0.0).to_dict()}


def events_of(home):
    return [
        event for path in list_relations(home.log / "compacted") for event in read_relation(path)
    ]


@pytest.fixture(scope="module")
def nameless_home(simulated_home, tmp_path_factory):
    return without_names(simulated_home, Home(tmp_path_factory.mktemp("nameless")))


@pytest.fixture(scope="module")
def datasets(simulated_home, nameless_home, tmp_path_factory):
    """The files of the datasets with all names, and without half of them."""
    folder = tmp_path_factory.mktemp("datasets")
    paths = folder / "named.parquet", folder / "nameless.parquet"
    for home, path in zip((simulated_home, nameless_home), paths, strict=True):
        build_dataset(home, path)
    return paths


@pytest.fixture(scope="module")
def figures(datasets):
    return measure(*datasets, TRAINING, trainings=2)


def test_an_interrupted_evaluation_continues_with_the_trainings_that_are_done(
    datasets, figures, tmp_path
):
    class StopError(Exception):
        pass

    def interrupt(number, _):
        if number == 3:
            raise StopError

    with pytest.raises(StopError):
        measure(*datasets, TRAINING, 2, interrupt, tmp_path)
    done = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}

    assert measure(*datasets, TRAINING, 2, None, tmp_path) == figures
    after = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(done) == 3
    assert len(after) == 4
    assert after.items() >= done.items()


def test_half_of_the_sessions_lose_their_names_and_nothing_else_changes(
    simulated_home, nameless_home
):
    before, after = (
        {event.event_id: event for event in events_of(home)}
        for home in (simulated_home, nameless_home)
    )

    changed = {event_id for event_id, event in after.items() if event != before[event_id]}
    assert after.keys() == before.keys()
    assert {after[event_id].user_id for event_id in changed} == {None}
    of_sessions = {
        event_id
        for event_id, event in before.items()
        if is_nameless(getattr(event, "session_id", None)) and event.user_id is not None
    }
    assert changed == of_sessions
    sessions = {getattr(event, "session_id", None) for event in before.values()} - {None}
    assert 0.4 < np.mean([is_nameless(session) for session in sessions]) < 0.6


def test_visits_are_counted_by_their_clicks_before_the_ranking(simulated_home, datasets, figures):
    clicked_at = defaultdict(list)
    for event in events_of(simulated_home):
        if event.kind == "interaction" and event.type == "click":
            clicked_at[event.session_id].append(event.seen_at)
    test = LazyDataset.open(datasets[0]).part(TEST).with_gain()
    starts = slate_starts(test.column("qid"))
    instants = test.column("t")[starts].astype("datetime64[us]").astype(np.int64)
    slates = zip(
        test.column("user_id")[starts], test.column("session_id")[starts], instants, strict=True
    )
    clicks = [
        bisect_left(sorted(clicked_at[session]), t)
        for user, session, t in slates
        if user is not None and is_nameless(session)
    ]

    counted = {one["name"]: one["rankings"] for one in figures["visits"]}

    names = ("no click", "1 or 2 clicks", "1 or 2 clicks", "3 clicks or more")
    expected = Counter(names[min(count, 3)] for count in clicks)
    assert counted == {"any": len(clicks), **expected}


def test_gains_are_those_over_the_smoothed_click_rate(figures):
    for one in figures["visits"]:
        value = {name: interval["value"] for name, interval in one["metrics"].items()}
        for name in ("nameless", "named"):
            gain = value[name] - value["smoothed click rate"]
            assert value[f"{name} gain"] == pytest.approx(gain)
        assert value["nameless − named"] == pytest.approx(value["nameless"] - value["named"])
        if one["share"] is not None:
            assert one["share"] == pytest.approx(value["nameless gain"] / value["named gain"])
    assert figures["trainings"]["count"] == 2


def test_a_dataset_with_other_gains_is_rejected(datasets, tmp_path):
    table = pq.read_table(datasets[0])
    doubled = pa.array(2 * table["gain"].to_numpy())
    other = table.set_column(table.column_names.index("gain"), "gain", doubled)
    pq.write_table(other, tmp_path / "other.parquet")

    with pytest.raises(DatasetError, match="without --gains"):
        measure(tmp_path / "other.parquet", datasets[1], TRAINING)


def test_the_test_split_is_measured_once(simulated_home, datasets, tmp_path):
    identity = {
        "dataset": sha256(datasets[0]),
        "trial": TRAINING["chosen"],
        "trainings": None,
    }
    logged = {"identity": identity, "visits": [], "trainings": {}}
    (tmp_path / "nameless.json").write_text(json.dumps(logged))

    assert evaluate_nameless(simulated_home, datasets[0], TRAINING, tmp_path) == logged
