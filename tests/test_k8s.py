"""The rendered manifests are valid, and every reference in them resolves."""

import re
import shutil
import subprocess
from collections import defaultdict

import kubernetes_validate
import pytest
import yaml

from feature_repo.home import CHECKOUT, Settings
from pipelines.kubeflow.cluster import ClusterSettings

CLUSTER = ClusterSettings.load()

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl renders the manifests and is not installed"
)


class Manifests:
    """Rendered objects by kind, and the templates of their pods."""

    def __init__(self, folder):
        command = ["kubectl", "kustomize", str(CHECKOUT / "k8s" / folder)]
        rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.objects = list(yaml.safe_load_all(rendered))
        self.by_kind = defaultdict(dict)
        for one in self.objects:
            self.by_kind[one["kind"]][one["metadata"]["name"]] = one
        self.templates = {
            one["metadata"]["name"]: template
            for one in self.objects
            if (template := pod_template(one)) is not None
        }

    def selected(self, labels):
        """Return the pod templates that the labels of a selector match."""
        return [
            template
            for template in self.templates.values()
            if labels.items() <= template["metadata"]["labels"].items()
        ]

    def has_peer(self, peer):
        """Whether the peer of a network policy is one of the pods."""
        return bool(self.selected(peer["podSelector"]["matchLabels"]))

    def containers(self):
        """Yield each container with the spec of its pod."""
        for template in self.templates.values():
            for container in template["spec"]["containers"]:
                yield template["spec"], container


def pod_template(kubernetes_object):
    spec = kubernetes_object.get("spec", {})
    return spec.get("jobTemplate", {}).get("spec", spec).get("template")


def ports(template):
    return {p["name"] for c in template["spec"]["containers"] for p in c.get("ports", [])}


@pytest.fixture(scope="module", params=["base", "overlays/kind"])
def manifests(request):
    return Manifests(request.param)


def test_every_object_is_valid(manifests):
    for one in manifests.objects:
        assert kubernetes_validate.validate(one, "1.37", strict=True) == "1.37"


def test_the_validation_rejects_an_unknown_field(manifests):
    service = manifests.by_kind["Service"]["redis"]
    wrong = {**service, "spec": {**service["spec"], "selectors": {}}}

    with pytest.raises(kubernetes_validate.ValidationError, match="selectors"):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def test_every_part_is_rendered(manifests):
    assert manifests.by_kind["StatefulSet"].keys() == {"redis"}
    assert manifests.by_kind["Deployment"].keys() == {"serving"}
    assert manifests.by_kind["CronJob"].keys() == {"materialize"}


def test_a_service_selects_one_pod_with_its_ports(manifests):
    for service in manifests.by_kind["Service"].values():
        (template,) = manifests.selected(service["spec"]["selector"])

        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports(template)


def test_a_workload_selects_its_own_pods(manifests):
    for kind in ("Deployment", "StatefulSet"):
        for workload in manifests.by_kind[kind].values():
            labels = workload["spec"]["selector"]["matchLabels"]

            assert manifests.selected(labels) == [workload["spec"]["template"]]


def test_the_autoscaler_has_a_target_and_alone_sets_replicas(manifests):
    for scaler in manifests.by_kind["HorizontalPodAutoscaler"].values():
        target = scaler["spec"]["scaleTargetRef"]
        scaled = manifests.by_kind[target["kind"]][target["name"]]

        assert scaled["apiVersion"] == target["apiVersion"]
        assert "replicas" not in scaled["spec"]


def test_a_disruption_budget_protects_pods(manifests):
    for budget in manifests.by_kind["PodDisruptionBudget"].values():
        assert manifests.selected(budget["spec"]["selector"]["matchLabels"])


