"""The memory of the last rendering: never another one than would be made, and made once."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from mcpg_operator.render.gateway import Handling, render_gateway
from mcpg_operator.render.gateway.inputs import ClusterBlock, Credential, GatewayInputs, RouteClaim, TenantScope
from mcpg_operator.render.gateway.memo import LastRendering, fingerprint
from supplychain.api import parse_spec
from supplychain.api.gateway import GatewaySpec
from supplychain.errors import InvalidManifestError
from supplychain.rules.tenancy import Identity
from tests.support.rendering import inputs_of, plugin, resolved
from tests.support.testdata.render import RENDER_CASES

if TYPE_CHECKING:
    from mcpg_operator.render.gateway import RenderedGateway
    from tests.support.testdata.render import RenderCase

CREDENTIAL = Credential(name="password", value=b"one", uid="u", resource_version="1")
BLOCK = ClusterBlock(backend="redis", config={"url": "rediss://a.example"}, config_hash="0" * 64, credentials=(CREDENTIAL,))
ROUTE = RouteClaim(namespace="team-a", name="r", tools=("a.read",), attribute="north", tenant=None)


def inputs(spec: dict[str, Any] | None = None, **facts: Any) -> GatewayInputs:
    document = {"gateway": {"metadata": {"name": "shop", "namespace": "team-a"}, "spec": spec or {}}}
    return dataclasses.replace(inputs_of(document), **facts)


BASE = inputs(cluster=BLOCK, routes=(ROUTE,), revocations=b"{}")
OTHERS: dict[str, Any] = {
    "name": "shop2",
    "namespace": "team-b",
    "uid": "another",
    "spec": parse_spec(GatewaySpec, {"replicas": 3}, where="here"),
    "annotations": {"mcpg.dev/config-dialect": "flat"},
    "defaults": dataclasses.replace(BASE.defaults, tag="v2"),
    "plugins": resolved(plugin("dev.acme.audit")),
    "revocations": b"{ }",
    "cluster": dataclasses.replace(BLOCK, credentials=(dataclasses.replace(CREDENTIAL, value=b"two"),)),
    "routes": (dataclasses.replace(ROUTE, attribute="south"),),
    "tenant": TenantScope(name="north", identity=Identity(key="tenant", value="north")),
    "monitoring": True,
    "handling": Handling.RECREATE,
    "clamp": 1,
}


def test_every_input_counts() -> None:
    assert OTHERS.keys() == {one.name for one in dataclasses.fields(GatewayInputs)}
    prints = [fingerprint(BASE), *(fingerprint(dataclasses.replace(BASE, **{name: other})) for name, other in OTHERS.items())]
    assert len(set(prints)) == len(prints)


def test_values_that_only_python_takes_for_equal_count_as_different() -> None:
    values = [True, 1, 1.0, "1", "true", None, [1], {"1": 1}, 0, False, -0.0, 0.0]
    prints = {fingerprint(inputs({"config": {"a": value}})) for value in values}
    assert len(prints) == len(values)


def test_equal_inputs_have_one_print() -> None:
    assert fingerprint(inputs(cluster=BLOCK, routes=(ROUTE,), revocations=b"{}")) == fingerprint(BASE)


@pytest.mark.parametrize("case", [one for one in RENDER_CASES if not one.refused], ids=lambda one: str(one.name))
def test_what_is_remembered_is_what_would_be_made(case: RenderCase) -> None:
    given = inputs_of(case.document)
    memory, expected = LastRendering(), render_gateway(given)
    assert memory.render(given) == expected
    assert memory.render(given) == expected


def test_the_same_is_rendered_once_and_anything_else_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[GatewayInputs] = []

    def counting(given: GatewayInputs) -> RenderedGateway:
        made.append(given)
        return render_gateway(given)

    monkeypatch.setattr("mcpg_operator.render.gateway.memo.render_gateway", counting)
    memory = LastRendering()
    for given in (inputs(), inputs(), inputs({"replicas": 1}), inputs({"config": {"a": 1}}), inputs({"config": {"a": True}})):
        memory.render(given)
    assert len(made) == 4


def test_nobody_changes_what_is_remembered() -> None:
    memory = LastRendering()
    first = memory.render(inputs())
    first.children[0]["metadata"]["labels"]["app.kubernetes.io/part-of"] = "evil"
    second = memory.render(inputs())
    second.children[0]["metadata"]["name"] = "evil"
    assert memory.render(inputs()) == render_gateway(inputs())


def test_what_cannot_be_rendered_leaves_no_memory() -> None:
    memory = LastRendering()
    memory.render(inputs())
    unusable = inputs({"pluginSetRef": {"name": "main"}})
    for _ in range(2):
        with pytest.raises(InvalidManifestError):
            memory.render(unusable)
    assert memory.render(inputs()) == render_gateway(inputs())


def test_what_nobody_knows_how_to_write_is_no_input() -> None:
    with pytest.raises(TypeError, match="object"):
        fingerprint(dataclasses.replace(inputs(), annotations={"a": object()}))  # type: ignore[dict-item]


def test_a_large_list_is_not_kept_for_each_gateway() -> None:
    text = "".join(hashlib.sha256(bytes([one])).hexdigest() for one in range(256)) * 20
    given = inputs(revocations=text.encode())
    memory = LastRendering()
    memory.render(given)
    assert len(memory._packed) < 10_000
    assert memory.render(given) == render_gateway(given)
