"""Lua scripts, which Redis runs atomically: many calls in one round trip."""

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.exceptions import NoScriptError

from feature_repo.home import RedisError, WriteRefusedError

_HERE = Path(__file__).parent
_logger = logging.getLogger(__name__)

NO_CLUSTER = (
    "Live tiles need one Redis server; on a Redis Cluster set REDIS_URL to a single server."
)
_REFUSED = re.compile(r"\b(OOM|NOREPLICAS|MISCONF|READONLY|MASTERDOWN|NOPERM)\b")
"""Codes of replies to every write.  A script is refused before its first write, so as a whole."""

FAILED = -2
"""Reply of a call whose keys the script could not read; the other calls are not affected."""


@dataclass(frozen=True)
class Script:
    """A Lua script.  Its first key is the prefix of the keys that it uses."""

    text: str
    sha: str

    @classmethod
    def load(cls, *names: str) -> "Script":
        """Read `<name>.lua` of this folder; of several, each continues the one before."""
        text = "\n".join((_HERE / f"{name}.lua").read_text(encoding="utf-8") for name in names)
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())

    def run(
        self, client: "redis.Redis", prefix: str, calls: Sequence[Sequence[bytes | int]]
    ) -> list[int]:
        """Run the script once per call, in order, in one round trip.

        Returns:
            One reply a call; `FAILED` where the script could not read a key.

        Raises:
            RedisError: the server cannot run the script, because it is a cluster.
            WriteRefusedError: the server refuses to write; other calls may have been run.
            redis.RedisError: the server does not answer, or its reply is invalid.
        """
        answers = self._send(client, prefix, calls)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            client.script_load(self.text)
            missed = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            again = self._send(client, prefix, [calls[n] for n in missed])
            for n, answer in zip(missed, again, strict=True):
                answers[n] = answer
        return [_answer(answer) for answer in answers]

    def _send(
        self, client: "redis.Redis", prefix: str, calls: Sequence[Sequence[bytes | int]]
    ) -> list[object]:
        with client.pipeline(transaction=False) as pipe:
            for arguments in calls:
                pipe.evalsha(self.sha, 1, prefix, *arguments)
            return list(pipe.execute(raise_on_error=False))


def _answer(answer: object) -> int:
    if isinstance(answer, int):
        return answer
    if not isinstance(answer, redis.ResponseError):
        raise (
            answer
            if isinstance(answer, Exception)
            else RedisError(f"expected a number from a Redis script, found {answer!r}.")
        )
    words = str(answer)
    if "cluster" in words or "CROSSSLOT" in words or words.startswith("MOVED"):
        raise RedisError(NO_CLUSTER)
    if _REFUSED.search(words) or isinstance(answer, redis.OutOfMemoryError | redis.ReadOnlyError):
        raise WriteRefusedError(f"Redis refuses to write: {words}.")
    if type(answer) is not redis.ResponseError:
        raise answer
    _logger.error("a live key could not be updated: %s", words)
    return FAILED
