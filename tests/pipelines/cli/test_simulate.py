"""`aisle simulate` has an option for every setting of a shop, and rejects impossible shops."""

import json
from dataclasses import fields

import pytest

from pipelines.cli.main import main
from pipelines.cli.parser import parse
from pipelines.cli.simulate_options import config_of
from training.studies.simulation import Breakage, ShopConfig

SMALL = ["--users", "20", "--items", "30", "--days", "2"]


def test_the_defaults_equal_those_of_the_shop(tmp_path):
    args = parse(["simulate", "--out", str(tmp_path / "x")])

    assert config_of(args) == ShopConfig()


def test_every_setting_of_a_shop_is_an_option(tmp_path):
    args = vars(parse(["simulate", "--out", str(tmp_path / "x")]))

    settings = {f.name for kind in (ShopConfig, Breakage) for f in fields(kind)} - {"breakage"}

    assert settings <= set(args)


def test_the_command_reports_the_files_it_wrote(tmp_path, capsys):
    out = tmp_path / "days"

    status = main(
        ["simulate", "--out", str(out), *SMALL, "--leak", "--markets", "gb", "de", "--json"]
    )
    report = json.loads(capsys.readouterr().out)

    assert status == 0
    assert report["events"] == str(out)
    assert report["files"] == len(list(out.rglob("*.parquet")))
    assert report["bytes"] == sum(p.stat().st_size for p in out.rglob("*.parquet"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lost", "2"], "lost: expected from 0 to 1, found 2.0"),
        (["--slate", "5", "3"], "slate: expected 1 <= smallest <= largest <= pool, found (5, 3)"),
        (["--bias", "nan"], "bias: expected not negative, found nan"),
        (["--randomized-temperature", "inf"], "randomized_temperature: expected finite, found inf"),
        (["--markets", "gb", "gb"], "markets: expected some of"),
        (["--items", "1", "--markets", "gb", "de"], "at least one of each for each market"),
        (["--days", "0"], "expected at least one day"),
    ],
)
def test_an_impossible_shop_gives_a_clear_error(tmp_path, capsys, options, message):
    status = main(["simulate", "--out", str(tmp_path / "x"), *options])

    assert status == 1
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
