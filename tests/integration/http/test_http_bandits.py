"""Bandits over HTTP: decisions are logged, rewards count once, and the next decision knows them."""

import json
import random
import uuid

import pytest

from feature_repo.events.contract.decisions import reward_id
from feature_repo.home import HOUR, MINUTE
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.redis import redis_client
from feature_repo.online.redis.server import ensure_redis
from feature_repo.shop import Shop
from pipelines.cli.main import main
from pipelines.inspection import bandit_arms
from pipelines.steps import refresh
from training.bandits import Bandits

DECLARED = """
[[bandit]]
name = "{name}"
arms = ["sale", "new", "brand"]
default = "brand"
floor = 0.04
surface = ["home"]
{more}

[[bandit.context]]
text = "device"
values = ["mobile", "desktop"]

[[bandit.context]]
feature = "user_engagement__clicks_all"
cuts = [1]
"""


@pytest.fixture
def declare(service):
    """Returns a function that declares a bandit of a new name, with more lines, and returns it."""
    path = service.home.root / "bandits.toml"

    def declared(more=""):
        name = f"banner-{uuid.uuid4().hex[:8]}"
        path.write_text(DECLARED.format(name=name, more=more))
        assert service.eventually(lambda: decide(service, name).status_code == 200)
        return name

    yield declared
    path.unlink()
    assert service.eventually(lambda: "slots" not in home(service))


def decide(service, name, **body):
    return service.http.post(f"/decide/{name}", json=body)


def home(service, **body):
    return service.recommend("home", **body).raise_for_status().json()


def reward(service, decision, **fields):
    event = {
        "kind": "interaction",
        "type": "reward",
        "event_id": uuid.uuid4().hex,
        "event_time": service.clock.now(),
        "item_id": decision["arm"],
        "request_id": decision["decision_id"],
        **fields,
    }
    return service.http.post("/events", json=event).json()


def arms_of(service, name):
    """The counts and the posterior of each arm, by context and arm."""
    shop = Shop.load(service.home.shop_toml)
    declared = Bandits.load(service.home.root / "bandits.toml", shop)
    with redis_client(ensure_redis(service.settings)) as client:
        reader = OnlineReader(service.home, shop, client)
        arms = bandit_arms(reader, declared.get(name), service.clock.now())
    return {(arm["context"], arm["arm"]): arm for arm in arms}


def counts_of(service, name):
    """Decisions and rewards of all arms in all contexts together."""
    arms = arms_of(service, name).values()
    return sum(arm["decisions"] for arm in arms), sum(arm["rewards"] for arm in arms)


def test_a_decision_is_logged_and_its_reward_counts_once(service, declare):
    name = declare()
    before, _ = counts_of(service, name)

    decision = decide(service, name, user="banner-viewer", context={"device": "mobile"}).json()
    first, again = reward(service, decision), reward(service, decision)

    logged = service.log.interaction(decision["decision_id"])
    assert (logged.type, logged.item_id, logged.user_id) == (
        "decision",
        decision["arm"],
        "banner-viewer",
    )
    assert logged.decision.propensity == decision["propensity"]
    assert decision["context"] == "device=mobile,missing"
    assert decision["state"] == "on"
    assert decision["degraded"] == []
    assert (first["accepted"], again["accepted"], again["duplicate"]) == (1, 0, 1)
    assert service.log.interaction(reward_id(decision["decision_id"])).decision == logged.decision
    assert counts_of(service, name) == (before + 1, 1)
    arm = arms_of(service, name)[decision["context"], decision["arm"]]
    assert (arm["decisions"], arm["rewards"]) == (1, 1)


