"""All checks of a home.

A check is a function that yields findings.  A check that fails is itself a finding.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from feature_repo.home import MINUTE, AisleError, Clock, Settings
from pipelines.doctor import log_checks, settings_checks, store_checks
from pipelines.doctor.finding import Finding
from pipelines.inspection import Figures, feature_state, file_states, log_state


@dataclass(frozen=True)
class Check:
    """A check, and the state of what its findings depend on.

    Attributes:
        state: returns it for a home; None where only a new check can tell.
    """

    run: Callable[[Settings], Iterable[Finding]]
    state: Callable[[Settings], Hashable] | None = None

    @property
    def name(self) -> str:
        """Name of the part that is checked."""
        return self.run.__name__.removeprefix("check_")

    def findings(self, settings: Settings, figures: Figures | None) -> list[Finding]:
        """Run the check, or return its findings of the same state."""
        try:
            if figures is None or self.state is None:
                return list(self.run(settings))
            name, state = ("check", self.name), self.state(settings)
            return figures.get(name, state, lambda: list(self.run(settings)))
        except (AisleError, OSError) as error:
            return [Finding("bad", self.name, str(error), "See the message.")]
        except Exception as error:  # Of SQLite, DuckDB or Arrow, such as on a full disk.
            detail = f"{type(error).__name__}: {error}"
            return [
                Finding("bad", self.name, detail, "Free space on the disk, or see the message.")
            ]


def examine(settings: Settings, figures: Figures | None = None) -> list[Finding]:
    """Run every check on the home.

    Args:
        figures: has the findings of checks whose state did not change; without it all checks run.
    """
    return [finding for check in _CHECKS for finding in check.findings(settings, figures)]


def _installation(_: Settings) -> Hashable:
    """Return the state of what changes only with the process."""
    return ()


def _log(settings: Settings) -> Hashable:
    """Return the state of the compacted log, and of the shop's declaration."""
    return log_state(settings.home), file_states([settings.home.shop_toml])


def _segments(settings: Settings) -> Hashable:
    log = settings.home.log
    return log_state(settings.home), file_states([log / "rebuild", *log.glob("segments/*")])


def _registry(settings: Settings) -> Hashable:
    path = settings.home.registry
    return file_states([path, path.with_name(f"{path.name}-wal"), settings.home.shop_toml])


def _features(settings: Settings) -> Hashable:
    """Return the state of the feature rows, whose age findings say in tenths of an hour."""
    now = Clock.of(settings).now() // (6 * MINUTE)
    return feature_state(settings.home), _log(settings), now


def _artifacts(settings: Settings) -> Hashable:
    return file_states(_artifact_files(settings))


def _artifact_files(settings: Settings) -> Iterator[Path]:
    for link in settings.home.current.glob("*/*"):
        yield link
        yield from sorted(link.resolve().rglob("*"))


def _ranker(settings: Settings) -> Hashable:
    return _log(settings), sorted(map(str, settings.home.current.glob("ranker/*")))


_CHECKS = (
    Check(settings_checks.check_python),
    Check(settings_checks.check_identity),
    Check(settings_checks.check_keys),
    Check(settings_checks.check_clock),
    Check(settings_checks.check_shop),
    Check(settings_checks.check_extensions, _installation),
    Check(log_checks.check_log, _segments),
    Check(log_checks.check_warnings),
    Check(store_checks.check_redis),
    Check(store_checks.check_owner),
    Check(store_checks.check_registry, _registry),
    Check(store_checks.check_features, _features),
    Check(store_checks.check_artifacts, _artifacts),
    Check(log_checks.check_contents, _log),
    Check(log_checks.check_bots, _log),
    Check(store_checks.check_ranker, _ranker),
)
