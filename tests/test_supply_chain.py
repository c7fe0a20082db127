"""The audit and the list of packages fail, and say why, where the package index is out of reach."""

import os
import subprocess

import pytest

from feature_repo.home import CHECKOUT


@pytest.mark.parametrize(
    ("target", "tool"), [("audit", "pip-audit"), ("sbom", "cyclonedx-bom")], ids=["audit", "sbom"]
)
def test_a_tool_that_cannot_be_fetched_is_a_failure_that_says_so(tmp_path, target, tool):
    offline = {
        "UV_OFFLINE": "1",
        "UV_CACHE_DIR": f"{tmp_path}/cache",
        "UV_TOOL_DIR": f"{tmp_path}/tools",
    }

    done = subprocess.run(
        ["make", target],
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=CHECKOUT,
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
    )

    assert done.returncode != 0
    assert f"{tool} was not found" in done.stderr
    assert "network was disabled" in done.stderr
