"""The rights that are shipped: enough for the operator, and not a Secret more."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import LEASE, NAMESPACE, ROLE_BINDING, SECRET
from tests.support import cluster as system
from tests.support.cluster import OPERATOR, Api, ApiError, RunningCluster

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = system.NAMESPACE
TENANT_ROLE = "mcpg-operator-tenant-secrets"
CHILD = "get list watch create patch delete"
GIVEN = {
    "mcpg.dev mcpgplugins": "get list watch patch",
    "mcpg.dev mcpgplugins/status": "get update patch",
    "mcpg.dev mcpgpluginmirrors": "get list watch patch",
    "mcpg.dev mcpgrevocationlists": "get list watch create patch",
    "mcpg.dev mcpgpluginsets": "get list watch patch",
    "mcpg.dev mcpgpluginsets/finalizers": "update",
    "mcpg.dev mcpggateways": "get list watch",
    "mcpg.dev mcpggateways/status": "get update patch",
    "mcpg.dev mcpggateways/finalizers": "update",
    "mcpg.dev mcpgclusters": "get list watch",
    "mcpg.dev mcpgclusters/status": "get update patch",
    "mcpg.dev mcpgroutes": "get list watch",
    "mcpg.dev mcpgroutes/status": "get update patch",
    "mcpg.dev mcpgtenants": "get list watch",
    "mcpg.dev mcpgtenants/status": "get update patch",
    " configmaps": "get list watch create patch delete",
    " services": CHILD,
    " serviceaccounts": CHILD,
    " namespaces": "get list watch patch",
    " resourcequotas": "get list watch create patch delete",
    " pods": "get list",
    "apps deployments": "get list watch create update patch delete",
    "autoscaling horizontalpodautoscalers": CHILD,
    "policy poddisruptionbudgets": CHILD,
    "networking.k8s.io ingresses": CHILD,
    "networking.k8s.io networkpolicies": CHILD,
    "monitoring.coreos.com servicemonitors": CHILD,
    "monitoring.coreos.com prometheusrules": CHILD,
    "apps replicasets": "get list",
    " events": "create patch",
    "events.k8s.io events": "create patch",
    "apiextensions.k8s.io customresourcedefinitions": "get list",
    "rbac.authorization.k8s.io rolebindings": "get list watch create patch delete",
    "rbac.authorization.k8s.io clusterroles": "",
    "admissionregistration.k8s.io validatingwebhookconfigurations": "",
    "coordination.k8s.io leases": "",
    " secrets": "",
    " pods/exec": "",
    " serviceaccounts/token": "",
}
"""Verbs by group and resource, in any namespace."""
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "bind", "escalate")


@pytest.fixture(scope="module")
def operator(cluster: RunningCluster) -> Iterator[Api]:
    with closing(cluster.client(token=cluster.token(OWN, OPERATOR))) as api:
        yield api


@pytest.fixture(scope="module")
def tenant(cluster: RunningCluster) -> Iterator[str]:
    yield cluster.namespace("rights-tenant")
    cluster.api.delete(NAMESPACE, "rights-tenant")


def may(cluster: RunningCluster, verb: str, what: str, *, namespace: str = "", name: str = "") -> bool:
    group, resource = what.split(" ")
    resource, _, part = resource.partition("/")
    asked = {"verb": verb, "group": group, "resource": resource, "subresource": part, "namespace": namespace, "name": name}
    spec = {"user": f"system:serviceaccount:{OWN}:{OPERATOR}", "resourceAttributes": asked}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return cluster.api.request("POST", path, body=body)["status"]["allowed"] is True


def binding(namespace: str, role: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": role, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": OPERATOR, "namespace": OWN}],
    }


def secret(namespace: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a-copy", "namespace": namespace}, "type": "Opaque"}


@pytest.mark.parametrize("what", GIVEN)
def test_the_operator_may_do_this_and_no_more_in_any_namespace(cluster: RunningCluster, what: str) -> None:
    assert [verb for verb in VERBS if may(cluster, verb, what)] == [verb for verb in VERBS if verb in GIVEN[what].split()]


def test_in_its_own_namespace_it_has_secrets_and_its_lease_besides(cluster: RunningCluster) -> None:
    allowed = {
        what: [verb for verb in VERBS if may(cluster, verb, what, namespace=OWN)]
        for what in (" secrets", "coordination.k8s.io leases", " serviceaccounts/token")
    }
    assert allowed == {
        " secrets": ["get", "list", "watch", "create", "patch", "delete"],
        "coordination.k8s.io leases": ["get", "create", "update"],
        " serviceaccounts/token": [],
    }


def test_of_webhook_configurations_it_may_change_its_own_alone(cluster: RunningCluster) -> None:
    what = "admissionregistration.k8s.io validatingwebhookconfigurations"
    own, other = (
        [verb for verb in VERBS if may(cluster, verb, what, name=name)] for name in ("mcpg-operator-validation", "other")
    )
    assert (own, other) == (["get", "patch"], [])


def test_it_reaches_the_secrets_of_a_namespace_by_binding_the_one_role(
    cluster: RunningCluster, operator: Api, tenant: str
) -> None:
    with pytest.raises(ApiError, match=r"secrets .* is forbidden"):
        operator.apply(secret(tenant))
    operator.apply(binding(tenant, TENANT_ROLE))
    assert cluster.api.get(ROLE_BINDING, TENANT_ROLE, namespace=tenant) is not None
    cluster.wait_until(lambda: operator.apply(secret(tenant)), what="the binding to count")
    with pytest.raises(ApiError, match="at the cluster scope"):
        operator.list(SECRET)
    with pytest.raises(ApiError, match=r"leases.* is forbidden"):
        operator.list(LEASE, namespace=tenant)


@pytest.mark.parametrize("role", ["cluster-admin", "admin", "view"])
def test_it_can_bind_no_other_role(operator: Api, tenant: str, role: str) -> None:
    with pytest.raises(ApiError, match="attempting to grant RBAC permissions not currently held") as refused:
        operator.apply(binding(tenant, role))
    assert refused.value.status == 403


def test_it_can_give_the_role_cluster_wide_to_nobody(operator: Api) -> None:
    everywhere = {**binding("default", TENANT_ROLE), "kind": "ClusterRoleBinding", "metadata": {"name": "everywhere"}}
    with pytest.raises(ApiError, match=r"clusterrolebindings.* is forbidden"):
        operator.apply(everywhere)
