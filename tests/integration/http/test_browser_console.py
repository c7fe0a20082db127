"""The console in a browser: accessible, safe, on small screens."""

import pytest

from pipelines.console.pages import PAGES
from tests.browser import Tab
from tests.integration.http.consoles import running_console


@pytest.fixture(scope="module")
def tab(browser, running_service):
    with running_console(running_service.settings, running_service.url) as url:
        context = browser.new_context(viewport={"width": 1100, "height": 800})
        yield Tab(context.new_page(), url)
        context.close()


ADDRESSES = {page.path: f"/{page.path}" for page in PAGES if page.label} | {
    "error": "/nothing",
    "sorted table": "/overview?sort=events.-item",
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_is_accessible_safe_and_narrow(tab, name):
    tab.page.set_viewport_size({"width": 1100, "height": 800})
    status = tab.open(ADDRESSES[name])
    tab.page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")

    assert status == (404 if name == "error" else 200)
    assert tab.violations() == []
    assert tab.small_targets() == []
    assert tab.problems == []
    assert tab.page.evaluate("window.hit") is None
    assert len(tab.page.content()) < 150_000
    tab.page.set_viewport_size({"width": 320, "height": 640})
    assert not tab.scrolls_sideways()
