"""The pages of the console show a home as data: tables with twins, and states in words."""

import csv
import io
import re
from html import unescape

import pytest

from feature_repo.home import Home, Settings
from pipelines.console.pages import PAGES
from tests.integration.http.consoles import console_client

TABLE = re.compile(r'<div class="wide"[^>]* id="([^"]+)">(.*?)</table>', re.DOTALL)
CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)

CHANGING = ("findings", "freshness")
"""Tables whose ages and clock change between two requests: only the row's heading is compared."""


@pytest.fixture(scope="module")
def console(shop):
    """A client of the console; its service is away."""
    with console_client(shop) as client:
        yield client


@pytest.fixture
def empty_console(home):
    with console_client(Settings(home=home)) as client:
        yield client


def shown_tables(page):
    """Return the rows of each table of a page as it shows them, by key."""
    return {
        key: [
            [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in CELL.findall(row)]
            for row in table.split("<tr>")[2:]
        ]
        for key, table in TABLE.findall(page)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_page_of_an_empty_home_says_what_is_missing(empty_console, page):
    answer = empty_console.get(f"/{page.path}")

    assert answer.status_code in (200, 400, 404, 503)
    assert "<h1>" in answer.text
    assert "Error" not in re.sub(r"<[^>]+>", "", answer.text)


def test_a_visit_does_not_start_the_clock_of_a_new_home(empty_console, home):
    empty_console.get("/")

    assert not home.clock.exists()


@pytest.mark.parametrize("page", [page for page in PAGES if page.label], ids=lambda p: p.path)
def test_each_table_has_twins_with_its_rows(console, page):
    answer = console.get(f"/{page.path}")

    assert answer.status_code == 200, answer.text
    tables = shown_tables(answer.text)
    twins = console.get(f"/{page.path}.json").json()
    assert tables.keys() <= twins.keys()
    for key, rows in tables.items():
        twin = console.get(f"/{page.path}.json", params={"table": key}).json()
        text = console.get(f"/{page.path}.csv", params={"table": key}).text
        lines = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == len(twin["rows"]) == len(lines)
        for row, values, line in zip(rows, twin["rows"], lines, strict=True):
            assert list(values) == list(twin["columns"]) == list(line)
            if key in CHANGING:
                assert row[:1] == [*values.values()][:1] == [*line.values()][:1]
                continue
            texts = [(n, v) for n, v in enumerate(values.values()) if isinstance(v, str)]
            assert [row[n] for n, _ in texts] == [value.strip() for _, value in texts]
            assert [*line.values()] == ["" if v is None else str(v) for v in values.values()]


def test_a_heading_sorts_its_table_up_and_then_down(console):
    twin = {"table": "events", "sort": "events.interaction"}
    up = [row["interaction"] for row in console.get("/overview.json", params=twin).json()["rows"]]
    page = console.get("/", params={"sort": "events.interaction"}).text
    down = console.get("/overview.json", params={**twin, "sort": "events.-interaction"}).json()

    assert up == sorted(up)
    assert len(up) > 2
    assert [row["interaction"] for row in down["rows"]] == up[::-1]
    assert 'aria-sort="ascending"' in page
    assert "sort=events.-interaction" in page


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/overview?sort=events.nothing", 400),
        ("/overview?sort=events", 400),
        ("/overview.csv", 400),
        ("/overview.csv?table=nothing", 400),
        ("/nothing", 404),
        ("/static/..%2Fserver.py", 404),
        ("/static/nothing.css", 404),
    ],
)
def test_a_wrong_address_is_answered_in_words(console, address, status):
    answer = console.get(address)

    assert answer.status_code == status
    assert "xpected" in answer.text or "no such page" in answer.text


@pytest.mark.parametrize("host", ["shop.example", "127.0.0.1.shop.example", ""])
def test_a_page_of_another_host_gets_nothing(console, host):
    answer = console.get("/", headers={"host": host})

    assert answer.status_code == 403
    assert "<html" not in answer.text


def test_the_console_only_reads(console):
    assert {console.request(method, "/").status_code for method in ("POST", "PUT", "DELETE")} == {
        405
    }


def test_the_console_is_not_bound_to_addresses_of_other_machines(capsys, monkeypatch, tmp_path):
    from pipelines.cli.main import main

    monkeypatch.setenv("AISLE_HOME", str(Home(tmp_path / "home").root))

    assert main(["console", "--host", "0.0.0.0"]) == 1
    assert "expected a loopback address" in capsys.readouterr().err


def test_the_overview_says_that_the_service_is_away_and_how_to_start_it(console):
    page = console.get("/").text

    assert "The service is away." in page
    assert "`aisle serve`" in page
    assert "What `aisle doctor` finds" in unescape(page)
