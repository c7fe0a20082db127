"""The mark of a home in Redis: one home alone writes the keys of a project."""

from typing import TYPE_CHECKING

from feature_repo.home import Home, RedisError

if TYPE_CHECKING:
    import redis


def claim(client: "redis.Redis", home: Home) -> None:
    """Mark the keys of the home's project as the home's; an emptied server is marked again.

    Raises:
        RedisError: another home has marked them.
        redis.RedisError: the server does not answer.
    """
    identity = home.identity
    mark = f"{identity.project}:home"
    owner = client.get(mark)
    if owner is None:
        client.set(mark, identity.id, nx=True)
        owner = client.get(mark)
    if isinstance(owner, bytes) and owner != identity.id.encode():
        mark_there = owner[:8].decode(errors="replace")
        raise RedisError(
            f"The keys of {identity.project} on this Redis server belong to another home: expected "
            f"the mark {identity.id[:8]}… of {home.root}, found {mark_there}….  Give one "
            "of the homes a database of its own (REDIS_URL=redis://…/1).  Or give this home a new "
            "name there: delete its identity.json and registry.db, then run `aisle refresh`."
        )
