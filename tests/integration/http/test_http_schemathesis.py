"""The service conforms to its OpenAPI document."""

import subprocess
import sys
from pathlib import Path

from tests.scale import seconds

CHECKS = "positive_data_acceptance"
"""Excluded: a schema cannot express which filters this shop has, or which `next` is valid."""


def test_generated_requests_conform_to_the_openapi_document(service, tmp_path):
    run = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "run",
            f"{service.url}/openapi.json",
            "--phases=coverage,fuzzing",
            "--max-examples=5",
            "--seed=7",
            "--no-color",
            "--continue-on-failure",
            f"--exclude-checks={CHECKS}",
        ],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=seconds(240),
    )

    paths = service.http.get("/openapi.json").json()["paths"]
    assert run.returncode == 0, run.stdout[-4000:]
    operations = sum(map(len, paths.values()))
    tested = operations - 1  # It leaves out the document's own path.
    assert f"Tested: {tested}" in run.stdout
