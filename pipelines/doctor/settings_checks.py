"""Checks of a home's identity, keys, clock, shop and packages."""

import sys
from collections.abc import Iterator

from feature_repo.home import (
    CLOCK_ADVICE,
    EXTENSION_GROUPS,
    SECOND,
    Clock,
    Settings,
    installed_extensions,
    to_text,
)
from pipelines.doctor.finding import Finding


def check_python(_: Settings) -> Iterator[Finding]:
    """Yield whether Aisle runs on this Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info < (3, 14):
        yield Finding("good", "Python", version)
    else:
        yield Finding("bad", "Python", version, "Use Python 3.11 to 3.13: `PYTHON=… make test`.")


def check_identity(settings: Settings) -> Iterator[Finding]:
    """Yield the project that the identity of the home names."""
    if settings.home.log.exists():  # Else the home is new: the first ingest names it.
        yield Finding("good", "identity", f"project {settings.home.project}")


def check_keys(settings: Settings) -> Iterator[Finding]:
    """Yield the number of API keys."""
    from feature_repo.home import ApiKeys

    keys = ApiKeys.load(settings.home.api_keys)
    if keys is not None:
        yield Finding("good", "API keys", f"{len(keys.keys)}")


def check_clock(settings: Settings) -> Iterator[Finding]:
    """Yield the time of the home's clock, and whether the system's clock is behind."""
    if not settings.home.clock.exists():
        yield Finding("note", "clock", "not set yet", "The first ingest sets it.")
        return
    from feature_repo.events.log import EventLog

    clock = Clock.of(settings)
    behind = max(clock.behind, EventLog(settings.home, clock).seals().last - clock.now())
    moved = "the system's" if clock.offset == 0 else f"moved by {clock.offset // SECOND} s"
    detail = f"{to_text(clock.now())}, {moved}"
    if behind > SECOND:
        detail += f"; the system's clock is {behind // SECOND} s behind the newest event or seal"
        yield Finding("note", "clock", detail, CLOCK_ADVICE)
    else:
        yield Finding("good", "clock", detail)


def check_shop(settings: Settings) -> Iterator[Finding]:
    """Yield the fields of the shop."""
    from feature_repo.shop import Shop

    shop = Shop.load(settings.home.shop_toml)
    summary = (
        f"{shop.name}: {len(shop.item_fields)} item fields, {len(shop.user_fields)} user fields"
    )
    if settings.home.shop_toml.exists():
        yield Finding("good", "shop.toml", summary)
    else:
        yield Finding("note", "shop.toml", f"absent; {summary}", "Infer one: `aisle init EVENTS`.")


def check_extensions(_: Settings) -> Iterator[Finding]:
    """Yield the entry points of packages, and a note for each one that Aisle does not read."""
    for group, name, package in installed_extensions():
        detail = f"{group} {name} of package {package}"
        if group in EXTENSION_GROUPS:
            yield Finding("good", "extension", detail)
        else:
            fix = f"Aisle ignores the group {group}; use one of {', '.join(EXTENSION_GROUPS)}."
            yield Finding("note", "extension", detail, fix)
