"""The storefront in a browser: accessible, safe, by keyboard, without scripts, on small screens."""

from urllib.parse import quote

import pytest

from tests.browser import Tab

HOSTILE = "\"'><img src=x onerror=window.hit=1><script>window.hit=1</script>"
HOSTILE_ID = f"hostile-{HOSTILE}"
ARABIC_ID, ARABIC = "arabic", "أحذية حمراء"
PAGES = {
    "home": "/shop/",
    "search": "/shop/search?q=red+boot+under+500",
    "filtered search": "/shop/search?q=red&f.brand=Corvane&min.price=1&max.price=x",
    "search without results": "/shop/search?q=zzzzqqqq&f.brand=nobody",
    "browsing": "/shop/search",
    "category": "/shop/category?name=shoes",
    "hostile search": f"/shop/search?q={quote(HOSTILE)}",
    "search from right to left": f"/shop/search?q={quote(ARABIC)}",
    "item": "/shop/item?id=i00001",
    "hostile item": f"/shop/item?id={quote(HOSTILE_ID)}",
    "item from right to left": f"/shop/item?id={ARABIC_ID}",
    "item that is not for sale": "/shop/item?id=nothing",
    "cart": "/shop/cart",
    "order": "/shop/order?id=1&item=i00001",
    "shoppers": "/shop/shoppers",
    "comparison": "/shop/compare",
    "comparison of a search": "/shop/compare?q=red+boot",
    "reasons": "/shop/why?id=i00001&list=home",
    "error": "/shop/nothing",
}


@pytest.fixture(scope="module")
def planted(running_service):
    """The service, with items whose texts are hostile or foreign."""
    fields = {name: HOSTILE for name in ("title", "description", "category", "brand", "color")}
    arabic = {"title": ARABIC, "category": "shoes", "price": 12, "stock": 3}
    for item, values in ((HOSTILE_ID, {**fields, "stock": 2}), (ARABIC_ID, arabic)):
        event = {"kind": "item", "event_id": f"plant-{item}", "item_id": item, "fields": values}
        event["event_time"] = running_service.clock.now()
        running_service.http.post("/events", json=event).raise_for_status()
    assert running_service.eventually(lambda: finds(running_service, ARABIC, ARABIC_ID))
    yield running_service
    for item in (HOSTILE_ID, ARABIC_ID):
        event = {"kind": "item", "event_id": f"remove-{item}", "item_id": item, "op": "delete"}
        event["event_time"] = running_service.clock.now()
        running_service.http.post("/events", json=event).raise_for_status()


def finds(service, query, item):
    return item in [each["item"] for each in service.search(query).json()["items"]]


@pytest.fixture
def open_tab(browser, planted):
    """Returns a function that opens a tab with some options of Playwright's contexts."""
    contexts = []

    def opened(**options):
        contexts.append(browser.new_context(**options))
        return Tab(contexts[-1].new_page(), planted.url)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def tab(open_tab):
    return open_tab(viewport={"width": 1100, "height": 800})


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_safe_and_narrow(tab, name):
    status = tab.open(PAGES[name])
    tab.page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")

    assert status == (404 if "not for sale" in name or name == "error" else 200)
    assert tab.violations() == []
    assert tab.small_targets() == []
    assert tab.problems == []
    assert tab.page.evaluate("window.hit") is None
    assert len(tab.page.content()) < 90_000  # The script and the styles add 60,000 bytes.
    tab.page.set_viewport_size({"width": 320, "height": 640})
    assert not tab.scrolls_sideways()


def test_a_hidden_item_and_a_full_cart_are_accessible(tab):
    tab.open("/shop/")
    tab.page.get_by_role("button", name="Not interested").first.click()
    tab.page.get_by_text("is hidden.").wait_for()
    assert tab.focused()["text"].endswith("is hidden.")
    tab.page.get_by_role("button", name="Add to cart").nth(1).click()
    tab.page.locator("#status").get_by_text("is in the cart").wait_for()

    assert tab.violations() == []
    tab.open("/shop/cart")
    assert tab.violations() == []
    assert tab.problems == []


def test_hostile_shoppers_and_markets_stay_text(tab):
    tab.open("/shop/shoppers")
    tab.page.locator("#other").fill(HOSTILE)
    tab.page.locator(".other [name=market]").evaluate("(e, text) => e.value = text", HOSTILE)
    tab.page.get_by_role("button", name="Play this shopper").click()

    for path in ("/shop/", "/shop/shoppers", "/shop/search?q=boot", "/shop/compare"):
        assert tab.open(path) == 200
        assert tab.violations() == []
        assert "onerror" in tab.page.inner_text("body")
    assert tab.problems == []
    assert tab.page.evaluate("window.hit") is None


