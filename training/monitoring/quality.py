"""The last quality figures of a home: measured after a refresh, read by the service."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feature_repo.home import AisleError, Home, replacing
from training.monitoring.features import measure_features
from training.monitoring.measurement import measure_log
from training.monitoring.metric import Sample
from training.monitoring.metrics import VERIFY_MISMATCHES

_QUALITY, _VERIFICATION = "quality.json", "verification.json"


@dataclass(frozen=True)
class Quality:
    """The samples of one measurement.

    Attributes:
        measured_at: µs.
        samples: of all metrics, at that instant.
        failures: what could not be measured, and why.
    """

    measured_at: int
    samples: tuple[Sample, ...]
    failures: tuple[str, ...] = ()

    @classmethod
    def read(cls, home: Home) -> "Quality | None":
        """Read the last measurement; None without one that can be read."""
        table = _read(home.monitoring / _QUALITY)
        if table is None:
            return None
        at = table["measured_at"]
        samples = (
            Sample(at, name, tuple(labels), value) for name, labels, value in table["samples"]
        )
        return cls(at, tuple(samples), tuple(table["failures"]))

    def write(self, home: Home) -> None:
        """Write the measurement in place of the last one."""
        samples = [[one.name, one.labels, one.value] for one in self.samples]
        table = {
            "measured_at": self.measured_at,
            "samples": samples,
            "failures": self.failures,
        }
        _write(home.monitoring / _QUALITY, table)


def measure_quality(home: Home, now: int) -> Quality:
    """Measure every metric of a home, and write the figures for the service.

    What cannot be measured, such as features by a damaged snapshot, is named in `failures`; the
    other figures are still written.
    """
    samples: list[Sample] = []
    failures: list[str] = []
    parts: tuple[Callable[[], list[Sample]], ...] = (
        lambda: measure_log(home, [now]),
        lambda: measure_features(home, now),
        lambda: _verification(home, now),
    )
    for part in parts:
        try:
            samples += part()
        except AisleError as error:
            failures.append(str(error))
    quality = Quality(now, tuple(samples), tuple(failures))
    quality.write(home)
    return quality


def write_verification(home: Home, now: int, mismatches: int) -> None:
    """Record how many logged values differed from training's in a verification."""
    _write(home.monitoring / _VERIFICATION, {"verified_at": now, "mismatches": mismatches})


def _verification(home: Home, now: int) -> list[Sample]:
    table = _read(home.monitoring / _VERIFICATION)
    if table is None:
        return []
    return [Sample(now, VERIFY_MISMATCHES.name, (), float(table["mismatches"]))]


def _write(path: Path, table: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as fresh:
        fresh.write_text(json.dumps(table) + "\n", encoding="utf-8")


def _read(path: Path) -> dict[str, Any] | None:
    """Read a file of this module, which is measured again soon; None if it is absent or damaged."""
    try:
        table: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return table
