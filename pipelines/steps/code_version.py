"""The version of the code, as a hash of its files."""

import functools
import hashlib

from feature_repo.home import CHECKOUT

_PACKAGES = ("feature_repo", "training", "pipelines")


@functools.cache
def code_version() -> str:
    """Return a hash of everything that computes features, learns and runs the steps."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted((CHECKOUT / package).rglob("*")):
            if path.suffix in (".py", ".sql", ".lua", ".toml"):
                digest.update(path.relative_to(CHECKOUT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
