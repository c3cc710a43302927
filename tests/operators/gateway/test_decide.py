"""Each rule about whether and how a gateway is rendered."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from mcpg_operator.controllers.gateway.claims import SeenRoutes
from mcpg_operator.controllers.gateway.coordinators import SeenCluster
from mcpg_operator.controllers.gateway.decide import CONTINUE, Course, Decision, decide
from mcpg_operator.controllers.gateway.dependencies import Dependency
from mcpg_operator.controllers.gateway.lists import SeenLists
from mcpg_operator.controllers.gateway.observe import Observation
from mcpg_operator.controllers.gateway.running import Loaded, leaving_of, loaded_by
from mcpg_operator.controllers.gateway.sets import NOT_ALLOWED, REVOKED, SeenSet, Withdrawn
from mcpg_operator.render.gateway.inputs import ClusterBlock, Handling, TenantScope, defaults_of
from mcpg_operator.render.resolved_set import Entry, ResolvedSet
from mcpg_operator.resources import DEPLOYMENT, GATEWAY, Resource
from mcpg_operator.settings import Settings
from supplychain.api import parse_spec
from supplychain.api.gateway import GatewaySpec
from supplychain.digest import ArtifactHash
from supplychain.revocation import RevocationSet, from_spec
from supplychain.rules.tenancy import Identity
from tests.support.testdata.admission.rules.case import tenant

NORTH = tenant("north", quotas={"maxReplicasPerGateway": 2}, identityAttribute={"key": "tenant", "value": "n"})
A, B, C = (ArtifactHash.of(name.encode()).hex for name in "abc")


def revoking(*hashes: str) -> SeenLists:
    """Two lists, of which the first names something else."""
    named = [[{"artifactSha256": one, "reason": "stolen key"} for one in some] for some in (("ff" * 32,), hashes)]
    lists = tuple(from_spec({"revocations": one}, name="list") for one in named) if hashes else ()
    return SeenLists(dependency=None, revocations=RevocationSet(lists), rendered=b"list" if hashes else None)


def needs(kind: str = "PluginSetReady", **facts: Any) -> Dependency:
    return Dependency(type=kind, kind="MCPGPluginSet", reason="PluginSetResolved", message=f"about {kind}", **facts)


def absent(kind: str = "PluginSetReady") -> Dependency:
    return needs(kind, ready=False, usable=False, missing=True)


def pending(kind: str = "PluginSetReady") -> Dependency:
    return needs(kind, ready=False, usable=False)


def document(**digests: str) -> ResolvedSet:
    entries = tuple(Entry({"id": name, "pluginName": name, "resolvedDigest": digest}) for name, digest in digests.items())
    return ResolvedSet(entries=entries, complete=True)


def running(*, replicas: int = 1, leaving: dict[str, str] | None = None, rolled: bool = True, **digests: str) -> Resource:
    """A Deployment whose pods load these, all of class `backend` unless the id says otherwise."""
    args: list[str] = []
    for name, digest in digests.items():
        args += [
            "--order",
            json.dumps({"pluginId": name, "digest": f"sha256:{digest}", "pluginClass": CLASSES.get(name, "backend")}),
        ]
    note = {} if leaving is None else {"mcpg.dev/plugin-digests-leaving": json.dumps(leaving)}
    status = {"observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas}
    return Resource(
        DEPLOYMENT,
        {
            "metadata": {"name": "shop-gateway", "namespace": "team-a", "generation": 1, "annotations": note},
            "spec": {"replicas": replicas, "template": {"spec": {"initContainers": [{"args": args}]}}},
            "status": status if rolled else {},
        },
    )


CLASSES = {"guard": "tool_gate", "audit": "audit_sink", "policy": "policy_engine", "idp": "identity_provider"}


def seen(live: Resource | None = None, *, spec: Any = None, annotations: Any = None, **changes: Any) -> Observation:
    body = {"metadata": {"name": "shop", "namespace": "team-a", "uid": "u", "annotations": annotations or {}}, "spec": spec or {}}
    parts: dict[str, Any] = {
        "resource": Resource(GATEWAY, body),
        "spec": parse_spec(GatewaySpec, spec or {}, where="here"),
        "defaults": defaults_of(Settings()),
        "lists": revoking(),
        "plugins": None,
        "cluster": None,
        "routes": SeenRoutes(),
        "tenant": None,
        "forbidden": (),
        "contested": (),
        "live": live,
        "loaded": {} if live is None else loaded_by(live),
        "banned": frozenset(),
        "leaving": {} if live is None else leaving_of(live),
        "monitoring": False,
    }
    return Observation(**{**parts, **changes})


def gone(plugin_class: str, reason: str = REVOKED) -> Withdrawn:
    return Withdrawn(reason=reason, plugin="p", plugin_class=plugin_class)


def resolved(*, withdrawn: dict[str, Withdrawn] | None = None, unresolved: tuple[str, ...] = (), **digests: str) -> SeenSet:
    return SeenSet(
        dependency=pending() if unresolved else needs(ready=not withdrawn),
        document=document(**digests),
        withdrawn=withdrawn or {},
        unresolved=unresolved,
    )


def shared(**facts: Any) -> SeenCluster:
    block = ClusterBlock(backend="redis", config={}, config_hash="h", credentials=(), plugin=None)
    return SeenCluster(dependency=needs("ClusterReady"), block=block, **facts)


@dataclass(frozen=True, slots=True)
class Row:
    """What is seen, and what is decided: course, handling, what keeps it from being Ready, and what degrades it."""

    about: str
    seen: Observation
    course: Course
    handling: Handling | None = None
    unready: str | None = None
    degraded: str | None = None
    missing: tuple[str, ...] = ()


RENDER, HOLD, STOP, WAIT = Course.RENDER, Course.HOLD, Course.STOP, Course.WAIT
SERVE, ANEW, NONE = Handling.SERVE, Handling.RECREATE, Handling.STOP
GUARDED, PLAIN = running(guard=A, meter=B), running(meter=B, other=C)
UNRESOLVED = resolved(meter=B, unresolved=("guard",))
LOST_LIST = SeenLists(dependency=needs("RevocationListReady", ready=False, missing=True), revocations=RevocationSet(()))

ROWS = [
    Row("nothing is named", seen(), RENDER, SERVE),
    Row("a set is there", seen(plugins=resolved(meter=B)), RENDER, SERVE),
    Row("the set is not there, and nothing runs", seen(plugins=SeenSet(dependency=absent())), WAIT, None, "DependencyMissing"),
    Row("the set is not ready, and nothing runs", seen(plugins=SeenSet(dependency=pending())), WAIT, None, "DependencyPending"),
    Row("the set is not there, and pods run", seen(PLAIN, plugins=SeenSet(dependency=absent())), HOLD, SERVE, None,
        "DependencyMissing"),
    Row("the list is not there, and nothing runs", seen(lists=SeenLists(dependency=absent(), revocations=RevocationSet(()))),
        WAIT, None, "DependencyMissing"),
    Row("the coordinator is not there", seen(PLAIN, cluster=SeenCluster(dependency=absent())), HOLD, SERVE, None,
        "DependencyMissing"),
    Row("held, and no pod runs", seen(running(replicas=0, meter=B), plugins=SeenSet(dependency=pending())), HOLD, SERVE,
        "DependencyPending", "DependencyPending"),
    Row("a list that is gone and remembered is rendered", seen(PLAIN, lists=LOST_LIST), RENDER, SERVE, None, "DependencyMissing"),
    Row("what is not ready and there is no fault", seen(plugins=replace(resolved(meter=B), dependency=needs(ready=False))), RENDER,
        SERVE),
    # What must not be served.
    Row("a plugin that guards nothing is withdrawn", seen(PLAIN, plugins=resolved(other=C, withdrawn={"meter": gone("backend")})),
        RENDER, ANEW, None, REVOKED),
    *(Row(f"a withdrawn {name} takes all pods away", seen(GUARDED, plugins=resolved(meter=B, withdrawn={"x": gone(name)})),
          RENDER, NONE, REVOKED, REVOKED) for name in sorted(CLASSES.values())),
    Row("one of two that are withdrawn guards", seen(plugins=resolved(withdrawn={"x": gone("backend"), "y": gone("audit_sink")})),
        RENDER, NONE, REVOKED, REVOKED),
    Row("the annotation lets it go on", seen(annotations={CONTINUE: "continue"}, plugins=resolved(withdrawn={"x": gone("tool_gate")})),
        RENDER, ANEW, None, REVOKED),
    Row("another word in the annotation does not", seen(annotations={CONTINUE: "stop"},
        plugins=resolved(withdrawn={"x": gone("tool_gate")})), RENDER, NONE, REVOKED, REVOKED),
    Row("what the tenant does not allow has its own word", seen(plugins=resolved(withdrawn={"x": gone("backend", NOT_ALLOWED)})),
        RENDER, ANEW, None, NOT_ALLOWED),
    Row("of both, being revoked is said", seen(plugins=resolved(
        withdrawn={"x": gone("backend", NOT_ALLOWED), "y": gone("backend")})), RENDER, ANEW, None, REVOKED),
    Row("a list revokes what runs, and the set no longer has it", seen(running(meter=B, other=C), lists=revoking(C),
        plugins=resolved(meter=B)), RENDER, ANEW),
    # The list revokes what runs while its entry waits for something else: nothing is withdrawn by name, and it is lost all the same.
    Row("a guard that is revoked and waits is lost", seen(GUARDED, lists=revoking(A), plugins=UNRESOLVED), RENDER, NONE, None,
        "DependencyPending"),
    Row("a lost guard that may be done without", seen(GUARDED, annotations={CONTINUE: "continue"}, lists=revoking(A),
        plugins=UNRESOLVED), RENDER, ANEW, None, "DependencyPending"),
    Row("a revoked guard that the set no longer wants is not lost", seen(GUARDED, lists=revoking(A), plugins=resolved(meter=B)),
        RENDER, ANEW),
    Row("a lost plugin that guards nothing", seen(running(meter=B, other=C), lists=revoking(C),
        plugins=resolved(meter=B, unresolved=("other",))), RENDER, ANEW, None, "DependencyPending"),
    Row("nothing is rendered without more than what is revoked", seen(running(guard=A, meter=B, other=C), lists=revoking(A),
        plugins=UNRESOLVED), STOP, None, REVOKED, REVOKED),
    Row("or where it would be another library", seen(GUARDED, lists=revoking(A), plugins=replace(UNRESOLVED, document=document(meter=C))),
        STOP, None, REVOKED, REVOKED),
    Row("or where the coordinator is gone as well", seen(GUARDED, lists=revoking(A), plugins=UNRESOLVED,
        cluster=SeenCluster(dependency=absent())), STOP, None, REVOKED, REVOKED),
    Row("or where the coordinator is there and the list is not", seen(GUARDED, plugins=UNRESOLVED, cluster=shared(),
        lists=replace(revoking(A), dependency=pending("RevocationListReady"))), STOP, None, REVOKED, REVOKED),
    Row("a coordinator that is there keeps nothing up", seen(GUARDED, lists=revoking(A), plugins=UNRESOLVED, cluster=shared()), RENDER,
        NONE, None, "DependencyPending"),
    Row("what is revoked runs, and there is no set to render", seen(PLAIN, lists=revoking(B), cluster=SeenCluster(dependency=absent())),
        STOP, None, REVOKED, REVOKED),
    Row("what is revoked runs, and its document cannot be read", seen(PLAIN, lists=revoking(B), plugins=SeenSet(dependency=pending())),
        STOP, None, REVOKED, REVOKED),
    Row("what the set withdraws runs, and the coordinator is gone", seen(PLAIN, cluster=SeenCluster(dependency=absent()),
        plugins=resolved(other=C, withdrawn={"meter": gone("backend")})), STOP, None, REVOKED, REVOKED),
    Row("what is banned runs, and the set is gone", seen(PLAIN, banned=frozenset({"meter"}), plugins=SeenSet(dependency=absent())),
        STOP, None, NOT_ALLOWED, NOT_ALLOWED),
    Row("one is banned and another revoked", seen(PLAIN, banned=frozenset({"meter"}), lists=revoking(C),
        plugins=SeenSet(dependency=absent())), STOP, None, REVOKED, REVOKED),
    Row("what is banned runs, and all else can be rendered", seen(PLAIN, banned=frozenset({"meter"}), plugins=resolved(other=C)),
        RENDER, ANEW),
    Row("older pods have what is revoked", seen(running(meter=B, leaving={C: "other"}, rolled=False), lists=revoking(C),
        plugins=resolved(meter=B)), RENDER, ANEW),
    Row("older pods have it, and the set is gone", seen(running(meter=B, leaving={C: "other"}, rolled=False), lists=revoking(C),
        plugins=SeenSet(dependency=absent())), STOP, None, REVOKED, REVOKED),
    Row("no older pods are left", seen(running(meter=B, leaving={C: "other"}), lists=revoking(C), plugins=resolved(meter=B)), RENDER,
        SERVE),
    Row("what is revoked runs, and no set is named any more", seen(PLAIN, lists=revoking(B)), RENDER, ANEW),
    Row("only older pods have what waits and is revoked", seen(running(meter=B, leaving={A: "guard"}, rolled=False), lists=revoking(A),
        plugins=UNRESOLVED), RENDER, ANEW, None, "DependencyPending"),
    # The author's own list.
    Row("the author's list goes around the tenant, and nothing runs", seen(forbidden=("x",)), WAIT, None, NOT_ALLOWED, NOT_ALLOWED),
    Row("the same, and pods run", seen(PLAIN, forbidden=("x", "y")), STOP, None, NOT_ALLOWED, NOT_ALLOWED),
    # What degrades it.
    Row("an older gateway has the host", seen(contested=("h",)), RENDER, SERVE, None, "HostConflict"),
    Row("more replicas than the tenant allows", seen(spec={"replicas": 3}, cluster=shared(), tenant=NORTH), RENDER, SERVE, None,
        "ReplicaCapExceeded"),
    Row("as many as the tenant allows", seen(spec={"replicas": 2, "clusterRef": {"name": "c"}}, cluster=shared(), tenant=NORTH),
        RENDER, SERVE),
    Row("replicas that share nothing", seen(spec={"replicas": 2}), RENDER, SERVE, None, "SingleNodeMultiReplica"),
    Row("within the cap and alone", seen(spec={"replicas": 2}, tenant=NORTH), RENDER, SERVE, None, "SingleNodeMultiReplica"),
    Row("one replica alone", seen(spec={"replicas": 1}), RENDER, SERVE),
    Row("what is revoked is said before what is capped", seen(spec={"replicas": 2}, contested=("h",),
        plugins=resolved(withdrawn={"x": gone("backend")})), RENDER, ANEW, None, REVOKED),
    Row("what is capped before a host", seen(spec={"replicas": 2}, contested=("h",)), RENDER, SERVE, None, "SingleNodeMultiReplica"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.about for row in ROWS])
def test_what_is_done_about_a_gateway(row: Row) -> None:
    found = decide(row.seen)
    assert found.course is row.course
    assert (None if found.inputs is None else found.inputs.handling) is row.handling
    assert (found.unready and found.unready.reason, found.degraded and found.degraded.reason) == (row.unready, row.degraded)


def test_every_dependency_is_told_of_in_every_course() -> None:
    named: dict[str, Any] = {
        "plugins": resolved(meter=B),
        "cluster": shared(),
        "lists": replace(revoking(), dependency=needs("RevocationListReady")),
    }
    types = ("PluginSetReady", "RevocationListReady", "ClusterReady")

    def told(found: Decision) -> tuple[str, ...]:
        return tuple(one.type for one in found.dependencies)

    assert told(decide(seen(**named))) == types
    assert told(decide(seen(forbidden=("x",), **named))) == types
    blocked = {**named, "plugins": SeenSet(dependency=absent())}
    assert told(decide(seen(**blocked))) == types
    assert told(decide(seen(PLAIN, **blocked))) == types
    assert (
        told(decide(seen(PLAIN, **{**blocked, "lists": replace(revoking(B), dependency=needs("RevocationListReady"))}))) == types
    )


@pytest.mark.parametrize(
    ("facts", "clamp"),
    [
        ({}, 1),
        ({"spec": {"clusterRef": {"name": "c"}}, "cluster": shared()}, None),
        ({"spec": {"clusterRef": {"name": "c"}}, "cluster": shared(alone=True)}, 1),
        ({"spec": {"clusterRef": {"name": "c"}}, "cluster": shared(), "tenant": NORTH}, 2),
        ({"tenant": NORTH}, 1),
        ({"spec": {"config": {"cluster": {"kind": "redis"}}}}, None),
    ],
)
def test_the_replicas_are_held_down_by_the_coordinator_and_by_the_tenant(facts: dict[str, Any], clamp: int | None) -> None:
    inputs = decide(seen(**facts)).inputs
    assert inputs is not None
    assert inputs.clamp == clamp


def test_a_rendering_is_made_of_all_that_was_seen() -> None:
    watched = seen(
        spec={"clusterRef": {"name": "c"}},
        annotations={"a": "b"},
        plugins=resolved(meter=B),
        cluster=shared(),
        lists=revoking(A),
        tenant=NORTH,
        monitoring=True,
    )
    inputs = decide(watched).inputs
    assert inputs is not None
    assert (inputs.name, inputs.namespace, inputs.uid, inputs.annotations) == ("shop", "team-a", "u", {"a": "b"})
    assert (inputs.spec, inputs.defaults, inputs.monitoring) == (watched.spec, watched.defaults, True)
    assert watched.plugins is not None
    assert watched.cluster is not None
    assert (inputs.plugins, inputs.cluster) == (watched.plugins.document, watched.cluster.block)
    assert (inputs.revocations, inputs.routes) == (b"list", ())
    assert inputs.tenant == TenantScope(name="north", identity=Identity(key="tenant", value="n"))


def test_a_class_that_pods_were_started_with_counts_although_the_plugin_has_lost_its_object() -> None:
    live = running(guard=A)
    watched = seen(live, lists=revoking(A), plugins=replace(UNRESOLVED, document=document()), loaded={"guard": Loaded(digest=A)})
    inputs = decide(watched).inputs
    assert inputs is not None
    assert inputs.handling is Handling.RECREATE
    inputs = decide(replace(watched, loaded=loaded_by(live))).inputs
    assert inputs is not None
    assert inputs.handling is Handling.STOP


def test_what_keeps_pods_away_is_named_or_marked_as_unknown() -> None:
    live = running(meter=B)
    unknown = {"": Loaded(digest=A), "meter": Loaded(digest=B)}
    live.body["spec"]["template"]["spec"]["initContainers"][0]["args"] += ["--order", "{"]
    digest = loaded_by(live)[""].digest
    watched = seen(live, lists=revoking(digest, B), plugins=SeenSet(dependency=absent()), loaded=unknown)
    fault = decide(watched).unready
    assert fault is not None
    assert fault.message == "runs `?`, `meter`, which must not be served, and cannot be rendered without: about PluginSetReady"
