"""What any `Cluster` does: run over the one in memory by unit tests and over lightkube on a real API server by `tests/e2e`.

A subclass named `Test…` gives the fixtures `port` (the Cluster, with every right) and `place` (a namespace of its own).
"""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.resources import CONFIG_MAP, EVENT, LEASE, PLUGIN, REVOCATION_LIST, SECRET, SERVICE_MONITOR
from supplychain.errors import ApplyRejectedError, ConflictError

if TYPE_CHECKING:
    from mcpg_operator.cluster import Cluster

__all__ = ["ClusterContract", "config_map", "lease", "secret"]

MANAGER = "mcpg-operator/test-controller"
SHA = "ab" * 32


def config_map(place: str, name: str, data: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": place, **metadata},
        "data": data or {},
    }


def secret(place: str, name: str, data: dict[str, bytes] | None = None, **fields: Any) -> dict[str, Any]:
    encoded = {key: base64.b64encode(value).decode() for key, value in (data or {}).items()}
    metadata = {"name": name, "namespace": place, **fields.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded, **fields}


def lease(place: str, name: str, at: str = "2026-11-21T10:00:00.000000Z") -> dict[str, Any]:
    spec = {"holderIdentity": "one", "leaseDurationSeconds": 30, "acquireTime": at, "renewTime": at, "leaseTransitions": 0}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": place},
        "spec": spec,
    }


def revocation_list(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "mcpg.dev/v1alpha2",
        "kind": "MCPGRevocationList",
        "metadata": {"name": name},
        "spec": {"revocations": [], **spec},
    }


def event(place: str, at: str, **fields: Any) -> dict[str, Any]:
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"mcpg-{uuid.uuid4().hex}", "namespace": place},
        "eventTime": at,
        "type": "Normal",
        "reason": "Tested",
        "action": "Test",
        "note": "a note",
        "reportingController": "mcpg-operator/test",
        "reportingInstance": "here",
        "regarding": {
            "apiVersion": "mcpg.dev/v1alpha2",
            "kind": "MCPGPlugin",
            "name": "of-no-namespace",
            "uid": "5d9a0a4e-0000-4000-8000-000000000000",
        },
        **fields,
    }


