"""The erasure of a user."""

from feature_repo.home import SettingError
from pipelines.console.actions.action import Outcome
from pipelines.console.content import Visit, address


def erase_user(visit: Visit) -> Outcome:
    """Have the service erase a user, whose id a person wrote once more."""
    user = visit.get("user")
    if not user or visit.get("confirmed") != user:
        raise SettingError(
            f"confirmed: expected the id of the user, {user!r}, found "
            f"{visit.get('confirmed')!r}. Nothing was erased."
        )
    with visit.client() as client:
        erased = client.erase_user(user)
    text = (
        f"{user} is erased since {erased['erased_at']}. The next refresh removes the user from the "
        f"home. What stays: {'; '.join(erased['remains'])}."
    )
    return Outcome(address("entity", {"of": f"user:{user}"}), text)