def test_a_network_policy_applies_to_pods_admits_pods_and_names_their_ports(manifests):
    for policy in manifests.by_kind["NetworkPolicy"].values():
        subjects = manifests.selected(policy["spec"]["podSelector"]["matchLabels"])
        assert subjects

        for rule in policy["spec"].get("ingress", []):
            assert {port["port"] for port in rule["ports"]} <= ports(subjects[0])
            assert all(map(manifests.has_peer, rule.get("from", [])))
        for rule in policy["spec"].get("egress", []):
            assert all(map(manifests.has_peer, rule.get("to", [])))


def test_a_probe_uses_a_named_port_of_its_container(manifests):
    for _, container in manifests.containers():
        named = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            action = container.get(probe, {})
            for way in ("httpGet", "tcpSocket"):
                assert way not in action or action[way]["port"] in named


def test_every_server_is_probed(manifests):
    for _, container in manifests.containers():
        if container.get("ports"):
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()


def test_every_reference_of_a_pod_exists(manifests):
    for spec, container in manifests.containers():
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        claimed = {
            template["metadata"]["name"]
            for workload in manifests.by_kind["StatefulSet"].values()
            for template in workload["spec"]["volumeClaimTemplates"]
        }
        maps = {v["configMap"]["name"] for v in volumes.values() if "configMap" in v}
        maps |= {source["configMapRef"]["name"] for source in container.get("envFrom", [])}
        claims = {
            v["persistentVolumeClaim"]["claimName"]
            for v in volumes.values()
            if "persistentVolumeClaim" in v
        }

        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes.keys() | claimed
        assert maps <= manifests.by_kind["ConfigMap"].keys()
        assert claims <= manifests.by_kind["PersistentVolumeClaim"].keys()
        assert spec["serviceAccountName"] in manifests.by_kind["ServiceAccount"]


def test_containers_have_least_privileges(manifests):
    for spec, container in manifests.containers():
        context = container["securityContext"]

        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        assert spec["automountServiceAccountToken"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]


def test_a_rolling_restart_drains_before_it_stops(manifests):
    deployment = manifests.by_kind["Deployment"]["serving"]["spec"]
    spec = deployment["template"]["spec"]
    (_, seconds) = spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]

    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert 0 < int(seconds) < spec["terminationGracePeriodSeconds"]


def test_pods_of_the_home_stay_on_one_node(manifests):
    mounted = {"aisle/home": "mounted"}
    for template in manifests.templates.values():
        uses_home = any(
            volume.get("persistentVolumeClaim", {}).get("claimName") == CLUSTER.home.claim
            for volume in template["spec"].get("volumes", [])
        )
        if uses_home:
            affinity = template["spec"]["affinity"]["podAffinity"]
            (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]

            assert template in manifests.selected(mounted)
            assert term["labelSelector"]["matchLabels"] == mounted


def test_the_config_map_has_valid_settings(manifests):
    (name,) = (name for name in manifests.by_kind["ConfigMap"] if name.startswith("settings"))
    settings = Settings.from_environment(manifests.by_kind["ConfigMap"][name]["data"])
    host, port = re.fullmatch(r"redis://(\w+):(\d+)/0", settings.redis_url).groups()

    assert str(settings.home.root) == CLUSTER.home.mount
    assert int(port) in {p["port"] for p in manifests.by_kind["Service"][host]["spec"]["ports"]}


def test_pods_run_the_image_of_the_pipeline_and_mount_its_home(manifests):
    containers = [c for _, c in manifests.containers() if c["name"] in ("serving", "materialize")]

    assert [container["image"] for container in containers] == [CLUSTER.image, CLUSTER.image]
    for container in containers:
        assert CLUSTER.home.mount in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_pods_run_as_the_user_of_the_image(manifests):
    containerfile = (CHECKOUT / "k8s" / "image" / "Containerfile").read_text()
    (user,) = re.findall(r"^USER (\d+)$", containerfile, flags=re.MULTILINE)

    for name in ("serving", "materialize"):
        context = manifests.templates[name]["spec"]["securityContext"]
        assert (context["runAsUser"], context["fsGroup"]) == (int(user), int(user))
