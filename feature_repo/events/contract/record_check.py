"""Check a record that a package's code built, as if a sender had sent its values."""

import msgspec

from feature_repo.events.contract.events import AnyEvent
from feature_repo.events.contract.kinds import EVENT_KINDS, SHOP_KINDS, kind_of_event
from feature_repo.events.contract.value_types import INSTANT


def checked_record(event: AnyEvent) -> AnyEvent:
    """Return the event if its kind and the types of its values meet the contract.

    Raises:
        TypeError: it is no event of a kind that shops send.
        ValidationError: a value has another type than its field.
        EventError: a value breaks a rule of the contract.
    """
    kinds = [EVENT_KINDS[name] for name in SHOP_KINDS]
    if type(event) not in {record for kind in kinds for record in (kind.record, kind.draft)}:
        raise TypeError(f"expected events of {', '.join(SHOP_KINDS)}, found {type(event).__name__}")
    checked = msgspec.convert(msgspec.to_builtins(event), type(event))
    for name, declared in kind_of_event(checked).fields.items():
        value = msgspec.json.decode(msgspec.json.encode(getattr(checked, name)))
        read = declared.type.read
        # Instants are already in microseconds.
        if read is not None and declared.type is not INSTANT and value is not None:
            read(value, name)
    return checked
