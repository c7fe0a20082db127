"""Who may use the storefront: this machine, everyone, or nobody."""

import subprocess
import sys

import pytest
from starlette.requests import Request

from feature_repo.home import ApiKeys, SettingError, Settings
from serving.access import Authentication
from serving.contract import ApiError
from serving.state import WatchedFile
from serving.storefront import Storefront


@pytest.fixture
def status_of(tmp_path):
    """Returns a function that checks a request, and returns the status of its refusal or 200."""

    def status(setting, server, *, host="localhost:3000", has_keys=False):
        keys = ApiKeys().with_new("one", ["answers"])[0] if has_keys else None
        authentication = Authentication(WatchedFile("keys", tmp_path, ApiKeys.load, keys))
        headers = [(b"host", host.encode())]
        scope = {"type": "http", "method": "GET", "scheme": "http", "path": "/shop/"}
        request = Request({**scope, "headers": headers, "server": (server, 3000)})
        is_open = Settings.from_environment({"AISLE_STOREFRONT": setting}).storefront
        try:
            Storefront(is_open=is_open).check(request, authentication)
        except ApiError as error:
            return error.status
        return 200

    return status


def test_without_a_setting_only_this_machine_may_use_a_home_without_keys(status_of):
    assert status_of("", "127.0.0.1") == 200
    assert status_of("", "::1") == 200
    assert status_of("", "10.0.0.7") == 404
    assert status_of("", "127.0.0.1", has_keys=True) == 404
    assert status_of("", "127.0.0.1", host="shop.example") == 403


def test_it_can_be_opened_to_everyone(status_of):
    assert status_of("1", "10.0.0.7", host="shop.example", has_keys=True) == 200


def test_it_can_be_switched_off(status_of):
    assert status_of("0", "127.0.0.1") == 404


def test_other_settings_are_errors():
    with pytest.raises(SettingError, match="AISLE_STOREFRONT: expected 0 or 1, found 'yes'"):
        Settings.from_environment({"AISLE_STOREFRONT": "yes"})


def test_a_service_loads_no_page_before_the_first_request():
    code = "import serving.storefront, sys; print(*(m for m in sys.modules if 'storefront' in m))"

    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    loaded = {"serving.storefront", "serving.storefront.addresses", "serving.storefront.mount"}
    assert set(output.stdout.split()) == loaded
