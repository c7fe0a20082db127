"""The demo, end to end: a shop's raw events become personalized rankings over HTTP.

Every step writes its result into the home, and is skipped if that exists.  So a second run is
fast, and a killed run resumes.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from feature_repo.events.ingest import IngestReport, ingest, validate
from feature_repo.events.log import EventLog
from feature_repo.home import CHECKOUT, SECOND, Clock, Home, LogError, Settings, exclusive, to_text
from feature_repo.shop import SIMULATED_SHOP, Shop
from pipelines.catalogue import TRANSFORM_FEATURES, pipeline_of
from pipelines.declarations import EVALUATION, MODEL, Report, Step
from pipelines.demo.showcase import Showcase, choose_request, click_and_rank_again
from pipelines.service import AisleClient, free_port, running_service
from pipelines.steps import refresh
from pipelines.terminal import item_titles

SHARE_RECORDED = 1.0
DRAIN_SECONDS = 0.2
"""No load balancer has to notice that a demo ends."""


@dataclass
class Demo:
    """One run of the demo in one home.

    Attributes:
        events: the shop's own events; None for the simulated shop.
        users: number of shoppers of the simulated shop.
        announce: called with each step when it begins, and with its seconds when it ends.
        seconds: wall time by step.
    """

    settings: Settings
    events: Path | None
    users: int
    announce: Callable[[str, float | None], None] = lambda *_: None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def home(self) -> Home:
        """The home with all state of this demo."""
        return self.settings.home

    def prepare(self) -> dict[str, Any]:
        """Do everything from raw events to a published ranker; return the evaluation.

        Raises:
            NotEnoughError: there is too little to learn from; the shop can be served without a
                ranker.
        """
        with self._step("events"):
            source = self._source()
        with self._step("ingest"):
            self._ingest(source)
        with self._step("features"):
            refresh(self.settings)
        learned = self.home.root / "demo.learned"
        if not learned.exists():
            self._learn()
            learned.touch()
        with self._step("evaluation"):
            return self._evaluation()

    @contextmanager
    def serve(self, port: int, *, wait: float | None = None) -> Iterator[AisleClient]:
        """Run the service while the block runs; `wait` limits its start, in seconds."""
        settings = replace(self.settings, record_share=SHARE_RECORDED, drain_seconds=DRAIN_SECONDS)
        self.announce("service", None)
        began = time.monotonic()
        with running_service(settings, port=port, wait=wait) as client:
            self._finish("service", began)
            yield client

    def show(self, client: AisleClient) -> Showcase | None:
        """Rank a slate for a shopper, click, rank again; None if the log has no such shopper."""
        from training.ranker import Ranker

        clock = Clock.of(self.settings)
        log = EventLog(self.home, clock)
        published = self.home.current / "ranker" / MODEL
        with self._step("rank, click, rank"):
            ranker = Ranker.load(published) if published.exists() else None
            request = choose_request(log)
            if request is None:
                return None
            titles = item_titles(log, Shop.load(self.home.shop_toml), request.items)
            return click_and_rank_again(client, request, clock, titles, ranker)

    def _source(self) -> Path:
        source = self.events or self._simulated()
        marker = self.home.root / "demo.json"
        identity = {"events": str(source), "bytes": source.stat().st_size}
        if marker.exists() and json.loads(marker.read_text()) != identity:
            raise LogError(
                f"{self.home.root} has the demo of other events "
                f"({json.loads(marker.read_text())['events']}).  Remove the folder, "
                "or name another one with AISLE_HOME."
            )
        self._declare_shop(source)
        marker.write_text(json.dumps(identity))
        return source

    def _simulated(self) -> Path:
        from training.studies.simulation import simulate

        out = self.home.root / "simulated.jsonl"
        if not out.exists():
            self.home.root.mkdir(parents=True, exist_ok=True)
            simulate(out, users=self.users)
        return out

    def _declare_shop(self, source: Path) -> None:
        if self.home.shop_toml.exists():
            return
        self.home.root.mkdir(parents=True, exist_ok=True)
        if self.events is None:
            text = SIMULATED_SHOP.read_text(encoding="utf-8")
        else:
            from feature_repo.events.ingest import infer_shop, shop_to_toml

            text = shop_to_toml(*infer_shop([source]))
        self.home.shop_toml.write_text(text, encoding="utf-8")

    def _ingest(self, source: Path) -> None:
        if not Clock.is_set(self.home):
            self.settings = self._clock_after(validate([source], clock=Clock()))
        done = self.home.root / "demo.ingested"
        if done.exists():
            return
        with exclusive(self.home, "a demo", wait=True):
            report = ingest([source], home=self.home, clock=Clock.of(self.settings))
        done.write_text(json.dumps(report.to_dict(), default=str))

    def _clock_after(self, report: IngestReport) -> Settings:
        """Start the clock of a new home just after the last event, unless AISLE_CLOCK is set."""
        if report.last_event_time is None:
            raise LogError(
                f"{self.events} has no valid event: read {report.read}, "
                f"quarantined {report.quarantined.count}; `aisle validate` lists them."
            )
        start = self.settings.clock or to_text(report.last_event_time + SECOND)
        return replace(self.settings, clock=start)

    def _learn(self) -> None:
        def run(step: Step, values: Mapping[str, Any]) -> Report:
            with self._step(step.title or step.name):
                return step.run(self.home, values)

        pipeline_of("retrain").run_here(run, lambda step: step == TRANSFORM_FEATURES)

    def _evaluation(self) -> dict[str, Any]:
        """Return the evaluation of the published ranker, else of the last one that was trained."""
        published = self.home.current / "ranker" / MODEL / "evaluation.json"
        path = (
            published
            if published.exists()
            else self.home.root / EVALUATION.path / "evaluation.json"
        )
        evaluation: dict[str, Any] = json.loads(path.read_text())
        return evaluation

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self.announce(name, None)
        began = time.monotonic()
        yield
        self._finish(name, began)

    def _finish(self, name: str, began: float) -> None:
        self.seconds[name] = round(time.monotonic() - began, 2)
        self.announce(name, self.seconds[name])


def demo_settings(settings: Settings, events: Path | None, *, has_home: bool) -> Settings:
    """Return the settings of a demo: real events have a separate home, unless one is configured."""
    if events is None or has_home:
        return settings
    stem = events.name.split(".")[0] or "events"
    return replace(settings, home=Home(CHECKOUT / f".aisle-{stem}"))


def choose_port(requested: int | None, usual: int = 3000) -> int:
    """Return the requested port; without one the usual, or any free port if that is in use."""
    import socket

    if requested is not None:
        return requested
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", usual))
        except OSError:
            return free_port()
    return usual
