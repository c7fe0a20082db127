"""Redis: the server, its clients, key names and Lua scripts."""

from feature_repo.online.redis import keys, resp, server
from feature_repo.online.redis.address import RedisAddress, redis_client
from feature_repo.online.redis.append_only_file import rewrite_append_only_file
from feature_repo.online.redis.breaker import Breaker
from feature_repo.online.redis.keys import (
    entity_suffix,
    entity_suffixes,
    glob,
    text_suffixes,
    view_prefix,
)
from feature_repo.online.redis.live_keys import (
    DamagedValueError,
    FirstEvent,
    LiveKeys,
    Owner,
    Patch,
    RecentItem,
    decode_firsts,
    decode_owner,
    decode_patches,
    encode_recent,
    read_member,
)
from feature_repo.online.redis.ownership import claim
from feature_repo.online.redis.pipelined_client import PipelinedClient
from feature_repo.online.redis.resp import (
    BYTES,
    arguments,
    command,
    concatenate,
    decimal_lengths,
    exchange,
)
from feature_repo.online.redis.script import FAILED, NO_CLUSTER, Script
from feature_repo.online.redis.server import address_of, running_redis

__all__ = [
    "BYTES",
    "FAILED",
    "NO_CLUSTER",
    "Breaker",
    "DamagedValueError",
    "FirstEvent",
    "LiveKeys",
    "Owner",
    "Patch",
    "PipelinedClient",
    "RecentItem",
    "RedisAddress",
    "Script",
    "address_of",
    "arguments",
    "claim",
    "command",
    "concatenate",
    "decimal_lengths",
    "decode_firsts",
    "decode_owner",
    "decode_patches",
    "encode_recent",
    "entity_suffix",
    "entity_suffixes",
    "exchange",
    "glob",
    "keys",
    "read_member",
    "redis_client",
    "resp",
    "rewrite_append_only_file",
    "running_redis",
    "server",
    "text_suffixes",
    "view_prefix",
]
