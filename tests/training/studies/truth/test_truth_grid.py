"""The truth grid: strict parsing, exact counts, cached results, and reports with intervals."""

import json
from dataclasses import asdict
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import SettingError
from pipelines.cli.main import main
from tests.scale import examples
from training.metrics import AsOfSum
from training.studies.truth import report as reports
from training.studies.truth.cell import Result
from training.studies.truth.grid import GRID, Cell, ShopSize, TruthGrid

EVENTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(-3, 3)), min_size=1, max_size=30
)
LOOKUPS = st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 11)), min_size=1, max_size=10)


@given(events=EVENTS, lookups=LOOKUPS)
@settings(max_examples=examples(200), deadline=None)
def test_as_of_sum_includes_only_earlier_events(events, lookups):
    keys, times, values = (np.array(column) for column in zip(*events, strict=True))
    entities, instants = (np.array(column) for column in zip(*lookups, strict=True))

    sums = AsOfSum(keys, times, values).before(entities, instants)

    assert sums.tolist() == [
        sum(v for k, t, v in events if k == key and t < instant) for key, instant in lookups
    ]


def test_grid_combines_bias_logging_ranker_and_click_model_over_five_seeds():
    grid = TruthGrid.load(GRID)

    assert len(grid.cells) == len(set(grid.cells)) == 18
    assert len(grid.seeds) == 5
    assert {cell.click_model for cell in grid.cells} == {"pbm", "cascade", "dbn"}
    assert {cell.logging_ranker for cell in grid.cells} == {"strong", "weak"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seeds =", "sedes =", "expected the keys"),
        ('"dbn"', '"xyz"', "click_model: expected some of"),
        ("users = 1500", 'users = "many"', "users: expected int"),
        ("[shop]", "[shop", "expected a truth grid in TOML"),
        ("[0.5, 1.0, 1.5]", "[]", "bias_strength: expected a list of float"),
    ],
)
def test_invalid_grid_is_rejected(tmp_path, old, new, message):
    path = tmp_path / "grid.toml"
    path.write_text(GRID.read_text().replace(old, new))

    with pytest.raises(SettingError, match=message):
        TruthGrid.load(path)


@pytest.fixture
def counted_runs(monkeypatch):
    """Replace runs by fixed results, where the chosen ranker closes about half of the gap."""
    runs = []

    def run(cell, size, seed):
        runs.append((cell, seed))
        return Result(seed, "examined", 0.6, 0.65 + 0.001 * (seed % 3), 0.7, 0.02)

    monkeypatch.setattr(reports, "run", run)
    return runs


def run_grid(grid, cache, seeds=None):
    return reports.summarize_cells(
        reports.run_shops(reports.list_shops(grid, seeds), cache, workers=1)
    )


def test_interrupted_grid_resumes_from_its_cache(counted_runs, tmp_path):
    grid = TruthGrid.load(GRID)

    interrupted = reports.run_shops(reports.list_shops(grid, 1), tmp_path, workers=1)
    list(islice(interrupted, 5))
    run_grid(grid, tmp_path, seeds=2)

    assert len(counted_runs) == len(set(counted_runs)) == 2 * len(grid.cells)
    assert [seed for _, seed in counted_runs] == [11] * 18 + [12] * 18


def test_share_of_the_gap_has_an_interval_over_the_seeds(counted_runs, tmp_path):
    grid = TruthGrid.load(GRID)

    report = run_grid(grid, tmp_path)[0]

    assert report.share.value == pytest.approx(report.gain.value / 0.1)
    assert report.share.low < report.share.value < report.share.high
    assert report.gain.excludes_zero


def test_a_report_of_one_seed_is_valid_json_without_an_interval(counted_runs, tmp_path):
    grid = TruthGrid.load(GRID)

    table = reports.to_dict(grid, run_grid(grid, tmp_path, seeds=1))

    assert table["cells"][0]["share"]["low"] is None
    json.dumps(table, allow_nan=False)


def test_each_cell_is_one_row(counted_runs, tmp_path):
    rows = list(reports.rows(run_grid(TruthGrid.load(GRID), tmp_path)))

    assert len(rows) == 18
    assert all(len(row) == len(reports.COLUMNS) for row in rows)
    assert rows[0][:3] == list(vars(Cell(0.5, "strong", "pbm")).values())


SMALL = ShopSize(
    users=60,
    items=60,
    days=6,
    impressions=6000,
    slate=8,
    randomized_share=0.1,
    temperature=1.0,
    fresh_slates=50,
)


def test_parallel_runs_give_the_results_of_sequential_runs(tmp_path):
    cells = (Cell(1.0, "strong", "pbm"), Cell(0.5, "weak", "dbn"))
    shops = reports.list_shops(TruthGrid(cells, (3,), SMALL))

    parallel, sequential = (
        dict(reports.run_shops(shops, tmp_path / str(workers), workers)) for workers in (2, 1)
    )

    assert parallel == sequential


@pytest.fixture
def grid_of_two(tmp_path, monkeypatch):
    """A grid file of two cells and two seeds, and an empty home."""
    path = tmp_path / "grid.toml"
    shop = "\n".join(f"{name} = {value}" for name, value in asdict(SMALL).items())
    path.write_text(
        '[grid]\nbias_strength = [1.0]\nlogging_ranker = ["strong", "weak"]\n'
        f'click_model = ["pbm"]\nseeds = [3, 4]\n[shop]\n{shop}\n'
    )
    monkeypatch.setenv("AISLE_HOME", str(tmp_path / "home"))
    return path


def test_command_prints_each_shop_and_then_the_cells(counted_runs, grid_of_two, capsys):
    status = main(["truth-grid", "--grid", str(grid_of_two), "--workers", "1"])

    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert [line.partition(":")[0] for line in lines[:4]] == [
        f"seed {seed}, bias 1.0, {ranker}, pbm" for seed in (3, 4) for ranker in ("strong", "weak")
    ]
    assert "closed 51 %" in lines[2]


def test_interrupted_command_reports_its_results(counted_runs, grid_of_two, capsys, monkeypatch):
    run = reports.run

    def interrupted(cell, size, seed):
        if len(counted_runs) == 3:
            raise KeyboardInterrupt
        return run(cell, size, seed)

    monkeypatch.setattr(reports, "run", interrupted)

    status = main(["truth-grid", "--grid", str(grid_of_two), "--workers", "1", "--json"])

    printed = json.loads(capsys.readouterr().out)
    assert status == 130
    assert (printed["done"], printed["shops"]) == (3, 4)
    assert [len(cell["results"]) for cell in printed["cells"]] == [2, 1]
