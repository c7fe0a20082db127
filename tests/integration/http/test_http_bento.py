"""A Bento that is built from the checkout serves away from it."""

import os
import re
import shutil
import subprocess
import sys

import yaml

from feature_repo.home import CHECKOUT
from serving.http.endpoints import ENDPOINTS
from serving.http.openapi import document
from tests.integration.http.small_shop import run_service

PARTS = ("feature_repo", "training", "serving")
FILES = ("pyproject.toml", "requirements.lock", "README.md", "LICENSE", ".bentoignore")
MARK = '"service": "aisle"'


def build(folder, bentoml_home):
    """Build a Bento of a copy of the checkout that names itself; return its tag."""
    for part in PARTS:
        shutil.copytree(
            CHECKOUT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in FILES:
        shutil.copy(CHECKOUT / name, folder / name)
    (folder / "feature_repo" / "feature_store.yaml").write_text("password: secret\n")
    endpoints = folder / "serving" / "http" / "endpoints.py"
    assert MARK in endpoints.read_text()
    endpoints.write_text(endpoints.read_text().replace(MARK, '"service": "bento"'))
    built = subprocess.run(
        [sys.executable, "-m", "bentoml", "build", "--output", "tag"],
        cwd=folder,
        env={**os.environ, "BENTOML_HOME": str(bentoml_home), "BENTOML_DO_NOT_TRACK": "True"},
        check=True,
        capture_output=True,
        text=True,
    )
    return built.stdout.partition("__tag__:")[2].strip()


def copied_by_the_image():
    """The files and folders that `k8s/image/Containerfile` copies from the checkout."""
    containerfile = (CHECKOUT / "k8s" / "image" / "Containerfile").read_text()
    lines = re.findall(r"^COPY (?!--from)(.*) \S+$", containerfile, flags=re.MULTILINE)
    return {name for line in lines for name in line.split()}


def files_of(root, parts):
    """The files of some folders that both images contain."""
    return [
        path
        for part in parts
        for path in (root / part).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and path.name != "feature_store.yaml"
    ]


def test_a_bento_serves_away_from_the_checkout(shop, tmp_path):
    home = tmp_path / "bentoml"
    tag = build(tmp_path / "checkout", home)
    name, _, version = tag.partition(":")
    bento = home / "bentos" / name / version

    assert not [*bento.rglob("feature_store.yaml")]
    assert {path.name for path in (bento / "src").iterdir()} >= {*PARTS}
    assert not {"tests", "docs", "pipelines"} & {path.name for path in (bento / "src").iterdir()}
    described = yaml.safe_load((bento / "apis" / "openapi.yaml").read_text())
    assert described.keys() == document(ENDPOINTS).keys()
    assert described["paths"].keys() == document(ENDPOINTS)["paths"].keys()
    assert {path.relative_to(bento / "src") for path in files_of(bento / "src", PARTS)} == {
        path.relative_to(CHECKOUT) for path in files_of(CHECKOUT, {*PARTS} & copied_by_the_image())
    }
    locked = (bento / "env" / "python" / "requirements.txt").read_text()
    assert "--hash=sha256:" in locked
    assert "feast==" in locked
    with run_service(shop, target=tag, folder=tmp_path, BENTOML_HOME=str(home)) as service:
        assert service.http.get("/").json()["service"] == "bento"
        assert service.rank(service.items).json()["degraded"] == []


def test_no_image_contains_the_configuration_of_a_shop():
    for name in (".dockerignore", ".bentoignore"):
        assert "feature_store.yaml" in (CHECKOUT / name).read_text()
