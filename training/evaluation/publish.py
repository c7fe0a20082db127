"""Publish the ranker if the gate allows it, or if the caller insists."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from feature_repo.events.contract import QUERY_KEY_VERSION
from feature_repo.home import CHECKOUT, ArtifactError, Home
from feature_repo.request_features import feature_columns
from feature_repo.shop import Shop
from feature_repo.views import RANKING_SERVICE
from training.artifacts import Manifest, publish_version, sha256
from training.evaluation.evaluate import EVALUATION, PAGE
from training.evaluation.model_card import CARD, CARD_JSON
from training.ranker import MODEL, TRAINING, Ranker


@dataclass(frozen=True)
class Publication:
    """The published version.

    Attributes:
        ranker: its version, or None where the gate rejected it.
        reason: the decision of the gate, in a sentence.
        rejected: the version of a ranker that the gate rejected; it is stored and not in use.
    """

    ranker: str | None
    reason: str
    rejected: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self)


def publish_ranker(
    home: Home, ranker: Path, evaluation: Path, *, name: str, force: bool = False
) -> Publication:
    """Publish the build folder `ranker` under `name`, with its evaluation inside.

    A ranker that the gate rejects is stored with its evaluation, and not put in use.

    Args:
        home: where it is published.
        ranker: folder written by `training.ranker.ranker.train`.
        evaluation: folder written by `training.evaluation.evaluate.evaluate`.
        name: of the model, as in `/rank/{model}`.
        force: publish it although the gate rejects it.

    Raises:
        ArtifactError: ranker or evaluation is absent or damaged, or they do not belong together.
    """
    trained, measured = _read(ranker / TRAINING), _read(evaluation / EVALUATION)
    if measured["identity"]["model"] != sha256(ranker / MODEL):
        raise ArtifactError(f"{evaluation} is of another ranker than {ranker}; evaluate it again.")
    verdict = trained["verdict"]
    reason, use = verdict["reason"], verdict["publish"] or force
    if force and not verdict["publish"]:
        reason = f"Published by --force, although the gate rejects it: {reason}"
    with tempfile.TemporaryDirectory() as scratch:
        build = Path(shutil.copytree(ranker, Path(scratch) / "ranker"))
        for file in (EVALUATION, PAGE, CARD, CARD_JSON):
            shutil.copyfile(evaluation / file, build / file)
        extra = _manifest(Ranker.load(build), measured)
        version = publish_version(home, name, build, extra, reason=reason, use=use)
    return Publication(version, reason) if use else Publication(None, reason, version)


def check_served(home: Home, manifest: Manifest) -> None:
    """Check that the shop's features have every column of a ranker.

    Raises:
        ArtifactError: lists the columns that they lack.
    """
    served = feature_columns(Shop.load(home.shop_toml))
    lacking = [name for name in manifest.columns if name not in {*served}]
    if lacking:
        raise ArtifactError(
            f"Ranker {manifest.name!r} reads {len(lacking)} columns that the features of this home "
            f"lack: {', '.join(lacking[:10])}{', …' if len(lacking) > 10 else ''}.  Declare them "
            "again in shop.toml, or train a ranker on the present features."
        )
    if manifest.query_key_version not in (None, QUERY_KEY_VERSION):
        raise ArtifactError(
            f"Ranker {manifest.name!r}: expected query keys of version {QUERY_KEY_VERSION}, found "
            f"{manifest.query_key_version}; train a ranker again."
        )


def _manifest(ranker: Ranker, evaluation: Mapping[str, Any]) -> dict[str, Any]:
    digest = hashlib.sha256("\n".join(ranker.columns).encode()).hexdigest()
    return {
        "columns": ranker.columns,
        "feature_service": {"name": RANKING_SERVICE, "columns_sha256": digest},
        "query_key_version": QUERY_KEY_VERSION,
        "parents": {
            "dataset_sha256": evaluation["identity"]["dataset"],
            "code_sha256": _code(),
            **evaluation["data"].get("origin", {}),
        },
        "metrics": {"test": evaluation["test"]},
    }


def _code() -> str:
    """Hash the code that computes features, which must not change while a model uses it."""
    sources = sorted(
        [*(CHECKOUT / "feature_repo").rglob("*.py"), *(CHECKOUT / "feature_repo").rglob("*.sql")]
    )
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.relative_to(CHECKOUT).as_posix().encode() + source.read_bytes())
    return digest.hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        table: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: expected a file written by training: {error}.") from None
    return table