def test_a_shopper_gets_from_search_to_filter_item_and_cart_by_keyboard(tab):
    tab.open("/shop/")

    assert tab.tab_to(lambda e: e["text"] == "Skip to the content")["outline"]
    tab.tab_to(lambda e: e["name"] == "q")
    tab.page.keyboard.type("boot")
    press_enter(tab, "**/search?q=boot*")
    box = tab.tab_to(lambda e: (e["name"] or "").startswith("f."))
    tab.page.keyboard.press("Space")
    button = tab.tab_to(lambda e: e["text"] == "Apply filters")
    press_enter(tab, "**/search?*f.*")
    link = tab.tab_to(lambda e: e["tag"] == "A" and "boot" in e["text"])
    press_enter(tab, "**/item?*from=*")
    add = tab.tab_to(lambda e: e["text"] == "Add to cart")
    tab.page.keyboard.press("Enter")
    tab.page.locator("#status").get_by_text("is in the cart").wait_for()
    cart = tab.tab_to(lambda e: e["text"].startswith("Cart"))
    press_enter(tab, "**/cart")

    assert all(each["outline"] and each["inside"] for each in (box, button, link, add, cart))
    assert tab.page.get_by_role("button", name="Order (simulated)").is_visible()
    assert tab.problems == []


def press_enter(tab, address):
    with tab.page.expect_navigation(url=address):
        tab.page.keyboard.press("Enter")


def test_a_click_changes_the_next_page_and_a_live_region_says_what_moved(tab):
    tab.open("/shop/")
    tab.page.locator("main .card h3 a").nth(5).click()
    tab.page.get_by_text("Opening this page was a click").wait_for()

    tab.open("/shop/")

    region = tab.page.locator("main [aria-live=polite]").first
    assert region.get_attribute("role") == "status"
    assert "moved up" in region.inner_text()
    assert tab.page.locator(".move").count() >= 1
    assert tab.problems == []


def test_everything_works_without_scripts(open_tab):
    tab = open_tab(java_script_enabled=False, viewport={"width": 1100, "height": 800})
    tab.open("/shop/")
    tab.page.get_by_role("button", name="Not interested").first.click()
    tab.page.get_by_text("1 hidden item.").wait_for()
    tab.page.locator("main .card h3 a").first.click()
    tab.page.get_by_role("button", name="Add to cart").first.click()
    tab.page.get_by_role("button", name="Order (simulated)").click()

    assert "is simulated" in tab.page.inner_text("h1")
    assert tab.page.locator("pre").count() == 0
    tab.open("/shop/search?q=boot")
    assert tab.page.locator("details.curl pre code").first.inner_text is not None
    tab.page.get_by_text("Copy as curl").first.click()
    assert tab.page.locator("details.curl pre").first.is_visible()
    assert tab.problems == []


def test_the_search_box_suggests_queries_while_a_shopper_types(tab):
    tab.open("/shop/")
    tab.page.locator("#q").press_sequentially("bo")
    tab.page.locator("#suggestions option").first.wait_for(state="attached")

    values = tab.page.locator("#suggestions option").evaluate_all("all => all.map(o => o.value)")
    assert all("bo" in value.casefold() for value in values)
    assert tab.problems == []


def test_foreign_text_names_its_script_and_has_its_own_direction(tab):
    tab.open(f"/shop/item?id={ARABIC_ID}")

    title = tab.page.locator("h1 bdi")
    assert title.get_attribute("lang") == "und-Arab"
    assert title.evaluate("e => getComputedStyle(e).direction") == "rtl"
    tab.open(f"/shop/search?q={quote(ARABIC)}")
    box = tab.page.locator("#q")
    assert box.evaluate("e => getComputedStyle(e).direction") == "rtl"


def test_forced_colors_keep_the_edges_and_reduced_motion_stops_transitions(open_tab):
    tab = open_tab(forced_colors="active", reduced_motion="reduce")
    tab.open("/shop/")

    border = "e => getComputedStyle(e).borderTopStyle + getComputedStyle(e).borderTopWidth"
    assert tab.page.locator("main button").first.evaluate(border) == "solid1px"
    assert tab.page.locator(".card").first.evaluate(border) == "solid1px"
    moving = "e => getComputedStyle(e).transitionDuration"
    tab.page.locator(".card a").first.focus()
    assert tab.page.locator(".card").first.evaluate(moving) == "0s"


def test_a_page_may_be_zoomed_to_twice_its_size(open_tab):
    tab = open_tab(viewport={"width": 640, "height": 400}, device_scale_factor=2)
    tab.open("/shop/search?q=red+boot")

    assert not tab.scrolls_sideways()
    assert tab.problems == []
