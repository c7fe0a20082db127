"""The people who signed in with a key of the scope `operate`, and may change models and rules.

Sessions are in memory: they end with the console, after some hours, or when the key is revoked.
"""

import hmac
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_urlsafe

from feature_repo.home import ApiKeys

SCOPE = "operate"
COOKIE = "aisle_operator"

_HOURS = 12
_MOST_SESSIONS = 100


@dataclass
class Operator:
    """One session.

    Attributes:
        name: of the key.
        secret: of the key, which the console sends to the service.
        token: repeated by every form, so that no other page can send one.
        message: what the last form did, until a page has shown it.
    """

    name: str
    secret: str
    until: float
    token: str = field(default_factory=lambda: token_urlsafe(32))
    message: str = ""

    def has_token(self, token: str) -> bool:
        """Whether a form comes from a page of this session."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def take_message(self) -> str:
        """Return the message, and forget it."""
        message, self.message = self.message, ""
        return message


class Operators:
    """The sessions of one console."""

    def __init__(self, api_keys: Path) -> None:
        self._api_keys = api_keys
        self._sessions: OrderedDict[str, Operator] = OrderedDict()
        self._lock = threading.Lock()

    def sign_in(self, secret: str) -> str | None:
        """Return the id of a new session; None for a secret of no key with the scope."""
        name = self._name_of(secret)
        if name is None:
            return None
        session = token_urlsafe(32)
        with self._lock:
            self._sessions[session] = Operator(name, secret, time.monotonic() + _HOURS * 3600)
            while len(self._sessions) > _MOST_SESSIONS:
                self._sessions.popitem(last=False)
        return session

    def get(self, session: str) -> Operator | None:
        """Return who has a session; None where it ended, or its key was revoked."""
        operator = self._sessions.get(session)
        if operator is None:
            return None
        if operator.until < time.monotonic() or self._name_of(operator.secret) != operator.name:
            self.sign_out(session)
            return None
        return operator

    def sign_out(self, session: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(session, None)

    def _name_of(self, secret: str) -> str | None:
        """Return the name of a key with the scope."""
        keys = ApiKeys.load(self._api_keys)
        holder = None if keys is None else keys.holder(secret)
        return holder.name if holder is not None and SCOPE in holder.scopes else None
