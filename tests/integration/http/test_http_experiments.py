"""Experiments over HTTP: a file is loaded within a second, answers name the variants."""

import pytest

EXPERIMENT = """
[[experiment]]
name = "sources"
unit = "first"
surface = ["home"]

[[experiment.variant]]
name = "control"

[[experiment.variant]]
name = "new"
sources = { newest = 50.0 }
"""


@pytest.fixture
def experiment(service):
    path = service.home.root / "experiments.toml"
    path.write_text(EXPERIMENT)
    assert service.eventually(lambda: home(service, user="anybody").get("experiments"))
    yield path
    path.unlink()
    assert service.eventually(lambda: "experiments" not in home(service, user="anybody"))


def home(service, params=None, **body):
    return service.recommend("home", params=params, **body).raise_for_status().json()


def test_shoppers_get_variants_and_keep_them(service, experiment):
    users = [f"visitor-{n}" for n in range(12)]

    first = [home(service, user=user)["experiments"]["sources"] for user in users]
    again = [home(service, user=user)["experiments"]["sources"] for user in users]

    assert first == again
    assert {*first} == {"control", "new"}
    assert "experiments" not in home(service)
    assert "experiments" not in service.search("red", user="visitor-1").json()


def test_a_variant_changes_the_sources_of_the_list(service, experiment):
    def ids(variant):
        answer = home(service, {"variant": f"sources:{variant}"}, user="visitor-1", count=20)
        assert answer["experiments"] == {"sources": variant}
        return [item["item"] for item in answer["items"]]

    assert ids("control") != ids("new")


def test_an_unknown_variant_is_400_with_the_list(service, experiment):
    answer = service.recommend("home", params={"variant": "sources:other"}, user="visitor-1")

    assert answer.status_code == 400
    assert "sources:control, sources:new" in answer.text


def test_the_log_has_the_exposures(service, experiment):
    answered = home(service, user="visitor-1")
    forced = home(service, {"variant": "sources:new"}, user="visitor-1")

    assert service.eventually(lambda: service.log.served(forced["request_id"]))
    exposed, not_exposed = (service.log.served(a["request_id"]) for a in (answered, forced))
    assert exposed.experiments == {"sources": (answered["experiments"]["sources"], "user")}
    assert not_exposed.experiments == {}


def test_a_visit_that_begins_without_a_user_keeps_its_variant_after_the_login(service, experiment):
    for n in range(8):
        session, user = f"visit-{n}", f"login-{n}"
        service.click(service.items[0], session_id=session)
        before = home(service, session=session)["experiments"]["sources"]
        at_login = home(service, session=session, user=user)["experiments"]["sources"]
        service.click(service.items[1], session_id=session, user_id=user)
        after = home(service, session=session, user=user)["experiments"]["sources"]

        assert [before, at_login, after] == [before] * 3
