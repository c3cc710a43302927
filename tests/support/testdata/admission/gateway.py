"""Cases of `MCPGGateway`."""

from __future__ import annotations

from typing import Any, Final

from tests.support.testdata.admission import gateway_around
from tests.support.testdata.admission.case import ABSENT, Case, accepted, named, null, refused
from tests.support.testdata.admission.gateway_base import BASE, KIND, PATHS, no, yes

__all__ = ["CASES"]

_SPREAD: Final = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}
_ONE: Final = "should be less than or equal to 1"
_MANY_LABELS: Final = {f"{'p' * 57}.{'q' * 195}/{number:063d}": "v" * 63 for number in range(128)}
_LABELS: Final = {"team": "shop"}
_PROBE: Final = {
    "path": "/ready", "initialDelaySeconds": 0, "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 1, "successThreshold": 1,
}  # fmt: skip
_FULL: Final[dict[str, Any]] = {
    "image": {"repository": "ghcr.io/acme/gateway", "tag": "1.2.3", "pullPolicy": "Always"},
    "replicas": 2,
    "config": {"mcp": {"any": [1, 2.5, None, True, "text"]}, "cluster": {"kind": "redis"}},
    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": 1, "memory": "1Gi"}},
    "service": {"type": "LoadBalancer", "port": 443, "annotations": _LABELS},
    "ingress": {
        "ingressClassName": "nginx",
        "hosts": [{"host": "*.example.com", "paths": PATHS}],
        "tls": [{"hosts": ["*.example.com"], "secretName": "shop-tls"}],
        "annotations": _LABELS,
    },
    "imagePullSecrets": [{"name": "pull"}],
    "workloadIdentity": {"aws": {"iamRoleArn": "arn:aws:iam::1:role/shop"}},
    "scheduling": {
        "nodeSelector": _LABELS,
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "topologySpreadConstraints": [{**_SPREAD, "labelSelectorMatchLabels": _LABELS}],
        "priorityClassName": "high",
        "terminationGracePeriodSeconds": 0,
    },
    "probes": {"liveness": _PROBE, "readiness": {**_PROBE, "successThreshold": 2}, "startup": _PROBE},
    "networkPolicy": {
        "enabled": True,
        "extraIngressFrom": [{"podSelector": {}}, {"namespaceSelector": {"matchLabels": _LABELS}, "podSelector": {}}],
        "extraEgressTo": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
    },
    "podDisruptionBudget": {"enabled": True, "minAvailable": "50%"},
    "autoscaling": {
        "enabled": True,
        "minReplicas": 2,
        "maxReplicas": 4,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu"}}, {"type": "Pods", "pods": {}}, {"type": "Object", "object": {}},
                    {"type": "External", "external": {}}],
    },
    "monitoring": {
        "serviceMonitor": {"enabled": True, "interval": "1m30s", "scrapeTimeout": "90s", "labels": _LABELS},
        "prometheusRule": {"enabled": True, "severity": "critical"},
    },
    "podAnnotations": {"example.com/Any-thing": "\u00e9"},
    "podLabels": {**_LABELS, "empty": ""},
    "pluginSetRef": {"name": "main"},
    "revocationListRef": {"name": "strict"},
    "clusterRef": {"name": "redis"},
    "acceptedRouteNamespaces": ["north", "south"],
}  # fmt: skip


def _name(title: str, name: str, *, why: str, schema: str | None) -> Case:
    return named(KIND, title, {}, name=name, why=why, schema=schema)


_IMAGE: Final = (
    yes("image that is empty", {"image": {"repository": "", "tag": ""}}, why="As if nothing were said; the operator's default counts."),
    yes("image at a port", {"image.repository": "localhost:5000/mcpg/gateway"}, why="The colon is of the registry."),
    yes("image by digest", {"image.tag": "sha256:" + "a" * 64}, why="It is joined with an at sign."),
    no("image with a tag in its repository", "image.repository", "ghcr.io/acme/gateway:1", why="There would be two.", schema="no image repository"),
    no("image with a digest in its repository", "image.repository", "ghcr.io/acme/gateway@sha256:" + "a" * 64, why="There would be two.",
        schema="no image repository"),
    no("image with a space", "image.repository", "ghcr.io/acme /gateway", why="No pod would start.", schema="no image repository"),
    no("image with a line break", "image.repository", "ghcr.io/acme/gateway\n", why="No pod would start.", schema="no image repository"),
    no("image of 513 characters", "image.repository", "a" * 513, why="Too long.", schema="Too long"),
    no("tag with a slash", "image.tag", "1/2", why="No tag.", schema="no image tag"),
    no("tag with half a digest", "image.tag", "sha256:abc", why="Neither.", schema="no image tag"),
    no("tag that is a number", "image.tag", 1, why="YAML reads 1.10 as a number, and loses the zero.", schema="must be of type string"),
    no("pull policy that is unknown", "image.pullPolicy", "Sometimes", why="No such policy.", schema="Unsupported value"),
)  # fmt: skip

