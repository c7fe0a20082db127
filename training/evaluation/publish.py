"""Publish a ranker as the gate decided, or store it with the verdict."""

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
from training.gate import (
    PUBLISH,
    REJECT,
    VERDICT,
    VERDICT_PAGE,
    Verdict,
    listed,
    unserved_columns,
)
from training.ranker import HELD_OUT, MODEL, Ranker


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
    home: Home, ranker: Path, evaluation: Path, verdict: Path, *, name: str, run: str = ""
) -> Publication:
    """Publish a ranker under `name`, with its evaluation and the gate's verdict inside.

    The history names the pipeline run, if there is one; the ranker's bytes do not depend on it.

    Raises:
        ArtifactError: ranker, evaluation or verdict is damaged or of another ranker, or the gate
            rejected it.
    """
    decided = _decided(ranker, verdict, PUBLISH)
    version = _store(home, ranker, evaluation, verdict, name, decided, run)
    return Publication(version, decided.reason)


def reject_ranker(
    home: Home, ranker: Path, evaluation: Path, verdict: Path, *, name: str, run: str = ""
) -> Publication:
    """Store a ranker that the gate rejected, without putting it in use.

    Raises:
        ArtifactError: as `publish_ranker`, or the gate did not reject the ranker.
    """
    decided = _decided(ranker, verdict, REJECT)
    version = _store(home, ranker, evaluation, verdict, name, decided, run)
    return Publication(None, decided.reason, version)


def _store(
    home: Home,
    ranker: Path,
    evaluation: Path,
    verdict: Path,
    name: str,
    decided: Verdict,
    run: str,
) -> str:
    _check_evaluation(ranker, evaluation)
    with tempfile.TemporaryDirectory() as scratch:
        unpublished = shutil.ignore_patterns(HELD_OUT)
        build = Path(shutil.copytree(ranker, Path(scratch) / "ranker", ignore=unpublished))
        for file in (EVALUATION, PAGE, CARD, CARD_JSON):
            shutil.copyfile(evaluation / file, build / file)
        for file in (VERDICT, VERDICT_PAGE):
            shutil.copyfile(verdict / file, build / file)
        return publish_version(
            home,
            name,
            build,
            _manifest(Ranker.load(build), _read(evaluation / EVALUATION)),
            reason=decided.reason,
            use=decided.decision == PUBLISH,
            run=run,
        )


def _check_evaluation(ranker: Path, evaluation: Path) -> None:
    """Check that an evaluation is of this ranker."""
    if _read(evaluation / EVALUATION)["identity"]["model"] != sha256(ranker / MODEL):
        raise ArtifactError(f"{evaluation} is of another ranker than {ranker}; evaluate it again.")


def _decided(ranker: Path, verdict: Path, decision: str) -> Verdict:
    decided = Verdict.load(verdict)
    if decided.model != sha256(ranker / MODEL):
        raise ArtifactError(f"{verdict} is of another ranker than {ranker}; check the gate again.")
    if decided.decision != decision:
        raise ArtifactError(
            f"Expected a ranker to {decision}, found one that the gate decided to "
            f"{decided.decision}: {decided.reason}"
        )
    return decided


def check_served(home: Home, manifest: Manifest) -> None:
    """Check that the shop's features have every column of a ranker.

    Raises:
        ArtifactError: lists the columns that they lack.
    """
    service = manifest.feature_service.get("name", RANKING_SERVICE)
    served = feature_columns(Shop.load(home.shop_toml), service)
    lacking = unserved_columns(manifest.columns, served)
    if lacking:
        raise ArtifactError(
            f"Ranker {manifest.name!r} reads {len(lacking)} columns that the features of this home "
            f"lack: {listed(lacking)}.  Declare them "
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
        "feature_service": {"name": ranker.feature_service, "columns_sha256": digest},
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
