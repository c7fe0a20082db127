"""Decide whether a ranker is published, and publish it or store it with the reason."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from feature_repo.events.contract import QUERY_KEY_VERSION
from feature_repo.home import CHECKOUT, ArtifactError, Home
from feature_repo.request_features import feature_columns
from feature_repo.shop import Shop
from feature_repo.views import RANKING_SERVICE
from training.artifacts import Manifest, publish_version, sha256
from training.evaluation.evaluate import EVALUATION, PAGE
from training.evaluation.model_card import CARD, CARD_JSON
from training.ranker import MODEL, TRAINING, Ranker

VERDICT = "verdict.json"


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


@dataclass(frozen=True)
class Verdict:
    """The decision of the gate on a trained ranker.

    Attributes:
        decision: what happens to it.
        reason: of the decision, in sentences.
        model: hash of the ranker that it is about.
    """

    decision: Literal["publish", "reject"]
    reason: str
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self)


def write_verdict(ranker: Path, evaluation: Path, verdict: Path, *, force: bool = False) -> Verdict:
    """Write the gate's decision and its reason to the folder `verdict`.

    Args:
        ranker: folder written by `training.ranker.ranker.train`.
        evaluation: folder written by `training.evaluation.evaluate.evaluate`.
        verdict: folder of `verdict.json`.
        force: publish the ranker although the gate rejects it.

    Raises:
        ArtifactError: ranker or evaluation is absent or damaged, or they do not belong together.
    """
    trained, model = _trained(ranker, evaluation)["verdict"], sha256(ranker / MODEL)
    reason = trained["reason"]
    if force and not trained["publish"]:
        reason = f"Published by --force, although the gate rejects it: {reason}"
    decided = Verdict("publish" if trained["publish"] or force else "reject", reason, model)
    verdict.mkdir(parents=True, exist_ok=True)
    (verdict / VERDICT).write_text(json.dumps(decided.to_dict(), indent=1) + "\n")
    return decided


def publish_ranker(
    home: Home, ranker: Path, evaluation: Path, verdict: Path, *, name: str
) -> Publication:
    """Publish a ranker under `name`, with its evaluation and the gate's verdict inside.

    Raises:
        ArtifactError: as `write_verdict`, or the gate rejected the ranker.
    """
    decided = _decided(ranker, verdict, "publish")
    version = _store(home, ranker, evaluation, verdict, name, decided)
    return Publication(version, decided.reason)


def reject_ranker(
    home: Home, ranker: Path, evaluation: Path, verdict: Path, *, name: str
) -> Publication:
    """Store a ranker that the gate rejected, without putting it in use.

    Raises:
        ArtifactError: as `write_verdict`, or the gate did not reject the ranker.
    """
    decided = _decided(ranker, verdict, "reject")
    version = _store(home, ranker, evaluation, verdict, name, decided)
    return Publication(None, decided.reason, version)


def _store(
    home: Home, ranker: Path, evaluation: Path, verdict: Path, name: str, decided: Verdict
) -> str:
    _trained(ranker, evaluation)
    with tempfile.TemporaryDirectory() as scratch:
        build = Path(shutil.copytree(ranker, Path(scratch) / "ranker"))
        for file in (EVALUATION, PAGE, CARD, CARD_JSON):
            shutil.copyfile(evaluation / file, build / file)
        shutil.copyfile(verdict / VERDICT, build / VERDICT)
        return publish_version(
            home,
            name,
            build,
            _manifest(Ranker.load(build), _read(evaluation / EVALUATION)),
            reason=decided.reason,
            use=decided.decision == "publish",
        )


def _trained(ranker: Path, evaluation: Path) -> dict[str, Any]:
    """Read how a ranker was trained, and check that the evaluation is of this ranker."""
    trained, measured = _read(ranker / TRAINING), _read(evaluation / EVALUATION)
    if measured["identity"]["model"] != sha256(ranker / MODEL):
        raise ArtifactError(f"{evaluation} is of another ranker than {ranker}; evaluate it again.")
    return trained


def _decided(ranker: Path, verdict: Path, decision: str) -> Verdict:
    decided = Verdict(**_read(verdict / VERDICT))
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
