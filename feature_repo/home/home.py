"""The folder of one shop's run-time state."""

from dataclasses import dataclass
from pathlib import Path

from feature_repo.home.identity import HomeIdentity, project_of

CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT_ROOT = CHECKOUT / ".aisle"


@dataclass(frozen=True)
class Home:
    """Paths of one home. A home belongs to one shop; reading a path creates nothing,
    but the identity."""

    root: Path

    @property
    def is_default(self) -> bool:
        """Whether this is the checkout's own home, with `feature_repo/` as Feast repository."""
        return self.root == DEFAULT_ROOT

    @property
    def shop_toml(self) -> Path:
        """Declaration of the shop's own fields."""
        return self.root / "shop.toml"

    @property
    def api_keys(self) -> Path:
        """Keys of the HTTP service, hashed."""
        return self.root / "api_keys.json"

    @property
    def clock(self) -> Path:
        """Offset of this home's clock to the system clock."""
        return self.root / "clock"

    @property
    def latest_instant(self) -> Path:
        """The newest instant that the log gave to an event or a seal."""
        return self.root / "clock.latest"

    @property
    def lock(self) -> Path:
        """Lock of work that must not run concurrently, such as a refresh."""
        return self.root / "lock"

    @property
    def publish_lock(self) -> Path:
        """Lock of publishing and removing artifacts, which takes a moment."""
        return self.root / "publish.lock"

    @property
    def training_lock(self) -> Path:
        """Lock of the datasets and of `build/`, for a whole training."""
        return self.root / "training.lock"

    @property
    def log(self) -> Path:
        """The event log."""
        return self.root / "log"

    @property
    def unapplied(self) -> Path:
        """Marks of the service's processes whose acknowledged events Redis lacks."""
        return self.root / "unapplied"

    @property
    def features(self) -> Path:
        """Feature rows: one folder of Parquet files per feature view; a link to a generation."""
        return self.root / "features"

    @property
    def feature_generations(self) -> Path:
        """The generations of feature rows: the current one, and one in progress."""
        return self.root / ".features"

    @property
    def datasets(self) -> Path:
        """Training datasets."""
        return self.root / "datasets"

    @property
    def looks(self) -> Path:
        """How often test rankings were looked at; see `training/evaluation/looks.py`."""
        return self.root / "looks.jsonl"

    @property
    def artifacts(self) -> Path:
        """Learned artifacts: <kind>/<name>/<version>/."""
        return self.root / "artifacts"

    @property
    def current(self) -> Path:
        """Links to the artifacts in use: <kind>/<name>."""
        return self.root / "current"

    @property
    def registry(self) -> Path:
        """The Feast registry, a SQLite database."""
        return self.root / "registry.db"

    @property
    def redis(self) -> Path:
        """Folder of the private Redis server: port, data and log."""
        return self.root / "redis"

    @property
    def monitoring(self) -> Path:
        """Folder of the last quality figures and of the last verification."""
        return self.root / "monitoring"

    @property
    def bentoml(self) -> Path:
        """BENTOML_HOME of servers of this home."""
        return self.root / "bentoml"

    @property
    def feast(self) -> Path:
        """The Feast repository of this home (see `feature_repo/definitions.py`)."""
        return CHECKOUT / "feature_repo" if self.is_default else self.root / "feast"

    @property
    def identity(self) -> HomeIdentity:
        """The home's identity, which its first use fixes.

        Raises:
            SettingError: the file is damaged, or cannot be written.
        """
        old_project = project_of(self.feast / "feature_store.yaml")
        return HomeIdentity.of(
            self.root / "identity.json",
            "" if self.is_default else self.root.name,
            old_project if self.registry.exists() else None,
        )

    @property
    def project(self) -> str:
        """Name of the Feast project; that of another home differs."""
        return self.identity.project
