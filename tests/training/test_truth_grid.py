"""The grid is read strictly, counted exactly, kept, and told with its intervals."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.errors import SettingError
from training.truth import report as reports
from training.truth.as_of import AsOfSum
from training.truth.cell import Result
from training.truth.grid import GRID, Cell, TruthGrid

EVENTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(-3, 3)), min_size=1, max_size=30
)
QUESTIONS = st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 11)), min_size=1, max_size=10)


@given(events=EVENTS, questions=QUESTIONS)
@settings(max_examples=200, deadline=None)
def test_a_sum_knows_only_what_came_strictly_before(events, questions):
    keys, times, values = (np.array(column) for column in zip(*events, strict=True))
    asked, at = (np.array(column) for column in zip(*questions, strict=True))

    found = AsOfSum(keys, times, values).before(asked, at)

    assert found.tolist() == [
        sum(v for k, t, v in events if k == key and t < instant) for key, instant in questions
    ]


def test_the_grid_crosses_bias_logging_ranker_and_click_model_over_five_seeds():
    grid = TruthGrid.load(GRID)

    assert len(grid.cells) == len(set(grid.cells)) == 18
    assert len(grid.seeds) == 5
    assert {cell.click_model for cell in grid.cells} == {"pbm", "cascade", "dbn"}
    assert {cell.logging_ranker for cell in grid.cells} == {"strong", "weak"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("seeds =", "sedes =", "expected the keys"),
        ('"dbn"', '"xyz"', "click_model: expected some of"),
        ("users = 1500", 'users = "many"', "users: expected int"),
        ("[shop]", "[shop", "expected a truth grid in TOML"),
        ("[0.5, 1.0, 1.5]", "[]", "bias_strength: expected a list of float"),
    ],
)
def test_a_grid_of_another_form_is_refused(tmp_path, old, new, told):
    path = tmp_path / "grid.toml"
    path.write_text(GRID.read_text().replace(old, new))

    with pytest.raises(SettingError, match=told):
        TruthGrid.load(path)


@pytest.fixture
def counted_runs(monkeypatch):
    """Shops that take no time: the chosen ranker closes half of the gap, give or take."""
    runs = []

    def run(cell, size, seed):
        runs.append((cell, seed))
        return Result(seed, "examined", 0.6, 0.65 + 0.001 * (seed % 3), 0.7, 0.02)

    monkeypatch.setattr(reports, "run", run)
    return runs


def test_a_grid_that_was_stopped_goes_on_where_it_was(counted_runs, tmp_path):
    grid = TruthGrid.load(GRID)

    reports.run_grid(grid, tmp_path, seeds=1)
    reports.run_grid(grid, tmp_path, seeds=2)

    assert len(counted_runs) == len(set(counted_runs)) == 2 * len(grid.cells)
    assert [seed for _, seed in counted_runs] == [11] * 18 + [12] * 18


def test_the_share_of_the_gap_comes_with_an_interval_over_the_seeds(counted_runs, tmp_path):
    grid = TruthGrid.load(GRID)

    told = reports.run_grid(grid, tmp_path)[0]

    assert told.share.value == pytest.approx(told.gain.value / 0.1)
    assert told.share.low < told.share.value < told.share.high
    assert told.gain.clear_of_zero


def test_one_seed_has_no_interval_and_its_json_is_read_by_anybody(counted_runs, tmp_path):
    grid = TruthGrid.load(GRID)

    table = reports.to_dict(grid, reports.run_grid(grid, tmp_path, seeds=1))

    assert table["cells"][0]["share"]["low"] is None
    json.dumps(table, allow_nan=False)


def test_each_cell_is_one_line(counted_runs, tmp_path):
    lines = list(reports.rows(reports.run_grid(TruthGrid.load(GRID), tmp_path)))

    assert len(lines) == 18
    assert all(len(line) == len(reports.COLUMNS) for line in lines)
    assert lines[0][:3] == list(vars(Cell(0.5, "strong", "pbm")).values())