_REPLICAS: Final = (
    no("no replicas", "replicas", 0, why="A gateway that nobody serves.", schema="should be greater than or equal to 1"),
    no("replicas below zero", "replicas", -1, why="No number of pods.", schema="should be greater than or equal to 1"),
    no("replicas beyond 32 bits", "replicas", 2**31, why="No Deployment takes it.", schema="should be less than or equal to"),
    no("replicas as text", "replicas", "2", why="Another type.", schema="must be of type integer"),
    no("replicas with a fraction", "replicas", 1.5, why="Another type.", schema="must be of type integer"),
    no("fewest replicas of none", "autoscaling.minReplicas", 0, why="No pod at all.", schema="should be greater than or equal to 1"),
    no("most replicas of none", "autoscaling.maxReplicas", 0, why="No pod at all.", schema="should be greater than or equal to 1"),
    no("fewest above most replicas", "autoscaling", {"minReplicas": 3, "maxReplicas": 2}, why="Contradictory.", schema="`minReplicas` is above"),
    yes("as many fewest as most replicas", {"autoscaling": {"minReplicas": 2, "maxReplicas": 2}}, why="Allowed, if pointless."),
    no("metric without its block", "autoscaling.metrics", [{"type": "Resource"}], why="Nothing to follow.", schema="block that `type` names",
        at="autoscaling.metrics[0]"),
    no("metric with another block", "autoscaling.metrics", [{"type": "Pods", "resource": {}}], why="Which one?",
        schema="block that `type` names", at="autoscaling.metrics[0]"),
    no("metric with two blocks", "autoscaling.metrics", [{"type": "Pods", "pods": {}, "resource": {}}], why="Which one?",
        schema="block that `type` names", at="autoscaling.metrics[0]"),
    no("metric of an unknown type", "autoscaling.metrics", [{"type": "Moon"}], why="No such metric.", schema="Unsupported value",
        at="autoscaling.metrics[0].type"),
    no("17 metrics", "autoscaling.metrics", [{"type": "Pods", "pods": {}}] * 17, why="Too many.", schema="Too many", at="autoscaling.metrics"),
    yes("budget by percentage", {"podDisruptionBudget": {"enabled": True, "minAvailable": "100%"}}, why="A share of the pods."),
    yes("budget by number", {"podDisruptionBudget": {"enabled": True, "maxUnavailable": 0}}, why="No pod may be missing."),
    no("budget with both thresholds", "podDisruptionBudget", {"minAvailable": 1, "maxUnavailable": 1}, why="Contradictory.",
        schema="`minAvailable` and `maxUnavailable` at once"),
    no("budget below zero", "podDisruptionBudget.minAvailable", -1, why="No number of pods.", schema="neither a number nor a percentage"),
    no("budget above all", "podDisruptionBudget.maxUnavailable", "101%", why="More than all pods.", schema="neither a number nor a percentage"),
    no("budget as a number in quotes", "podDisruptionBudget.minAvailable", "1", why="The API server takes percentages only as text.",
        schema="neither a number nor a percentage"),
    no("budget as a truth value", "podDisruptionBudget.minAvailable", True, why="Another type.", schema="must be of type"),
    no("budget as a list", "podDisruptionBudget.minAvailable", [1], why="Another type.", schema="must be of type"),
)  # fmt: skip

