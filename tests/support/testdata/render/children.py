"""Gateways whose children show something: pods, network, scaling, monitoring, names."""

from __future__ import annotations

from typing import Any, Final

from tests.support.rendering import plugin
from tests.support.testdata.render.case import RenderCase, case, cluster, with_set

__all__ = ["CASES"]

PROMETHEUS = plugin("dev.mcpg.observability.prometheus", "metrics_sink")
REDIS = plugin("dev.mcpg.cluster.redis", "cluster")
SET: Final = {"pluginSetRef": {"name": "base"}}
BOUND: Final = {"clusterRef": {"name": "redis"}, **SET}
TLS: Final = {"cert_path": "/tls/tls.crt", "key_path": "/tls/tls.key"}


def server(**more: Any) -> dict[str, Any]:
    return {"config": {"gateway": {"server": more}}}


def metrics(**config: Any) -> dict[str, Any]:
    return {"observability": {"metrics": {"enabled": True, "sinks": [{"kind": "prometheus", "config": config}]}}}


POLICY: Final = {"networkPolicy": {"enabled": True}}
MONITORED: Final = {"monitoring": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}}

POD_CASES: Final = (
    case("image_by_digest", "a digest stands behind `@`, and in no label", spec={
        "image": {"repository": "registry.example/gateway", "tag": "sha256:" + "ab" * 32, "pullPolicy": "Always"}}),
    case("image_with_a_tag", "a tag becomes the label of the version", spec={"image": {"tag": "v2.1.0"}}),
    case("image_with_a_long_tag", "a tag that is no label is cut there", spec={"image": {"tag": "_" + "v" * 120 + "."}}),
    case("image_of_blanks", "blank parts count as absent", spec={"image": {"repository": "", "tag": ""}}),
    case("resources_above_the_usual_limits", "a limit never falls below a request", spec={
        "resources": {"requests": {"cpu": 2, "memory": "4Gi", "nvidia.com/gpu": 1}}}),
    case("limits_below_the_usual_requests", "a request never rises above a limit", spec={
        "resources": {"limits": {"cpu": "100m", "memory": "128Mi"}}}),
    case("probes_changed", "every number of a probe is changed by itself", spec={"probes": {
        "liveness": {"path": "/alive", "periodSeconds": 60}, "readiness": {"successThreshold": 2},
        "startup": {"failureThreshold": 100}}}),
    case("probes_over_tls", "the listener's TLS and health path reach the probes", spec=server(tls=TLS, health_path="/ok")),
    case("probes_with_client_certificates", "where every client needs a certificate a kubelet only connects", spec=server(
        tls={**TLS, "client_ca_certs_path": "/tls/ca.crt", "client_cert_required": "mandatory"})),
    case("another_port", "ports, probes and variable follow the configuration; the Service has its own", spec={
        **server(bind_address="[::]:9000"), "service": {"port": 443, "type": "LoadBalancer",
        "annotations": {"example.org/kind": "internal"}}}),
    case("port_of_a_placeholder", "an address that is filled in later tells no port", spec=server(bind_address="${env.BIND}")),
    case("scheduling", "where the pods run is passed on", spec={"scheduling": {
        "nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}}}]}},
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"},
            {"maxSkew": 2, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
             "labelSelectorMatchLabels": {"tier": "edge"}}],
        "priorityClassName": "system-cluster-critical", "terminationGracePeriodSeconds": 0}}),
    case("labels_and_annotations", "the author's labels and annotations, without the operator's", spec={
        "podLabels": {"team": "a", "app.kubernetes.io/name": "other", "mcpg.dev/gateway": "other"},
        "podAnnotations": {"example.org/note": "${x} $(POD_NAME)", "mcpg.dev/plugin-set-hash": "0" * 64}}),
    case("pull_secrets", "pull secrets stand at the account and at the pod", spec={
        "imagePullSecrets": [{"name": "registry"}, {"name": "mirror.registry"}]}),
    case("identity_aws", "a role of AWS", spec={"workloadIdentity": {"aws": {"iamRoleArn": "arn:aws:iam::1:role/mcpg"}}}),
    case("identity_gcp", "an account of Google", spec={
        "workloadIdentity": {"gcp": {"googleServiceAccount": "mcpg@acme.iam.gserviceaccount.com"}}}),
    case("identity_azure", "an application of Azure needs a label on its pods", spec={
        "workloadIdentity": {"azure": {"clientId": "11111111-2222-3333-4444-555555555555"}}}),
    case("identity_spiffe", "SPIFFE needs a volume and a variable", spec={
        "workloadIdentity": {"spiffe": {"trustDomain": "acme.example", "svid": "spiffe://acme.example/gateway"}}}),
    case("identity_of_nobody", "an empty block names nobody", spec={"workloadIdentity": {}}),
)  # fmt: skip

