"""Settings of the pods in a cluster, from `pipelines/kubeflow.toml` or a file of the same form."""

from pathlib import Path

import msgspec
from kfp import dsl

from feature_repo.home import SettingError, read_toml

DEFAULT_FILE = Path(__file__).parents[1] / "kubeflow.toml"


class HomeVolume(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The persistent volume claim of the home, and where pods see it."""

    claim: str = "aisle-home"
    mount: str = "/var/lib/aisle"


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A variable of every pod whose value is in a secret of the namespace."""

    secret: str
    key: str
    variable: str


class Toleration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A taint of nodes that pods tolerate, in the words of Kubernetes."""

    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None


class ClusterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every pod of a pipeline needs in a cluster.

    Attributes:
        image: of every step.
        pull_secrets: names of the secrets of its registry.
        home: mounted by the steps that take the home.
        env, labels, node_selector: by name.
    """

    image: str
    pull_secrets: tuple[str, ...] = ()
    home: HomeVolume = HomeVolume()
    env: dict[str, str] = {}
    labels: dict[str, str] = {}
    secrets: tuple[Secret, ...] = ()
    node_selector: dict[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()

    @classmethod
    def load(cls, path: Path | None = None) -> "ClusterSettings":
        """Read the settings of a file, by default of `pipelines/kubeflow.toml`.

        Raises:
            SettingError: the file is absent, is not TOML, or has other settings.
        """
        file = path or DEFAULT_FILE
        if not file.exists():
            raise SettingError(f"{file}: expected settings of a cluster, found no file.")
        try:
            return msgspec.convert(read_toml(file), cls)
        except msgspec.ValidationError as error:
            raise SettingError(
                f"{file}: {error}.  {DEFAULT_FILE.name} shows every setting."
            ) from None

    def configure(self, task: "dsl.PipelineTask", *, mounts_home: bool, minutes: int) -> None:
        """Apply the settings to the pod of a task, which a cluster ends after `minutes`."""
        from kfp import kubernetes

        if mounts_home:
            kubernetes.mount_pvc(task, pvc_name=self.home.claim, mount_path=self.home.mount)
        for name, value in sorted(self.env.items()):
            task.set_env_variable(name, value)
        for one in self.secrets:
            kubernetes.use_secret_as_env(task, one.secret, {one.key: one.variable})
        for name, value in sorted(self.labels.items()):
            kubernetes.add_pod_label(task, name, value)
        for name, value in sorted(self.node_selector.items()):
            kubernetes.add_node_selector(task, name, value)
        for taint in self.tolerations:
            kubernetes.add_toleration(task, **msgspec.structs.asdict(taint))
        if self.pull_secrets:
            kubernetes.set_image_pull_secrets(task, list(self.pull_secrets))
        kubernetes.set_timeout(task, 60 * minutes)
