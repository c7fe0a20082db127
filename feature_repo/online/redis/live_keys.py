"""Names of the live keys of a home, and what they hold; `live.lua` writes them."""

from dataclasses import dataclass

import msgspec

from feature_repo.home import Home


@dataclass(frozen=True)
class LiveKeys:
    """Keys in Redis, all under one prefix that no other project's prefix begins with."""

    prefix: str

    @classmethod
    def of(cls, home: Home) -> "LiveKeys":
        """The keys of a home's project."""
        return cls.of_project(home.project)

    @classmethod
    def of_project(cls, project: str) -> "LiveKeys":
        """The keys of a Feast project; its name holds no colon."""
        return cls(f"{project}:live:")

    @property
    def pruned(self) -> str:
        """Part up to which everything lies in the stored rows."""
        return f"{self.prefix}pruned"

    @property
    def tile_prefix(self) -> str:
        """How the key of every tile begins."""
        return f"{self.prefix}tile:"

    def tile(self, view: str, entity: str) -> str:
        """The tile of one entity in one counted view."""
        return f"{self.tile_prefix}{view}:{entity}"

    def values(self, live_key: str, entity: str) -> str:
        """The newest live values of one entity in a view, given the view's `live_key`."""
        return f"{self.prefix}{live_key}:{entity}"

    def item(self, item_id: str) -> str:
        """The newest patches of an item's attributes."""
        return self.values("item", item_id)

    def first(self, user_id: str) -> str:
        """The first event of a user in each part, in the form of patches."""
        return f"{self.prefix}first:{user_id}"

    def recent(self, verb: str, user_id: str) -> str:
        """What a user clicked, or was shown, last."""
        return f"{self.prefix}recent:{verb}:{user_id}"

    def erased(self, user_id: str) -> str:
        """There while a user who was erased may still lie in stored rows."""
        return f"{self.prefix}erased:{user_id}"

    def request(self, request_id: str) -> str:
        """The earliest ranking of a request."""
        return f"{self.prefix}request:{request_id}"


class Patch(msgspec.Struct, frozen=True):
    """The newest value of one attribute: JSON text, and when and in which part it was said."""

    seen_at: int
    id: str
    part: int
    value: str


class RecentItem(msgspec.Struct, frozen=True, array_like=True):
    """An entry of a recent list: the item, and its texts as known then, by column."""

    item_id: str
    values: dict[str, str]


decode_patches = msgspec.msgpack.Decoder(dict[str, Patch]).decode
decode_recent = msgspec.json.Decoder(RecentItem).decode


def encode_recent(entry: RecentItem) -> str:
    """The payload of an entry, as it stands in the member of a sorted set."""
    return msgspec.json.encode(entry).decode()


def read_member(member: bytes) -> tuple[int, RecentItem]:
    """Part and entry of a member `event id NUL position NUL part NUL payload`.

    Raises:
        ValueError: not such a member.
    """
    _, _, part, payload = member.rsplit(b"\0", 3)
    return int(part), decode_recent(payload)
