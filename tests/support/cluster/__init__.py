"""A real Kubernetes on loopback: etcd, kube-apiserver and kube-controller-manager, built from `tools/`, with RBAC on and no nodes.

    with RunningCluster.running(directory, definitions=definitions()) as cluster:
        cluster.api.apply(rights())
        print(cluster.kubectl("get", "namespaces"))

Its certificates, keys and tokens are made for one run and open nothing else.
"""

from tests.support.cluster.api import MANAGER, Api, ApiError, Manifests
from tests.support.cluster.control_plane import PROGRAMS
from tests.support.cluster.manifests import NAMESPACE, OPERATOR, definitions, rights
from tests.support.cluster.running import SERVICE_ACCOUNT, RunningCluster, wait_until

__all__ = [
    "MANAGER",
    "NAMESPACE",
    "OPERATOR",
    "PROGRAMS",
    "SERVICE_ACCOUNT",
    "Api",
    "ApiError",
    "Manifests",
    "RunningCluster",
    "definitions",
    "rights",
    "wait_until",
]