def test_metarank_feedback_rewards_a_decision(service, declare):
    name = declare()
    decision = decide(service, name).json()
    event = {
        "event": "interaction",
        "id": uuid.uuid4().hex,
        "type": "reward",
        "timestamp": str(service.clock.now() // 1000),
        "ranking": decision["decision_id"],
        "item": decision["arm"],
    }

    answer = service.http.post("/feedback", json=event).json()

    assert answer["accepted"] == 1
    assert counts_of(service, name)[1] == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"request_id": "never-decided"}, "request_id"),
        ({"item_id": "another"}, "item_id"),
        ({"late": 2 * MINUTE}, "event_time"),
        ({"late": -HOUR}, "event_time"),
        ({"type": "decision"}, "type"),
    ],
    ids=["without a decision", "of another arm", "too late", "too early", "a decision of its own"],
)
def test_a_reward_that_fits_no_decision_is_refused_in_words(service, declare, fields, field):
    name = declare("window_hours = 0.0167")
    decision = decide(service, name).json()
    times = {"event_time": service.clock.now() + fields.get("late", 0)}

    changed = {key: value for key, value in fields.items() if key != "late"}
    answer = reward(service, decision, **times, **changed)

    assert answer["accepted"] == 0
    assert answer["quarantined"][0]["field"] == field
    assert counts_of(service, name)[1] == 0


def test_a_correction_takes_a_reward_back(service, declare):
    name = declare()
    decision = decide(service, name).json()
    reward(service, decision)

    answer = reward(service, decision, corrects=reward_id(decision["decision_id"]))

    assert answer["accepted"] == 1
    assert counts_of(service, name)[1] == 0


def test_an_unknown_bandit_is_404_with_the_list(service, declare):
    name = declare()

    answer = decide(service, "other")

    assert answer.status_code == 404
    assert name in answer.text


def test_the_context_reads_live_features(service, declare):
    name = declare()
    before = decide(service, name, user="banner-clicker").json()["context"]

    service.click(service.items[0], user_id="banner-clicker")

    after = decide(service, name, user="banner-clicker").json()["context"]
    assert before == "device=other,missing"
    assert after == "device=other,user_engagement__clicks_all=1.."


def test_decisions_follow_rewards_and_survive_a_refresh(service, declare):
    name, rng = declare(), random.Random(4)
    rates = {"sale": 0.05, "new": 0.9, "brand": 0.05}

    for _ in range(90):
        decision = decide(service, name).json()
        if rng.random() < rates[decision["arm"]]:
            reward(service, decision)
    learned = arms_of(service, name)
    refresh(service.settings)

    context = decision["context"]
    assert learned[context, "new"]["propensity"] > 0.8
    assert learned[context, "sale"]["propensity"] >= 0.04
    assert arms_of(service, name) == learned


def test_a_page_has_the_slots_of_its_surface(service, declare):
    name = declare()

    answer = home(service, user="banner-viewer-2", count=5)

    slot = answer["slots"][name]
    logged = service.log.interaction(slot["decision_id"])
    assert logged.decision.request_id == answer["request_id"]
    assert reward(service, slot)["accepted"] == 1
    assert "slots" not in service.search("red").json()
    assert "slots" not in home(service, count=5, next=answer["next"])


def test_a_bandit_that_is_switched_off_shows_its_default(service, declare):
    name = declare("enabled = false")

    decisions = [decide(service, name).json() for _ in range(3)]

    assert [(d["arm"], d["propensity"], d["state"]) for d in decisions] == [("brand", 1, "off")] * 3


def test_a_wrong_file_is_refused_as_a_whole(service, declare):
    name = declare()
    path, refused = service.home.root / "bandits.toml", "aisle_artifact_loads_total"
    line = refused + '{kind="bandits",outcome="refused"}'
    before = service.metric(line)

    path.write_text(path.read_text().replace("floor = 0.04", "floor = 4"))

    assert service.eventually(lambda: service.metric(line) > before)
    assert decide(service, name).status_code == 200


def test_the_command_line_shows_what_a_bandit_learned(service, declare, monkeypatch, capsys):
    name = declare()
    reward(service, decide(service, name).json())
    monkeypatch.setenv("AISLE_HOME", str(service.home.root))

    assert main(["bandit", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert main(["bandit", "show", name, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)

    assert [each["bandit"] for each in listed["bandits"]] == [name]
    assert sum(arm["rewards"] for arm in shown["contexts"]) == 1
    assert shown["regret"] >= 0