_RESOURCES: Final = (
    yes("quantities as numbers and as text", {"resources": {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"cpu": "1500m"}}},
         why="As pods have them."),
    yes("request at its limit", {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1024Mi"}}}, why="The same in other words."),
    yes("quantity with an exponent", {"resources.limits": {"memory": "1e3", "cpu": ".5"}}, why="Odd, and allowed."),
    no("request above its limit", "resources", {"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}}, why="No pod would start.",
        schema="a request is above its limit"),
    no("request above its limit in other words", "resources", {"requests": {"memory": "1100M"}, "limits": {"memory": "1Gi"}},
        why="Thousands on one side, 1024s on the other.", schema="a request is above its limit"),
    no("quantity that is a word", "resources.requests", {"cpu": "much"}, why="No quantity.", schema="no quantity", at="resources.requests.cpu"),
    no("quantity below zero", "resources.requests", {"cpu": "-1"}, why="No quantity of a pod.", schema="no quantity", at="resources.requests.cpu"),
    no("number below zero", "resources.limits", {"cpu": -1}, why="No quantity of a pod.", schema="no quantity", at="resources.limits.cpu"),
    no("quantity in an unknown unit", "resources.requests", {"memory": "1GB"}, why="It would be `1G` or `1Gi`.", schema="no quantity",
        at="resources.requests.memory"),
    no("quantity with a fraction as a number", "resources.requests", {"cpu": 0.5}, why="YAML's fractions are not exact; quote it.",
        schema="must be of type", at="resources.requests.cpu"),
    no("quantity of 65 characters", "resources.requests", {"cpu": "0" * 64 + "1"}, why="Too long.", schema="Too long", at="resources.requests.cpu"),
    no("resource with a space", "resources.requests", {"c p u": 1}, why="No resource is called so.", schema="no resource name", at="resources.requests"),
    no("33 resources", "resources.limits", {f"example.com/r{number}": 1 for number in range(33)}, why="Too many.", schema="Too many"),
)  # fmt: skip

_PODS: Final = (
    no("two providers of an identity", "workloadIdentity", {"aws": {"iamRoleArn": "arn:aws:iam::1:role/x"}, "azure": {"clientId": "x"}},
        why="One ServiceAccount is one identity.", schema="more than one provider of an identity"),
    yes("no provider of an identity", {"workloadIdentity": {}}, why="Nothing is asked for; admission warns."),
    yes("identity by spiffe", {"workloadIdentity": {"spiffe": {"trustDomain": "example.org", "svid": "spiffe://example.org/mcpg"}}}, why="One provider."),
    no("identity without a role", "workloadIdentity.aws", {}, why="Nobody.", schema="iamRoleArn: Required", at="workloadIdentity.aws.iamRoleArn"),
    no("blank identity", "workloadIdentity.gcp", {"googleServiceAccount": " "}, why="Nobody.", schema="the field is blank",
        at="workloadIdentity.gcp.googleServiceAccount"),
    no("node label with a space", "scheduling.nodeSelector", {"a b": "c"}, why="No node has it.", schema="no label key"),
    no("node label with a long prefix", "scheduling.nodeSelector", {"a" * 254 + "/b": "c"}, why="No node has it.",
        schema="at most 253 characters before the slash"),
    no("label value with a space", "scheduling.nodeSelector", {"a": "b c"}, why="No node has it.", schema="no label value", at="scheduling.nodeSelector.a"),
    no("label value of 64 characters", "podLabels", {"a": "b" * 64}, why="The API server would refuse the pod.", schema="Too long", at="podLabels.a"),
    yes("labels at their bounds", {"podLabels": _MANY_LABELS}, why="The costliest comparison that the schema allows."),
    no("129 labels", "podLabels", {f"l{number}": "" for number in range(129)}, why="Too many.", schema="Too many"),
    yes("scheduling with everything", {
        "scheduling": {
            "nodeSelector": {"kubernetes.io/arch": "amd64", "empty": ""}, "tolerations": [{"key": "a", "operator": "Exists", "any": [1]}],
            "affinity": {"nodeAffinity": {"any": 1}}, "topologySpreadConstraints": [{**_SPREAD, "labelSelectorMatchLabels": {"a": "b"}}],
            "priorityClassName": "high", "terminationGracePeriodSeconds": 0,
        },
    }, why="All that can be there."),
    no("toleration as text", "scheduling.tolerations", ["a=b:NoSchedule"], why="Another type.", schema="must be of type object",
        at="scheduling.tolerations[0]"),
    no("affinity as a list", "scheduling.affinity", [], why="Another type.", schema="must be of type object"),
    no("spread without a label", "scheduling.topologySpreadConstraints", [{**_SPREAD, "topologyKey": ""}], why="Over what?", schema="no label key",
        at="scheduling.topologySpreadConstraints[0].topologyKey"),
    no("spread by nothing", "scheduling.topologySpreadConstraints", [{**_SPREAD, "maxSkew": 0}], why="Two domains could never be equal.",
        schema="should be greater than or equal to 1", at="scheduling.topologySpreadConstraints[0].maxSkew"),
    no("spread with an unknown word", "scheduling.topologySpreadConstraints", [{**_SPREAD, "whenUnsatisfiable": "Panic"}], why="No such word.",
        schema="Unsupported value", at="scheduling.topologySpreadConstraints[0].whenUnsatisfiable"),
    no("spread twice over one label", "scheduling.topologySpreadConstraints", [_SPREAD, {**_SPREAD, "maxSkew": 2}], why="Which one?",
        schema="two constraints are about the same label"),
    no("grace below zero", "scheduling.terminationGracePeriodSeconds", -1, why="No time.", schema="should be greater than or equal to 0"),
    yes("probes with everything", {
        "probes": {
            "readiness": {"path": "/ready", "initialDelaySeconds": 0, "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 1, "successThreshold": 2},
            "liveness": {"successThreshold": 1}, "startup": {"failureThreshold": 60},
        },
    }, why="All that can be there."),
    no("liveness after two answers", "probes.liveness.successThreshold", 2, why="Kubernetes allows one only.", schema=_ONE),
    no("startup after two answers", "probes.startup.successThreshold", 2, why="Kubernetes allows one only.", schema=_ONE),
    no("probe without a pause", "probes.readiness.periodSeconds", 0, why="No pause.", schema="should be greater than or equal to 1"),
    no("probe without time", "probes.readiness.timeoutSeconds", 0, why="No answer could come.", schema="should be greater than or equal to 1"),
    no("probe of a path without a slash", "probes.readiness.path", "ready", why="No path.", schema="no path"),
    no("pull secret twice", "imagePullSecrets", [{"name": "a"}, {"name": "a"}], why="A slip that hides another one.", schema="a Secret is named twice"),
    no("blank pull secret", "imagePullSecrets", [{"name": " "}], why="No such Secret.", schema="no name that an object", at="imagePullSecrets[0].name"),
    no("pull secret as text", "imagePullSecrets", ["a"], why="Another type.", schema="must be of type object", at="imagePullSecrets[0]"),
)  # fmt: skip

_REFERENCES: Final = (
    yes("references of all kinds", {
        "pluginSetRef": {"name": "main"}, "revocationListRef": {"name": "strict"}, "clusterRef": {"name": "redis"},
        "acceptedRouteNamespaces": ["north", "south"],
    }, why="All that can be there."),
    no("blank set", "pluginSetRef", {"name": " "}, why="No such set.", schema="no name that an object", at="pluginSetRef.name"),
    no("set in a namespace", "pluginSetRef", {"name": "a", "namespace": "b"}, why="Never from another namespace.", schema="unknown field",
        at="pluginSetRef.namespace"),
    no("blank list", "revocationListRef", {"name": ""}, why="No such list.", schema="no name that an object", at="revocationListRef.name"),
    no("blank cluster", "clusterRef", {"name": ""}, why="No such cluster.", schema="no name that an object", at="clusterRef.name"),
    no("cluster without a name", "clusterRef", {}, why="Which one?", schema="name: Required", at="clusterRef.name"),
    no("namespace that is a star", "acceptedRouteNamespaces", ["*"], why="Exact names only.", schema="no DNS label", at="acceptedRouteNamespaces[0]"),
    no("namespace with a dot", "acceptedRouteNamespaces", ["a.b"], why="No namespace is called so.", schema="no DNS label",
        at="acceptedRouteNamespaces[0]"),
    no("namespace of 64 characters", "acceptedRouteNamespaces", ["a" * 64], why="No namespace is called so.", schema="Too long",
        at="acceptedRouteNamespaces[0]"),
    no("namespace twice", "acceptedRouteNamespaces", ["a", "b", "a"], why="A slip that hides another one.", schema="a namespace is named twice"),
    yes("256 namespaces", {"acceptedRouteNamespaces": [f"{number:063d}" for number in range(256)]}, why="As many as can be."),
    no("257 namespaces", "acceptedRouteNamespaces", [f"n{number}" for number in range(257)], why="Too many.", schema="Too many"),
)  # fmt: skip

_WHOLE: Final = (
    accepted(KIND, "smallest", {}, why="Everything has a default."),
    accepted(KIND, "every field", _FULL, why="All that can be there but for what excludes it."),
    refused(KIND, "no spec", ABSENT, why="Not even an empty one.", schema="spec: Required", field=""),
    refused(KIND, "spec as a list", [], why="Another type.", schema="must be of type object", field=""),
    no("field that is misspelt", "replica", 3, why="One pod would run.", schema='unknown field "spec.replica"'),
    no("field of the managed service", "cloud", {"slug": "x"}, why="No such field here.", schema='unknown field "spec.cloud"'),
    _name("name of 63 characters", "a" + "b" * 62, why="The longest name of a Service.", schema=None),
    _name("name of 64 characters", "a" + "b" * 63, why="No Service could be called so.", schema="the name gives no Service name"),
    _name("name of 58 characters after a digit", "1" + "b" * 57, why="The Service's name gets a letter in front.", schema=None),
    _name("name of 59 characters after a digit", "1" + "b" * 58, why="No Service could be called so.", schema="the name gives no Service name"),
    _name("name with a dot", "shop.north", why="No Service could be called so.", schema="the name gives no Service name"),
    null(KIND, BASE, "replicas", apply=None),
    null(KIND, BASE, "clusterRef", apply='must be of type object: "null"'),
    null(KIND, BASE, "config", apply='must be of type object: "null"'),
)  # fmt: skip

CASES: Final = (*_WHOLE, *_IMAGE, *_REPLICAS, *_RESOURCES, *_PODS, *_REFERENCES, *gateway_around.CASES)