def condition(kind: str, status: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": "Because", "message": "", "lastTransitionTime": "2026-11-21T10:00:00Z"}


class ClusterContract:
    """The tests; every one makes its own objects."""

    @pytest.fixture
    def port(self) -> Cluster:
        raise NotImplementedError

    @pytest.fixture
    def place(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def name(self) -> str:
        return f"c{uuid.uuid4().hex[:12]}"

    def test_what_is_not_there_is_none_and_cannot_be_deleted(self, port: Cluster, place: str) -> None:
        assert port.get(SECRET, "absent", namespace=place) is None
        assert port.get(PLUGIN, "absent") is None
        assert port.delete(SECRET, "absent", namespace=place) is False
        assert port.apply_status(REVOCATION_LIST, "absent", status={"observedGeneration": 1}, manager=MANAGER) is None
        assert list(port.list(SECRET, namespace="no-such-namespace-anywhere")) == []

    @pytest.mark.parametrize("odd", ["", ".", "..", "../secrets", "a/b", "a?b", "a#b", "%2e", "ä", "x" * 254, "-"])
    def test_a_name_that_nothing_can_have_names_nothing(self, port: Cluster, place: str, odd: str) -> None:
        assert port.get(CONFIG_MAP, odd, namespace=place) is None
        assert port.get(CONFIG_MAP, "kube-root-ca.crt", namespace=odd) is None
        assert port.delete(CONFIG_MAP, odd, namespace=place) is False
        with pytest.raises(ApplyRejectedError):
            port.apply(config_map(place, odd), manager=MANAGER)

    def test_a_namespace_belongs_to_namespaced_kinds_and_to_no_others(self, port: Cluster, place: str, name: str) -> None:
        port.apply(config_map(place, name), manager=MANAGER)
        assert port.get(CONFIG_MAP, name) is None
        assert port.get(PLUGIN, name, namespace=place) is None

    def test_an_apply_creates_then_changes_then_leaves_alone(self, port: Cluster, place: str, name: str) -> None:
        first = port.apply(config_map(place, name, {"a": "1"}, labels={"l": "1"}), manager=MANAGER)
        second = port.apply(config_map(place, name, {"a": "2"}, labels={"l": "1"}), manager=MANAGER)
        third = port.apply(config_map(place, name, {"a": "2"}, labels={"l": "1"}), manager=MANAGER)
        assert (first.name, first.namespace, first.kind) == (name, place, CONFIG_MAP)
        assert first.uid == second.uid == third.uid != ""
        assert first.resource_version != second.resource_version == third.resource_version
        assert port.get(CONFIG_MAP, name, namespace=place) == third
        assert third.data() == {"a": b"2"}
        assert "managedFields" not in third.metadata

    def test_what_a_manager_leaves_out_vanishes_and_what_another_owns_stays(self, port: Cluster, place: str, name: str) -> None:
        port.apply(config_map(place, name, {"a": "1", "b": "1"}, labels={"l": "1"}), manager=MANAGER)
        port.apply(config_map(place, name, {"c": "1"}), manager="another")
        now = port.apply(config_map(place, name, {"b": "1"}), manager=MANAGER)
        assert now.data() == {"b": b"1", "c": b"1"}
        assert now.labels == {}

    def test_a_forced_apply_takes_a_field_over(self, port: Cluster, place: str, name: str) -> None:
        port.apply(config_map(place, name, {"a": "1"}), manager="another")
        port.apply(config_map(place, name, {"a": "2"}), manager=MANAGER)
        left = port.apply(config_map(place, name), manager="another")
        assert left.data() == {"a": b"2"}

    def test_an_apply_with_a_stale_version_or_a_foreign_uid_is_a_conflict(self, port: Cluster, place: str, name: str) -> None:
        first = port.apply(config_map(place, name, {"a": "1"}), manager=MANAGER)
        now = port.apply(config_map(place, name, {"a": "2"}, resourceVersion=first.resource_version), manager=MANAGER)
        assert now.data() == {"a": b"2"}
        with pytest.raises(ConflictError):
            port.apply(config_map(place, name, {"a": "3"}, resourceVersion=first.resource_version), manager=MANAGER)
        with pytest.raises(ConflictError):
            port.apply(config_map(place, name, {"a": "3"}, uid=str(uuid.uuid4())), manager=MANAGER)
        found = port.get(CONFIG_MAP, name, namespace=place)
        assert found is not None
        assert found.data() == {"a": b"2"}

    def test_an_apply_with_a_version_of_something_that_is_gone_is_a_conflict(self, port: Cluster, place: str, name: str) -> None:
        first = port.apply(config_map(place, name), manager=MANAGER)
        assert port.delete(CONFIG_MAP, name, namespace=place)
        with pytest.raises(ConflictError):
            port.apply(config_map(place, name, uid=first.uid), manager=MANAGER)
        assert port.get(CONFIG_MAP, name, namespace=place) is None

    def test_create_refuses_what_exists(self, port: Cluster, place: str, name: str) -> None:
        made = port.create(config_map(place, name, {"a": "1"}))
        assert made.data() == {"a": b"1"}
        with pytest.raises(ConflictError):
            port.create(config_map(place, name))

    def test_replace_wants_the_current_version(self, port: Cluster, place: str, name: str) -> None:
        first = port.create(lease(place, name))
        fresh = {**lease(place, name, "2026-11-21T10:00:01.123456Z"), "metadata": dict(first.metadata)}
        second = port.replace(fresh)
        assert second.spec["renewTime"] == "2026-11-21T10:00:01.123456Z"
        with pytest.raises(ConflictError):
            port.replace(fresh)
        assert port.delete(LEASE, name, namespace=place)
        with pytest.raises(ConflictError):
            port.replace({**fresh, "metadata": dict(second.metadata)})

    @pytest.mark.parametrize("at", ["2026-11-21T10:00:00Z", "2026-11-21T10:00:00.123Z", "2026-11-21T10:00:00.123456789Z", "now"])
    def test_a_time_without_six_digits_is_refused_for_good(self, port: Cluster, place: str, name: str, at: str) -> None:
        with pytest.raises(ApplyRejectedError):
            port.create(lease(place, name, at))
        with pytest.raises(ApplyRejectedError):
            port.apply(lease(place, name, at), manager=MANAGER)

    def test_preconditions_keep_another_object_of_the_same_name(self, port: Cluster, place: str, name: str) -> None:
        first = port.apply(config_map(place, name, {"a": "1"}), manager=MANAGER)
        second = port.apply(config_map(place, name, {"a": "2"}), manager=MANAGER)
        with pytest.raises(ConflictError):
            port.delete(CONFIG_MAP, name, namespace=place, uid=str(uuid.uuid4()))
        with pytest.raises(ConflictError):
            port.delete(CONFIG_MAP, name, namespace=place, version=first.resource_version)
        assert port.delete(CONFIG_MAP, name, namespace=place, uid=second.uid, version=second.resource_version)
        assert port.get(CONFIG_MAP, name, namespace=place) is None

    def test_lists_select_by_namespace_label_and_field(self, port: Cluster, place: str, name: str) -> None:
        mark = {"mcpg-test": name}
        port.apply(
            secret(place, f"{name}-a", {"k": b"v"}, type="mcpg.dev/plugin-shard", metadata={"labels": mark}), manager=MANAGER
        )
        port.apply(secret(place, f"{name}-b", {"k": b"v"}, metadata={"labels": mark}), manager=MANAGER)
        port.apply(secret(place, f"{name}-c", {"k": b"v"}), manager=MANAGER)
        both = {f"{name}-a", f"{name}-b"}
        assert {one.name for one in port.list(SECRET, namespace=place, labels=mark)} == both
        assert {one.name for one in port.list(SECRET, labels=mark)} == both
        plain = list(port.list(SECRET, namespace=place, labels=mark, fields="type!=mcpg.dev/plugin-shard,type!=other"))
        assert [(one.name, one.data(), one.kind, one.body["kind"]) for one in plain] == [
            (f"{name}-b", {"k": b"v"}, SECRET, "Secret")
        ]
        assert [one.name for one in port.list(SECRET, namespace=place, labels=mark, fields="type=mcpg.dev/plugin-shard")] == [
            f"{name}-a"
        ]
        slim = {one.name: one for one in port.list_metadata(SECRET, namespace=place, labels=mark)}
        assert slim.keys() == both
        assert slim[f"{name}-a"].labels == mark
        assert slim[f"{name}-a"].data() == {}
        assert slim[f"{name}-a"].key.namespace == place
        assert slim[f"{name}-a"].uid != ""

    def test_a_list_of_nothing_is_empty(self, port: Cluster, place: str, name: str) -> None:
        for kind in (SECRET, REVOCATION_LIST):
            scope = place if kind.namespaced else None
            assert list(port.list(kind, namespace=scope, labels={"mcpg-test": name})) == []
            assert list(port.list_metadata(kind, namespace=scope, labels={"mcpg-test": name})) == []

    def test_a_status_is_written_beside_the_spec(self, port: Cluster, name: str) -> None:
        port.apply(revocation_list(name), manager=MANAGER)
        now = port.apply_status(
            REVOCATION_LIST, name, status={"observedRevocations": 1, "conditions": [condition("Ready", "True")]}, manager=MANAGER
        )
        assert now is not None
        assert (now.status["observedRevocations"], now.conditions[0]["type"], now.generation) == (1, "Ready", 1)
        again = port.apply(
            {**revocation_list(name, issuedAt="2026-11-21T10:00:00Z"), "status": {"observedRevocations": 7}}, manager=MANAGER
        )
        assert (again.status["observedRevocations"], again.generation) == (1, 2)
        assert port.delete(REVOCATION_LIST, name)

    def test_conditions_of_two_managers_stand_side_by_side(self, port: Cluster, name: str) -> None:
        port.apply(revocation_list(name), manager=MANAGER)
        for manager, kind in ((MANAGER, "Ready"), ("another", "Seen")):
            port.apply_status(REVOCATION_LIST, name, status={"conditions": [condition(kind, "True")]}, manager=manager)
        now = port.apply_status(REVOCATION_LIST, name, status={"observedRevocations": 1}, manager=MANAGER)
        assert now is not None
        assert [one["type"] for one in now.conditions] == ["Seen"]
        same = port.apply_status(REVOCATION_LIST, name, status={"observedRevocations": 1}, manager=MANAGER)
        assert same is not None
        assert same.resource_version == now.resource_version
        empty = port.apply_status(REVOCATION_LIST, name, status={}, manager=MANAGER)
        assert empty is not None
        assert "observedRevocations" not in empty.status
        assert port.delete(REVOCATION_LIST, name)

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({"metadata": {"labels": {"a": "x" * 64}}}, id="label value too long"),
            pytest.param({"metadata": {"labels": {"a": "no blanks"}}}, id="label value of odd characters"),
            pytest.param({"metadata": {"annotations": {"a": "x" * 262_144}}}, id="annotations too long"),
            pytest.param({"data": {"k": base64.b64encode(bytes(1_048_577)).decode()}}, id="data too long"),
            pytest.param({"data": {"k": "no base64!"}}, id="data no base64"),
            pytest.param({"data": {"no/key": ""}}, id="data key of odd characters"),
            pytest.param({"metadata": {"ownerReferences": [{"uid": "x", "name": "a"}]}}, id="owner without kind"),
        ],
    )
    def test_an_object_that_breaks_a_rule_is_refused_for_good(
        self, port: Cluster, place: str, name: str, body: dict[str, Any]
    ) -> None:
        manifest = secret(place, name)
        manifest["metadata"] |= body.get("metadata", {})
        manifest["data"] |= body.get("data", {})
        with pytest.raises(ApplyRejectedError) as caught:
            port.apply(manifest, manager=MANAGER)
        assert "no base64!" not in str(caught.value)

    def test_the_largest_secret_is_taken(self, port: Cluster, place: str, name: str) -> None:
        made = port.apply(secret(place, name, {"k": bytes(1_048_576)}), manager=MANAGER)
        assert made.data() == {"k": bytes(1_048_576)}

    def test_an_immutable_secret_and_a_type_never_change(self, port: Cluster, place: str, name: str) -> None:
        port.apply(secret(place, name, {"k": b"1"}, immutable=True, type="mcpg.dev/plugin"), manager=MANAGER)
        with pytest.raises(ApplyRejectedError):
            port.apply(secret(place, name, {"k": b"2"}, immutable=True, type="mcpg.dev/plugin"), manager=MANAGER)
        with pytest.raises(ApplyRejectedError):
            port.apply(secret(place, name, {"k": b"1"}, immutable=True, type="mcpg.dev/other"), manager=MANAGER)
        labelled = secret(place, name, {"k": b"1"}, immutable=True, type="mcpg.dev/plugin", metadata={"labels": {"a": "b"}})
        assert port.apply(labelled, manager=MANAGER).labels == {"a": "b"}

    def test_null_in_a_custom_resource_is_refused(self, port: Cluster, name: str) -> None:
        with pytest.raises(ApplyRejectedError):
            port.apply(revocation_list(name, issuedAt=None), manager=MANAGER)

    def test_a_write_into_a_namespace_that_does_not_exist_is_refused_for_good(self, port: Cluster) -> None:
        with pytest.raises(ApplyRejectedError, match="namespace"):
            port.apply(config_map("no-such-namespace-anywhere", "a"), manager=MANAGER)
        with pytest.raises(ApplyRejectedError, match="namespace"):
            port.create(config_map("no-such-namespace-anywhere", "a"))

    def test_an_event_about_a_cluster_scoped_object_belongs_to_default(self, port: Cluster, place: str) -> None:
        at = "2026-11-21T10:00:00.000000Z"
        made = port.create(event("default", at))
        assert made.kind == EVENT
        for wrong in (event(place, at), event("default", "2026-11-21T10:00:00Z"), event("default", at, action="")):
            with pytest.raises(ApplyRejectedError):
                port.create(wrong)
        with pytest.raises(ApplyRejectedError):
            port.create(event("default", at, note="x" * 1025))

    def test_a_role_of_a_binding_never_changes(self, port: Cluster, place: str, name: str) -> None:
        def binding(role: str) -> dict[str, Any]:
            return {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": name, "namespace": place},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "ServiceAccount", "name": "a", "namespace": place}],
            }

        port.apply(binding("view"), manager=MANAGER)
        with pytest.raises(ApplyRejectedError):
            port.apply(binding("edit"), manager=MANAGER)

    def test_it_tells_which_kinds_are_served(self, port: Cluster) -> None:
        assert port.served(PLUGIN)
        assert port.served(SECRET)
        assert port.served(LEASE)
        assert not port.served(SERVICE_MONITOR)
