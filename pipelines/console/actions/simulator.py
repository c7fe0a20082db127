"""Changes of the simulator: start a day of shoppers, and stop it."""

from feature_repo.home import Clock, SettingError
from pipelines.console.actions.action import Outcome
from pipelines.console.content import Visit, address
from pipelines.simulator import MOST_REQUESTS, audience_of

_MOST_SEED = 1 << 31


def start_simulation(visit: Visit) -> Outcome:
    """Send shoppers to the service, as many as the form says."""
    number = _number(visit, "requests", 1, MOST_REQUESTS)
    seed = _number(visit, "seed", 0, _MOST_SEED)
    audience = audience_of(visit.home, visit.now, number, seed=seed, confirmed=visit.get("shop"))
    visit.simulator.start(audience, visit.client(), Clock.of(visit.settings))
    return Outcome(address("simulator"), "The shoppers are on their way.")


def stop_simulation(visit: Visit) -> Outcome:
    """Stop the shoppers."""
    visit.simulator.stop()
    return Outcome(address("simulator"), "The simulation is stopped.")


def _number(visit: Visit, name: str, least: int, most: int) -> int:
    text = visit.get(name)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise SettingError(f"{name}: expected {least} to {most}, found {text!r}.")
    return int(text)
