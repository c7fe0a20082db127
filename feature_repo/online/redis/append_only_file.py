"""The append-only file of a Redis server, which still has the commands about deleted keys."""

import time
from typing import TYPE_CHECKING, Any, cast

from feature_repo.home import RedisError

if TYPE_CHECKING:
    import redis

REWRITTEN_WITHIN_SECONDS = 300.0


def rewrite_append_only_file(client: "redis.Redis") -> bool:
    """Have the server write its file again, from the values that it has now.

    Returns:
        False for a server without such a file.

    Raises:
        RedisError: the server refuses, or is not done in time.
        redis.RedisError: the server does not answer.
    """
    import redis

    if not _persistence(client).get("aof_enabled"):
        return False
    deadline = time.monotonic() + REWRITTEN_WITHIN_SECONDS
    _await_idle(client, deadline)  # A rewrite in progress may have begun before the deletion.
    try:
        client.bgrewriteaof()  # type: ignore[no-untyped-call]
    except redis.ResponseError as error:
        raise RedisError(f"Redis refused to write its append-only file again: {error}.") from error
    _await_idle(client, deadline)
    if _persistence(client).get("aof_last_bgrewrite_status") != "ok":
        raise RedisError("Redis could not write its append-only file again; see its log.")
    return True


def _await_idle(client: "redis.Redis", deadline: float) -> None:
    while any(
        _persistence(client).get(name)
        for name in ("aof_rewrite_in_progress", "aof_rewrite_scheduled")
    ):
        if time.monotonic() > deadline:
            raise RedisError(
                f"Redis did not write its append-only file again within "
                f"{REWRITTEN_WITHIN_SECONDS:g} s; the next refresh tries again."
            )
        time.sleep(0.05)


def _persistence(client: "redis.Redis") -> dict[str, Any]:
    return cast("dict[str, Any]", client.info("persistence"))
