"""What a revocation reaches, for every kind of object and every class of plugin, and for objects of any shape."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.blast_radius import GUARDS, Effect, Ground, Radius, radius
from supplychain.digest import ArtifactHash

HASH, OTHER = ArtifactHash("a" * 64), ArtifactHash("b" * 64)
IMAGE = "ghcr.io/acme/audit:1.2.3"


def thing(kind: str, name: str, spec: Any, *, namespace: str | None = None, **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, **more.pop("metadata", {})}
    if namespace is not None:
        metadata["namespace"] = namespace
    return {"apiVersion": "mcpg.dev/v1alpha2", "kind": kind, "metadata": metadata, "spec": spec, **more}


def plugin(name: str = "audit", *, digest: Any = HASH.hex, image: str = IMAGE, plugin_class: str = "transport") -> dict[str, Any]:
    status: dict[str, Any] = {} if digest is None else {"status": {"resolvedDigest": digest}}
    return thing("MCPGPlugin", name, {"pluginClass": plugin_class, "oci": {"image": image}}, **status)


def plugin_set(*plugins: str, name: str = "default", namespace: str = "team", **entry: Any) -> dict[str, Any]:
    entries = [{"id": f"dev.{one}.x", "pluginRef": {"name": one}, **entry} for one in plugins]
    return thing("MCPGPluginSet", name, {"entries": entries}, namespace=namespace)


def gateway(name: str = "gw", *, namespace: str = "team", annotations: Any = None, **spec: Any) -> dict[str, Any]:
    whole = {"pluginSetRef": {"name": "default"}, **spec}
    return thing("MCPGGateway", name, whole, namespace=namespace, metadata={"annotations": annotations} if annotations else {})


def found(*objects: Any, read: Any = None, list_name: str = "cluster-default") -> Radius:
    return radius(objects, artifact=HASH, read=read or {}, list_name=list_name)


def test_the_guarding_classes_are_those_of_the_operator() -> None:
    from mcpg_operator.controllers.gateway import decide

    assert decide._GUARDS == GUARDS
    assert decide.CONTINUE == "mcpg.dev/on-revoked"


@pytest.mark.parametrize("plugin_class", [*sorted(GUARDS), "transport", "audit", ""])
@pytest.mark.parametrize("annotation", [None, "continue", "Continue", ""])
def test_a_gateway_stops_for_a_guard_unless_it_says_otherwise(plugin_class: str, annotation: str | None) -> None:
    annotations = None if annotation is None else {"mcpg.dev/on-revoked": annotation}
    seen = found(plugin(plugin_class=plugin_class), plugin_set("audit"), gateway(annotations=annotations))
    [hit] = seen.gateways
    stops = plugin_class in GUARDS and annotation != "continue"
    assert hit.effect is (Effect.STOPS if stops else Effect.CONTINUES)
    assert seen.stopped == ((hit,) if stops else ())
    assert "`audit`" in hit.why
    assert ("annotation" in hit.why) is (plugin_class in GUARDS and annotation == "continue")


def test_one_guard_among_several_is_enough() -> None:
    seen = found(plugin(), plugin("gate", plugin_class="tool_gate"), plugin_set("audit", "gate"), gateway())
    assert (seen.gateways[0].effect, seen.gateways[0].why) == (Effect.STOPS, "set `default`, plugin `gate`, which guards it")
    assert seen.sets[0].plugins == ("audit", "gate")


def test_a_status_is_a_hint_and_bytes_are_none() -> None:
    assert found(plugin()).plugins[0].ground is Ground.STATUS
    assert found(plugin(), read={IMAGE: HASH}).plugins[0].ground is Ground.READ
    assert found(plugin(digest=HASH.hex.upper())).plugins
    assert found(plugin(digest=None), read={IMAGE: OTHER}).plugins == ()
    assert found(plugin(digest=OTHER.hex), read={IMAGE: HASH}).plugins[0].ground is Ground.READ


def test_a_tag_that_moved_since_does_not_hide_what_runs() -> None:
    """What the image leads to now is another artifact, and the one of the status still runs."""
    seen = found(plugin(plugin_class="tool_gate"), plugin_set("audit"), gateway(), read={IMAGE: OTHER})
    assert [one.ground for one in seen.plugins] == [Ground.STATUS]
    assert len(seen.stopped) == 1


@pytest.mark.parametrize("digest", [None, "", 7, [HASH.hex]])
def test_a_plugin_whose_status_says_nothing_is_unknown(digest: Any) -> None:
    seen = found(plugin(digest=digest), plugin("other", digest=OTHER.hex))
    assert (seen.unknown, seen.plugins, seen.looked_at) == (("audit",), (), 2)
    assert found(plugin(digest=digest), read={IMAGE: OTHER}).unknown == ()


def test_entries_that_are_switched_off_load_nothing() -> None:
    assert found(plugin(), plugin_set("audit", enabled=False), gateway()).sets == ()
    assert found(plugin(), plugin_set("audit", enabled=True), gateway()).sets
    assert found(plugin(), plugin_set("other"), gateway()) == Radius(plugins=found(plugin()).plugins, looked_at=1)


def test_a_set_reaches_the_gateways_of_its_namespace_only() -> None:
    seen = found(plugin(), plugin_set("audit"), gateway(), gateway(namespace="bank"), gateway("none", pluginSetRef={"name": "x"}))
    assert [(one.namespace, one.name) for one in seen.gateways] == [("team", "gw")]


def test_another_list_than_the_default_one_concerns_the_gateways_that_name_it() -> None:
    objects = (plugin(), plugin_set("audit"), gateway(), gateway("strict", revocationListRef={"name": "extra"}))
    assert [one.name for one in found(*objects, list_name="extra").gateways] == ["strict"]
    assert [one.name for one in found(*objects).gateways] == ["gw", "strict"]


def test_a_backend_of_a_cluster_holds_its_gateways() -> None:
    cluster = thing("MCPGCluster", "redis", {"pluginRef": {"name": "audit"}})
    other = thing("MCPGCluster", "nats", {"pluginRef": {"name": "else"}})
    seen = found(
        plugin(),
        cluster,
        other,
        gateway(pluginSetRef=None, clusterRef={"name": "redis"}),
        gateway("x", clusterRef={"name": "nats"}),
    )
    assert [(one.name, one.effect) for one in seen.gateways] == [("gw", Effect.HELD)]
    assert seen.gateways[0].why == "plugin `audit` of MCPGCluster `redis`"


@pytest.mark.parametrize(
    ("config", "hit"),
    [
        ({"plugins": {"entries": [{"signature": {"sha256": HASH.hex.upper()}}]}}, True),
        ({"plugins": [{"signature": {"sha256": f"sha256:{HASH.hex}"}}]}, True),
        ({"plugins": [{"source": {"oci": {"image": IMAGE}}}]}, True),
        ({"plugins": [{"source": {"oci": IMAGE}}]}, True),
        ({"plugins": [{"source": {"oci": "ghcr.io/acme/audit:1.2.4"}}]}, False),
        ({"plugins": [{"signature": {"sha256": OTHER.hex}}, 7, None]}, False),
        ({"plugins": "x"}, False),
        (None, False),
    ],
)
def test_a_plugin_in_a_gateways_own_list_is_found_by_pin_and_image(config: Any, hit: bool) -> None:
    seen = found(plugin(), gateway(pluginSetRef=None, config=config))
    assert [one.effect for one in seen.gateways] == ([Effect.REFUSES] if hit else [])
    by_bytes = radius([gateway(config=config)], artifact=HASH, read={IMAGE: HASH})
    assert bool(by_bytes.gateways) is hit


def test_the_same_object_twice_is_one_and_its_status_counts() -> None:
    written, seen = plugin(digest=None), plugin()
    for objects in ((written, seen), (seen, written)):
        hit = found(*objects, plugin_set("audit"), plugin_set("audit"), gateway(), gateway())
        assert (len(hit.plugins), hit.unknown, hit.looked_at, len(hit.sets), len(hit.gateways)) == (1, (), 1, 1, 1)
    assert found(plugin(digest=OTHER.hex), plugin()).plugins, "of two with a status the later one counts"
    assert len(found(plugin(), {**plugin(), "metadata": {"name": "audit", "namespace": "x"}}).plugins) == 1


def test_those_that_stop_come_first() -> None:
    seen = found(
        plugin(plugin_class="audit_sink"),
        plugin_set("audit"),
        gateway("a", annotations={"mcpg.dev/on-revoked": "continue"}),
        gateway("z"),
    )
    assert [one.name for one in seen.gateways] == ["z", "a"]


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("audit") | st.just(HASH.hex),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["spec", "name", "entries", "pluginRef", "pluginSetRef", "oci", "image", "config", "plugins", "status"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


@given(st.lists(st.sampled_from(["MCPGPlugin", "MCPGPluginSet", "MCPGGateway", "MCPGCluster", "x"]), max_size=4), st.data())
def test_objects_of_any_shape_are_survived(kinds: list[str], data: st.DataObject) -> None:
    objects = [{"kind": kind, "metadata": data.draw(_ANY), "spec": data.draw(_ANY), "status": data.draw(_ANY)} for kind in kinds]
    assert found(plugin(), plugin_set("audit"), gateway(), *objects).looked_at >= 1
