"""Write the screenshots of the documentation, while `make demo` runs:

make screenshots [URL=http://127.0.0.1:3000] [CONSOLE=http://127.0.0.1:3001]
"""

import sys
import tempfile
from pathlib import Path

from tests.browser import CHROMIUM, MISSING, running_chromium

IMAGES = Path(__file__).parents[1] / "docs" / "images"
MAX_BYTES = 100_000
WINDOW = {"width": 800, "height": 480}
PAGES = {
    "home": "/shop/",
    "search": "/shop/search?q=red+boot+under+50",
    "compare": "/shop/compare?q=boot",
    "why": "/shop/",
}
"""By name, the address of a page of the storefront; `why` follows a link of its page."""

CONSOLE_PAGES = {
    "feature": ("/feature?view=item_engagement", "Lineage"),
    "entity": ("/entity?of=user:u00001", "The last 30 days"),
}
"""By name, the address of a page of the console, and the heading from which it is shown."""


def main(shop_url, console_url):
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        raise SystemExit(MISSING)
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        running_chromium(Path(folder)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.connect_over_cdp(address)
        for scheme in ("light", "dark"):
            page = browser.new_context(viewport=WINDOW, color_scheme=scheme).new_page()
            for name, path in PAGES.items():
                page.goto(shop_url + path)
                if name == "why":
                    page.get_by_role("link", name="Why this?").first.click()
                    page.get_by_role("heading", name="Why").wait_for()
                save(page, name, scheme)
            for name, (path, heading) in CONSOLE_PAGES.items():
                page.goto(console_url + path)
                page.get_by_role("heading", name=heading).evaluate("one => one.scrollIntoView()")
                save(page, name, scheme)


def save(page, name, scheme):
    """Write what the window shows, if that is small enough for a repository."""
    image = IMAGES / f"{name}-{scheme}.png"
    page.screenshot(path=image)
    size = image.stat().st_size
    assert size <= MAX_BYTES, f"{image}: expected at most {MAX_BYTES} bytes, found {size}"
    print(f"{image.relative_to(IMAGES.parents[1])}: {size} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