NETWORK_CASES: Final = (
    case("ingress", "hosts, paths and certificates", spec={"ingress": {
        "ingressClassName": "nginx", "annotations": {"nginx.ingress.kubernetes.io/proxy-read-timeout": "3600"},
        "hosts": [{"host": "mcp.example.org", "paths": [{"path": "/mcp", "pathType": "Prefix"}, {"path": "/health", "pathType": "Exact"}]},
                  {"host": "*.example.org", "paths": [{"path": "/", "pathType": "ImplementationSpecific"}]}],
        "tls": [{"hosts": ["mcp.example.org"], "secretName": "mcp-tls"}]}}),
    case("network_policy", "only the listener is open, and DNS can be asked", spec=POLICY),
    case("network_policy_with_peers", "peers that the author adds", spec={"networkPolicy": {
        "enabled": True, "extraIngressFrom": [{"podSelector": {"matchLabels": {"app": "probe"}}}],
        "extraEgressTo": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}}),
    case("network_policy_with_admin_and_metrics", "further listeners, for those who need them", spec={**POLICY, "config": {
        **metrics(bind="0.0.0.0:9464"), "gateway": {"admin": {"enabled": True, "bind_address": "0.0.0.0:9999"}}}}),
    case("network_policy_with_loopback_admin", "an administrator's listener within the pod is nobody else's", spec={
        **POLICY, "config": {"gateway": {"admin": {"enabled": True, "bind_address": "127.0.0.1:9999"}}}}),
    case("network_policy_to_the_coordinator", "the coordinator's namespace can be reached", spec={**POLICY, **BOUND},
         **with_set(REDIS), **cluster()),
    case("network_policy_to_somewhere", "a coordinator outside the cluster has to be allowed by the author", spec={
        **POLICY, **BOUND}, **with_set(REDIS), **cluster(config={"url": "rediss://redis.example.org"})),
    case("network_policy_with_other_dns", "who answers DNS is the operator's to say", spec=POLICY,
         defaults={"dns": [{"ipBlock": {"cidr": "10.96.0.10/32"}}]}),
    case("service_port_of_the_metrics", "two ports of a Service never have one number", spec={
        "service": {"port": 9464}, "config": metrics(bind="0.0.0.0:9464")}),
)  # fmt: skip

SCALE_CASES: Final = (
    case("replicas", "a number of pods that share a coordinator", spec={**BOUND, "replicas": 5}, **with_set(REDIS), **cluster()),
    case("clamped", "more pods than the tenant allows", spec={**BOUND, "replicas": 5}, clamp=3, **with_set(REDIS), **cluster()),
    case("autoscaler", "an autoscaler with the usual metric decides", spec={
        **BOUND, "replicas": 4, "autoscaling": {"enabled": True, "minReplicas": 2}}, **with_set(REDIS), **cluster()),
    case("autoscaler_with_metrics", "the author's metrics are passed on", spec={
        **BOUND, "autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 9, "metrics": [
            {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "500Mi"}}},
            {"type": "External", "external": {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "30"}}}]}},
        **with_set(REDIS), **cluster()),
    case("autoscaler_switched_on", "the Deployment says no number, the autoscaler does", spec={
        **BOUND, "replicas": 2, "autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 6}},
        **with_set(REDIS), **cluster()),
    case("autoscaler_clamped", "an autoscaler within the tenant's cap", spec={
        **BOUND, "autoscaling": {"enabled": True, "minReplicas": 4, "maxReplicas": 9}}, clamp=3, **with_set(REDIS), **cluster()),
    case("autoscaler_without_coordinator", "pods that would share nothing are not scaled", spec={
        "autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 9}}, clamp=1),
    case("budget", "one pod stays unless the author says otherwise", spec={"podDisruptionBudget": {"enabled": True}}),
    case("budget_by_percentage", "a percentage is passed on", spec={
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": "25%"}}),
)  # fmt: skip

MONITORING_CASES: Final = (
    case("monitored", "Prometheus asks the listener, and calls people", spec={**MONITORED, **BOUND, "config": metrics()},
         monitoring=True, **with_set(REDIS, PROMETHEUS), **cluster()),
    case("monitored_at_a_port_of_its_own", "metrics with their own address and path, over plain HTTP", spec={
        **MONITORED, **SET, "config": {**metrics(bind="0.0.0.0:9464", path="/prom"), "gateway": {"server": {"tls": TLS}}}},
        monitoring=True, **with_set(PROMETHEUS)),
    case("monitored_over_tls", "a listener with TLS is asked over TLS, no longer than the interval", spec={
        "config": {**metrics(), "gateway": {"server": {"tls": TLS}}},
        "monitoring": {"serviceMonitor": {"enabled": True, "interval": "5s", "labels": {"release": "prometheus", "mcpg.dev/gateway": "x"}},
                       "prometheusRule": {"enabled": True, "severity": 'page "now"'}}}, monitoring=True),
    case("monitored_without_metrics", "a gateway that serves no metrics is monitored, with a hint", spec=MONITORED, monitoring=True),
    case("monitoring_unavailable", "without the Prometheus operator nothing of it is made", spec=MONITORED),
)  # fmt: skip

NAME_CASES: Final = (
    case("name_of_a_digit", "a name that begins with a digit gets a prefix, but for the revocation list", gateway="1shop",
         revocations="{}", bootable=False, spec={"podDisruptionBudget": {"enabled": True}}),
    case("name_with_dots", "a name that gives no Service is cut and hashed", gateway="shop.eu.example", spec=POLICY),
    case("name_of_253_characters", "so is the longest name", gateway=".".join(["s" * 62] * 4)[:253], revocations="{}",
         bootable=False, monitoring=True, spec={**MONITORED, **POLICY, "autoscaling": {"enabled": True}}),
)  # fmt: skip

CASES: Final[tuple[RenderCase, ...]] = (*POD_CASES, *NETWORK_CASES, *SCALE_CASES, *MONITORING_CASES, *NAME_CASES)
