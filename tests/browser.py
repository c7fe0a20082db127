"""Chromium for the browser tests: one process, pages with a record of what they load, and axe."""

import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.scale import seconds

CHROMIUM = shutil.which("chromium")
MISSING = "Chromium is not installed (apt-get install chromium)"

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_COLOR_RULES = ["color-contrast", "link-in-text-block"]
"""The rules of those tags that depend on colours."""

_SMALL_TARGETS = """
() => [...document.querySelectorAll("a, button, input, select, summary")]
    .filter(e => e.checkVisibility() && !e.matches(".skip, [type=hidden]"))
    .filter(e => !(e.tagName === "A" && e.parentElement.matches("p, td, dd")))
    .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
    .filter(([_, box]) => box.width < 24 || box.height < 24)
    .map(([html, box]) => `${html} is ${box.width} x ${box.height}`)
"""
"""WCAG 2.5.8 exempts links within a sentence."""


@contextmanager
def running_chromium(folder: Path):
    """Run Chromium until the block ends; yield the address of its debugging port."""
    command = [CHROMIUM, *_OPTIONS, "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            port, deadline = folder / "DevToolsActivePort", time.monotonic() + seconds(30)
            while not (port.exists() and port.read_text().strip()):
                assert process.poll() is None, process.returncode
                assert time.monotonic() < deadline, "Chromium did not start"
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port.read_text().splitlines()[0]}"
        finally:
            process.terminate()


@dataclass
class Tab:
    """A page of a browser, and what went wrong on it.

    Attributes:
        page: of Playwright.
        origin: of the service; requests to other origins are recorded.
        problems: console errors, script errors and requests to other hosts.
    """

    page: object
    origin: str
    problems: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.page.set_default_timeout(1000 * seconds(15))
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("request", self._request)

    def open(self, path):
        """Open a path of the service, and return the status."""
        return self.page.goto(self.origin + path, wait_until="load").status

    def violations(self):
        """Return what axe finds by the rules of WCAG 2.2 AA, in light and in dark colors."""
        from axe_playwright_python.sync_playwright import Axe

        listed = []
        runs = (("light", "tag", _TAGS), ("dark", "rule", _COLOR_RULES))
        for scheme, kind, values in runs:
            self.page.emulate_media(color_scheme=scheme)
            options = {"runOnly": {"type": kind, "values": values}}
            for violation in Axe().run(self.page, options=options).response["violations"]:
                nodes = [node["html"][:120] for node in violation["nodes"][:3]]
                listed.append((scheme, violation["id"], nodes))
        self.page.emulate_media(color_scheme="light")
        return listed

    def small_targets(self):
        """Return the controls that are smaller than 24 by 24 pixels."""
        return self.page.evaluate(_SMALL_TARGETS)

    def scrolls_sideways(self):
        """Whether the page is wider than the window."""
        return self.page.evaluate(
            "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )

    def focused(self):
        """Return the focused element as text: its tag, its name, and whether it has an outline."""
        return self.page.evaluate(
            """() => {
                const e = document.activeElement, style = getComputedStyle(e);
                const box = e.getBoundingClientRect();
                return {tag: e.tagName, text: (e.innerText || e.value || "").trim(),
                    name: e.getAttribute("name"), outline: style.outlineStyle !== "none",
                    inside: box.bottom > 0 && box.top < innerHeight};
            }"""
        )

    def tab_to(self, condition, most=200):
        """Press Tab until a condition on the focused element holds; return the element."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            element = self.focused()
            if condition(element):
                return element
        raise AssertionError("Tab does not reach the element")

    def _console(self, message):
        # Chromium also reports the status of an error page that was opened on purpose.
        if message.type == "error" and "status of 4" not in message.text:
            self.problems.append(f"console: {message.text}")

    def _request(self, request):
        if not request.url.startswith(self.origin + "/"):
            self.problems.append(f"request: {request.url}")
