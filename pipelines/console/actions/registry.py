"""All changes: the routes and the tests derive from this list."""

from pipelines.console.actions.action import Action
from pipelines.console.actions.judgments import import_judgments, judge_items
from pipelines.console.actions.models import promote_model, retire_model, roll_back_model
from pipelines.console.actions.rules import (
    draft_removal,
    draft_rule,
    draft_rules,
    publish_rules,
    undo_rules,
)
from pipelines.console.actions.simulator import start_simulation, stop_simulation
from pipelines.console.actions.users import erase_user

ACTIONS = (
    Action("models/promote", promote_model),
    Action("models/roll-back", roll_back_model),
    Action("models/retire", retire_model),
    Action("rules/draft", draft_rules),
    Action("rules/add", draft_rule),
    Action("rules/remove", draft_removal),
    Action("rules/publish", publish_rules),
    Action("rules/undo", undo_rules),
    Action("judgments/import", import_judgments),
    Action("judgments/judge", judge_items),
    Action("users/erase", erase_user),
    Action("simulator/start", start_simulation),
    Action("simulator/stop", stop_simulation),
)
