"""One change, which a form of a page sends."""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.console.content import Visit


@dataclass(frozen=True)
class Outcome:
    """What a change did.

    Attributes:
        address: of the page that shows it.
        message: in a sentence, for that page.
    """

    address: str
    message: str


@dataclass(frozen=True)
class Action:
    """One change.

    Attributes:
        path: of the address that its form is sent to.
        run: makes the change that the fields of a form describe.
    """

    path: str
    run: Callable[[Visit], Outcome]
