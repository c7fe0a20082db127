"""The canonical dialect: objects with the keys of the contract."""

import msgspec

from feature_repo.events.contract import AnyEvent, parse_canonical
from feature_repo.events.dialects.dialect import Dialect, Raw


def _write(event: AnyEvent) -> list[Raw]:
    return [msgspec.to_builtins(event)]


CANONICAL = Dialect(
    name="canonical",
    description="Objects with the keys of the event contract; the dialect of `POST /events`.",
    recognizes=lambda raw: "kind" in raw,
    parse=lambda raw: (parse_canonical(raw),),
    write=_write,
)
