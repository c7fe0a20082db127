"""One small shop, and its service, for all tests over HTTP."""

import pytest

from feature_repo.online.redis import running_redis
from tests.integration.http.consoles import console_client
from tests.integration.http.small_shop import build_home, publish_ranker, run_service


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """A home with features online, indexes and a ranker."""
    settings = build_home(tmp_path_factory.mktemp("shop") / "home")
    publish_ranker(settings.home, tmp_path_factory.mktemp("ranker"))
    with running_redis(settings):
        yield settings


@pytest.fixture(scope="session")
def running_service(shop):
    """The service, healthy or not."""
    with run_service(shop) as service:
        yield service


@pytest.fixture
def service(running_service):
    """The service, healthy."""
    assert running_service.eventually(lambda: running_service.rank([]).status_code == 200)
    assert running_service.eventually(lambda: running_service.metric("aisle_live_state_up") == 1)
    return running_service


@pytest.fixture(scope="module")
def console(shop):
    """A client of the console; its service is away."""
    with console_client(shop) as client:
        yield client
