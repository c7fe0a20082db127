"""Of each hostile file every problem is named by file, line, field and hint, and nothing is lost.

A file is what a shop's export may be: a broken format, misspelt names, values of other countries, a
table with odd cells.
"""

import bz2
import gzip
import json
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest

from feature_repo.events.contract import BYTE_ORDER_MARK
from feature_repo.events.ingest import TableMapping, ingest, validate
from feature_repo.events.ingest.transaction_mapping import Columns
from feature_repo.home import Clock, Home

SHOP = """
[[item]]
name = "title"
type = "text"
role = "title"
[[item]]
name = "price"
type = "number"
role = "price"
[[item]]
name = "stock"
type = "number"
role = "stock"
[[item]]
name = "added_at"
type = "time"
[[item]]
name = "on_sale"
type = "bool"
[[user]]
name = "age"
type = "number"
[[market]]
name = "de"
currency = "EUR"
[[market]]
name = "at"
currency = "EUR"
"""
AT = "2026-01-05T10:00:00Z"
MAPPING = TableMapping(
    name="till",
    columns=Columns(
        item="sku", time="sold", order="order", user="card", quantity="pieces", unit_price="each"
    ),
    item_fields={"title": "name"},
    user_fields={},
    zone=ZoneInfo("Europe/Berlin"),
)
HEADER = "sku,sold,order,card,pieces,each,name\n"


@dataclass(frozen=True)
class HostileFile:
    """The content of a file, and its problems.

    Attributes:
        refused, warned: (line, field) of each.
        is_table: whether it is a table of transactions.
        ending: of its name.
    """

    name: str
    content: bytes
    refused: tuple[tuple[int, str], ...] = ()
    warned: tuple[tuple[int, str], ...] = ()
    is_table: bool = False
    ending: str = ".jsonl"


def item(number=1, **fields):
    about = {"event_id": f"i{number}", "event_time": AT, "item_id": f"{number}"}
    return {"kind": "item", **about, "fields": fields}


def click(number=1, **fields):
    about = {"event_id": f"c{number}", "event_time": AT, "item_id": "1", "type": "click"}
    return {"kind": "interaction", **about, **fields}


def shown(number=1, **fields):
    about = {"event_id": f"r{number}", "event_time": AT, "request_id": f"r{number}"}
    return {"kind": "ranking", **about, "market": "de", "items": ["1", "2"], **fields}


def lines(*events):
    return b"".join(e if isinstance(e, bytes) else json.dumps(e).encode() + b"\n" for e in events)


def one(name, event, *, refused="", warned=""):
    """A file whose second line is the only bad one."""
    problem = {"refused": ((2, refused),) if refused else ()}
    problem["warned"] = ((2, warned),) if warned else ()
    return HostileFile(name, lines(item(100), event, click(100)), **problem)


def table(name, *rows, refused=()):
    content = (HEADER + "".join(f"{row}\n" for row in rows)).encode()
    return HostileFile(name, content, tuple(refused), is_table=True, ending=".csv")


