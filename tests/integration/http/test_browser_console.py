"""The console in a browser: accessible, safe, on small screens."""

import re
import shutil
from urllib.parse import quote

import pytest

from pipelines.operation import RulesFile
from tests.browser import Tab
from tests.integration.http.consoles import ADDRESSES, HOSTILE, operator_key, running_console
from training.artifacts import publish_version


@pytest.fixture(scope="module")
def tab(browser, running_service):
    with running_console(running_service.settings, running_service.url) as url:
        context = browser.new_context(viewport={"width": 1100, "height": 800})
        yield Tab(context.new_page(), url)
        context.close()


WRONG = {
    "unknown page": ("/nothing", 404),
    "unknown version": (f"/model?version={quote(HOSTILE)}", 404),
    "unknown view": (f"/feature?view={quote(HOSTILE)}", 400),
}
OPENED = {name: (address, 200) for name, address in ADDRESSES.items()} | WRONG


@pytest.mark.parametrize("name", OPENED)
def test_a_page_is_accessible_safe_and_narrow(tab, name):
    check(tab, *OPENED[name])


def check(tab, address, expected):
    """Open a page, and check that it is accessible, safe, small and narrow."""
    tab.page.set_viewport_size({"width": 1100, "height": 800})
    status = tab.open(address)
    tab.page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")

    assert status == expected
    assert tab.violations() == []
    assert tab.small_targets() == []
    assert tab.problems == []
    assert tab.page.evaluate("window.hit") is None
    assert len(tab.page.content()) < 150_000
    tab.page.set_viewport_size({"width": 320, "height": 640})
    assert not tab.scrolls_sideways()


def test_hostile_texts_of_the_address_and_of_items_stay_text(tab, running_service):
    event = {"kind": "item", "event_id": "plant-console", "item_id": "console-hostile"}
    event["event_time"] = running_service.clock.now()
    fields = {"title": f"hostileword {HOSTILE}", "stock": 3, "price": 5}
    running_service.http.post("/events", json=event | {"fields": fields}).raise_for_status()
    try:
        assert running_service.eventually(lambda: finds(running_service, "console-hostile"))
        for path in ("/explorer?q=hostileword", f"/entity?of={quote('item:' + HOSTILE)}"):
            assert tab.open(path) == 200
            assert "onerror" in tab.page.inner_text("main")
            assert tab.page.evaluate("window.hit") is None
            assert tab.problems == []
    finally:
        removal = event | {"event_id": "remove-console", "op": "delete"}
        removal["event_time"] = running_service.clock.now()
        running_service.http.post("/events", json=removal).raise_for_status()


def finds(service, item):
    return item in [one["item"] for one in service.search("hostileword").json()["items"]]


def test_the_explorer_shows_sources_order_and_contributions(tab):
    tab.open(ADDRESSES["search"])

    cells = {
        key: tab.page.locator(f"#{key} tbody tr").first.inner_text()
        for key in ("understood", "stages", "order", "sources")
    }
    assert "red" in tab.page.locator("#understood").inner_text()
    assert "lexical" in tab.page.locator("#sources").inner_text()
    assert re.search(r"__\w+ [+-]\d", cells["order"])


def test_tables_sort_by_their_headings_without_scripts(browser, tab):
    context = browser.new_context(java_script_enabled=False)
    still = Tab(context.new_page(), tab.origin)
    still.open("/features")
    still.page.get_by_role("link", name="fields").click()
    up = still.page.locator("#views tbody td:nth-child(3)").all_inner_texts()
    still.page.get_by_role("link", name="fields").click()
    down = still.page.locator("#views tbody td:nth-child(3)").all_inner_texts()
    context.close()

    assert up == sorted(up, key=int)
    assert down == sorted(up, key=int, reverse=True)
    assert len({*up}) > 1


def test_a_rule_is_published_with_the_keyboard_alone_and_without_scripts(
    browser, running_service, tmp_path
):
    service, reason = running_service, f"Planted {HOSTILE}"
    rules, rankers = RulesFile(service.home), service.home.artifacts / "ranker" / "default"
    (tmp_path / "model_card.json").write_text("{}")
    rejected = publish_version(
        service.home, "default", tmp_path, {"columns": []}, reason=HOSTILE, use=False
    )
    with (
        operator_key(service, "answers", "users", "metrics", "operate") as secret,
        running_console(service.settings, service.url) as url,
    ):
        context = browser.new_context(java_script_enabled=False)
        still = Tab(context.new_page(), url)
        still.open("/sign-in")
        fill(still, "key", secret)
        still.page.wait_for_url(f"{url}/")
        still.open("/rules")
        fill(still, "items", "i00001", f"i00002 {HOSTILE}")
        still.page.wait_for_url("**/rules?draft=*")
        draft = still.page.url.removeprefix(url)
        fill(still, "reason", reason)
        still.page.wait_for_url(f"{url}/rules")
        published = still.page.locator("#history tbody tr").first.inner_text()
        cookies = context.cookies()
        context.close()

        scripted = browser.new_context(viewport={"width": 1100, "height": 800})
        scripted.add_cookies(cookies)
        tab = Tab(scripted.new_page(), url)
        try:
            for address in (draft, "/rules", "/models", "/judgments?q=red"):
                check(tab, address, 200)
                assert "Sign out" in tab.page.inner_text("header")
        finally:
            scripted.close()
            shutil.rmtree(rankers / rejected)
            (rankers / ".history.jsonl").unlink()
            for path in service.home.root.glob("rules.*"):
                if path.is_file():
                    path.unlink()

    assert reason in published
    assert "anna" in published
    assert not rules.text


def fill(tab, name, *texts):
    """Go to a field with the Tab key, type, and send the form with the Enter key."""
    focus = tab.tab_to(lambda element: element["name"] == name)
    tab.page.keyboard.type(", ".join(texts))
    tab.page.keyboard.press("Enter")
    assert focus["outline"]
    assert focus["inside"]