FILES = [
    one("a misspelt field", item(pirce=5), warned="fields.pirce"),
    one("a field in other letters", item(Price=5), warned="fields.Price"),
    one("an undeclared field", item(warranty="2 years"), warned="fields.warranty"),
    one(
        "an undeclared field of a user",
        {"kind": "user", "event_id": "u", "event_time": AT, "user_id": 1, "fields": {"agee": 3}},
        warned="fields.agee",
    ),
    one("a decimal comma", item(price="49,90"), warned="fields.price"),
    one("a thousands separator and a decimal comma", item(price="1.299,00"), warned="fields.price"),
    one("a space between thousands", item(price="1 299"), warned="fields.price"),
    one("a number with two meanings", item(price="1,299"), warned="fields.price"),
    one("a price with its currency", item(price="49,90 €"), warned="fields.price"),
    one("a price of another currency", item(price="49.90 CHF"), warned="fields.price"),
    one("a price in words", item(price="on request"), warned="fields.price"),
    one("a negative price", item(price=-1), warned="fields.price"),
    one("a negative stock", item(stock="-3,5"), warned="fields.stock"),
    one("yes for true", item(on_sale="yes"), warned="fields.on_sale"),
    one("a German date", item(added_at="31.12.2025"), warned="fields.added_at"),
    one("a type in other letters", click(type="Click"), warned="type"),
    one("a type of another system", click(type="product_clicked"), warned="type"),
    one("a type in another language", click(type="kauf"), warned="type"),
    one("an unknown market", shown(market="ch"), warned="market"),
    one("no market", shown(market=None), warned="market"),
    one("an amount of another currency", click(value=5, currency="USD"), warned="currency"),
    one("an amount as text", click(value="5,00"), warned="value"),
    one("an amount that no shop has", click(value=1e12), warned="value"),
    one("seconds for days", click(event_time=20_500), warned="event_time"),
    one("an amount with two meanings", click(value="1,299"), refused="value"),
    one("a number that overflows", item(price=1.7e308), refused="fields.price"),
    one("an amount that overflows", click(value=1e300), refused="value"),
    one("a misspelt kind", {**click(), "kind": "interactions"}, refused="kind"),
    one("no kind", {"event_id": "x", "event_time": AT}, refused="kind"),
    one("a misspelt key", click(itemid=1), refused="itemid"),
    one("a missing key", {**click(), "item_id": None}, refused="item_id"),
    one("an empty id", click(item_id=""), refused="item_id"),
    one("a date of no month", click(event_time="2026-13-01"), refused="event_time"),
    one("a German time", click(event_time="05.01.2026 10:00"), refused="event_time"),
    one("a time of the future", click(event_time="2098-01-01"), refused="event_time"),
    one("an item twice in a slate", shown(items=["1", "1"]), refused="items"),
    one("a field within a field", item(size={"w": 1}), refused="fields.size"),
    one("a currency that is none", click(value=1, currency="gold"), refused="currency"),
    one("a correction of nothing", click(corrects="never"), refused="corrects"),
    one("not JSON", b"click;1;2026-01-05\n", refused="line"),
    one("half an object", b'{"kind": "item", "event_id"\n', refused="line"),
    one("not a number", b'{"kind": "item", "fields": {"price": NaN}}\n', refused="line"),
    one(
        "another encoding",
        json.dumps(item(title="ü"), ensure_ascii=False).encode("latin-1") + b"\n",
        refused="line",
    ),
    one(
        "a peer's event without a time",
        {"event": "item", "id": "p", "item": "1"},
        refused="timestamp",
    ),
    one(
        "a peer's event of 1970",
        {"event": "item", "id": "p", "item": "1", "timestamp": "86400"},
        warned="timestamp",
    ),
    HostileFile("a page of HTML", b"<html>\n<h1>502</h1>\n</html>\n", ((0, "file"),)),
    *(
        HostileFile(name, content + b"\n\n\n", ((0, "file"),))
        for name, content in (
            ("UTF-16", lines(click()).decode().encode("utf-16")),
            ("UTF-16 without a mark", lines(click()).decode().encode("utf-16-le")),
            ("UTF-32", lines(click()).decode().encode("utf-32")),
            ("a workbook", b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml"),
            ("an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
            ("a file that zstd packed", b"\x28\xb5\x2f\xfd\x24\x00"),
            ("a file that bzip2 packed", bz2.compress(lines(click()))),
            ("a file that gzip packed twice", gzip.compress(gzip.compress(lines(click())))),
        )
    ),
    HostileFile("joined files with marks", lines(item(1)) + BYTE_ORDER_MARK + lines(click())),
    HostileFile("objects with commas", lines(item(1))[:-1] + b",\n", ((1, "line"),)),
    HostileFile("lines that end as on Windows", lines(item(1), click()).replace(b"\n", b"\r\n")),
    HostileFile("a line of 2 MB", lines(item(1, title="x" * 2_000_000), click()), ((1, "line"),)),
    HostileFile("a cut gzip", gzip.compress(lines(click()))[:-20], ((1, "file"),)),
    one("a purchase of a negative amount", click(type="purchase", value=-5), warned="value"),
    one("half of a surrogate pair", item(title="\ud83d"), refused="line"),
    one("a list in a list", item(tags=[["a"]]), refused="fields.tags"),
    one("nanoseconds", click(event_time=1_767_607_200_000_000_000), refused="event_time"),
    one("true as an id", click(item_id=True), refused="item_id"),
    one("a number with a fraction as an id", click(item_id=7.5), refused="item_id"),
    one("an id that is longer than any", click(item_id="👟" * 600), refused="item_id"),
    one("a slate as one text", shown(items="1,2"), refused="items"),
    HostileFile("the beginning of a Parquet file", b"PAR1" + b"\0" * 60, ((0, "file"),)),
    HostileFile("a damaged gzip", gzip.compress(lines(click()))[:-4] + b"\0" * 4, ((2, "file"),)),
    HostileFile("an empty Parquet", b"", ((0, "file"),), ending=".parquet"),
    table("a quantity in words", "a,2026-01-05 10:00,1,9,two,5,Tea", refused=[(2, "pieces")]),
    table("a quantity of 0", "a,2026-01-05 10:00,1,9,0,5,Tea", refused=[(2, "pieces")]),
    table("a row with a cell too few", "a,2026-01-05 10:00,1,9,1,5", refused=[(2, "line")]),
    table("a row without an item", ",2026-01-05 10:00,1,9,1,5,Tea", refused=[(2, "sku")]),
    table("a time in words", "a,yesterday,1,9,1,5,Tea", refused=[(2, "sold")]),
    table("a price in words", "a,2026-01-05 10:00,1,9,1,five,Tea", refused=[(2, "each")]),
]


@pytest.mark.parametrize("hostile", FILES, ids=lambda hostile: hostile.name)
def test_each_problem_is_named_by_file_line_field_and_hint(hostile, tmp_path):
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.shop_toml.write_text(SHOP)
    path = tmp_path / f"export{hostile.ending}"
    path.write_bytes(hostile.content)
    mapping = MAPPING if hostile.is_table else None

    dry = validate([path], home=home, clock=Clock(), mapping=mapping).to_dict()
    report = ingest([path], home=home, clock=Clock(), mapping=mapping).to_dict()

    assert report["read"] == report["accepted"] + report["duplicate"] + report["quarantined"]
    for counts in ("read", "accepted", "quarantined_reasons", "warning_reasons"):
        assert report[counts] == dry[counts]
    for listed, problems in (
        (report["quarantined_lines"], hostile.refused),
        (report["warnings"], hostile.warned),
    ):
        assert [(one["line"], one["field"]) for one in listed] == [*problems]
        assert all(one["file"] == str(path) for one in listed)
        assert all(one["expected"] and one["found"] and one["hint"] for one in listed)


def test_there_are_forty_hostile_files():
    assert len({hostile.content for hostile in FILES}) >= 40
