"""The rewrite table of `MCPGPluginMirror`, row by row, and what makes a rule unusable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from supplychain.errors import InputError, InvalidManifestError, InvalidReferenceError, MirrorUnresolvedError
from supplychain.mirror.rewrite import MirrorRule, rewrite

A = "sha256:" + "aa" * 32
H = "harbor.oci-mirror.svc.cluster.local:80"
SOURCE = "ghcr.io/mcpg-dev/source-code"
RULE = MirrorRule(
    name="air-gap",
    service="harbor",
    namespace="oci-mirror",
    port=80,
    path_prefix="/v2/mirror",
    upstream_registry="ghcr.io",
    upstream_namespace="mcpg-dev/source-code",
)
HUB: dict[str, Any] = {"upstream_registry": "docker.io", "upstream_namespace": "library", "path_prefix": ""}


@pytest.mark.parametrize(
    ("image", "changes", "result"),
    [
        pytest.param(f"{SOURCE}/plugins/audit:1.2.3", {}, f"{H}/v2/mirror/plugins/audit:1.2.3", id="tag"),
        pytest.param(f"{SOURCE}/plugins/audit@{A}", {}, f"{H}/v2/mirror/plugins/audit@{A}", id="digest"),
        pytest.param(f"{SOURCE}/plugins/audit:1.2.3@{A}", {}, f"{H}/v2/mirror/plugins/audit:1.2.3@{A}", id="tag-and-digest"),
        pytest.param(f"{SOURCE}/audit:1", {"path_prefix": ""}, f"{H}/audit:1", id="no-prefix"),
        pytest.param(f"{SOURCE}/audit:1", {"path_prefix": "/"}, f"{H}/audit:1", id="prefix-slash"),
        pytest.param(f"{SOURCE}/audit:1", {"path_prefix": "v2/mirror"}, f"{H}/v2/mirror/audit:1", id="prefix-bare"),
        pytest.param(f"{SOURCE}/audit:1", {"path_prefix": "/v2/mirror"}, f"{H}/v2/mirror/audit:1", id="prefix-slash-before"),
        pytest.param(f"{SOURCE}/audit:1", {"path_prefix": "v2/mirror/"}, f"{H}/v2/mirror/audit:1", id="prefix-slash-after"),
        pytest.param(f"{SOURCE}/audit:1", {"path_prefix": "/v2/mirror/"}, f"{H}/v2/mirror/audit:1", id="prefix-slash-both"),
        pytest.param(f"{SOURCE}/audit:1", {"path_prefix": "///a/b///"}, f"{H}/a/b/audit:1", id="prefix-many-slashes"),
        pytest.param("GHCR.IO/mcpg-dev/source-code/x:1", {}, f"{H}/v2/mirror/x:1", id="host-ignoring-case"),
        pytest.param(
            f"{SOURCE}/x:1",
            {"upstream_registry": "ghcr.io/", "upstream_namespace": "/mcpg-dev/source-code/"},
            f"{H}/v2/mirror/x:1",
            id="slashes-around-the-upstream",
        ),
        pytest.param(
            f"{SOURCE}/x:1", {"upstream_namespace": "mcpg-dev"}, f"{H}/v2/mirror/source-code/x:1", id="shorter-namespace"
        ),
        pytest.param(
            "localhost:5000/acme/x:1",
            {"upstream_registry": "localhost:5000", "upstream_namespace": "acme", "port": 5000, "path_prefix": ""},
            "harbor.oci-mirror.svc.cluster.local:5000/x:1",
            id="upstream-with-port",
        ),
        pytest.param("docker.io/library/redis:7", HUB, f"{H}/redis:7", id="docker-hub-written-out"),
        pytest.param(f"{SOURCE}/x:1", {"port": 443}, "harbor.oci-mirror.svc.cluster.local:443/v2/mirror/x:1", id="port-443"),
        pytest.param(
            f"{SOURCE}/x:1", {"cluster_domain": "k8s.corp"}, "harbor.oci-mirror.svc.k8s.corp:80/v2/mirror/x:1", id="domain"
        ),
        pytest.param(f"{SOURCE}/x:1", {"endpoint": "localhost:5000"}, "localhost:5000/v2/mirror/x:1", id="override"),
    ],
)
def test_a_covered_reference_is_renamed_onto_the_mirror(image: str, changes: dict[str, Any], result: str) -> None:
    assert str(rewrite(image, mirror=replace(RULE, **changes))) == result


@pytest.mark.parametrize(
    ("image", "changes"),
    [
        pytest.param("ghcr.io/mcpg-dev/source-code-evil/audit:1", {}, id="look-alike-namespace"),
        pytest.param("ghcr.io/mcpg-dev/source-code:1", {}, id="the-namespace-itself"),
        pytest.param("ghcr.io/mcpg-dev/source-code/", {}, id="nothing-after-the-prefix"),
        pytest.param("ghcr.io/mcpg-dev/other/x:1", {}, id="other-namespace"),
        pytest.param("ghcr.io/MCPG-dev/source-code/x:1", {}, id="repository-in-other-case"),
        pytest.param("https://ghcr.io/mcpg-dev/source-code/x:1", {}, id="with-scheme"),
        pytest.param("ghcr.io:443/mcpg-dev/source-code/x:1", {}, id="with-port"),
        pytest.param("ghcr.io/mcpg-dev/source-code/x:1", {"upstream_registry": "https://ghcr.io"}, id="scheme-in-the-rule"),
        pytest.param("ghcr.io/mcpg-dev/source-code/x:1", {"upstream_namespace": "/"}, id="empty-namespace-in-the-rule"),
        pytest.param("ghcr.io//x:1", {"upstream_namespace": ""}, id="empty-segment-for-an-empty-namespace"),
        pytest.param("redis:7", HUB, id="implied-docker-hub"),
        pytest.param("", {}, id="empty"),
    ],
)
def test_a_reference_that_the_rule_does_not_cover_is_not_resolved(image: str, changes: dict[str, Any]) -> None:
    with pytest.raises(MirrorUnresolvedError) as caught:
        rewrite(image, mirror=replace(RULE, **changes))
    assert "mirror `air-gap` does not cover the reference" in str(caught.value)


@pytest.mark.parametrize(
    ("image", "part"),
    [
        pytest.param(f"{SOURCE}/plugins/audit", "neither tag nor digest", id="no-tag"),
        pytest.param(f"{SOURCE}//x:1", "unusable repository", id="empty-segment"),
        pytest.param(f"{SOURCE}/x:1@sha256:aa", "unusable digest", id="short-digest"),
        pytest.param(f"{SOURCE}/../x:1", "unusable repository", id="climbing"),
    ],
)
def test_a_covered_text_that_is_no_reference_is_refused(image: str, part: str) -> None:
    with pytest.raises(InvalidReferenceError, match=part):
        rewrite(image, mirror=RULE)


def test_a_result_that_the_prefix_makes_too_long_is_refused() -> None:
    image = f"{SOURCE}/{'x' * 100}:1"
    with pytest.raises(InvalidReferenceError, match="unusable repository"):
        rewrite(image, mirror=replace(RULE, path_prefix="p" * 200))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param(
            {"path_prefix": "a//b"}, "`endpoint.service.pathPrefix` is no repository path: `a//b`", id="prefix-empty-segment"
        ),
        pytest.param({"path_prefix": " x "}, "`endpoint.service.pathPrefix` is no repository path: ` x `", id="prefix-spaces"),
        pytest.param({"path_prefix": "A"}, "`endpoint.service.pathPrefix` is no repository path: `A`", id="prefix-upper-case"),
        pytest.param(
            {"path_prefix": "a/../b"}, "`endpoint.service.pathPrefix` is no repository path: `a/../b`", id="prefix-climbing"
        ),
        pytest.param({"path_prefix": "./a"}, "`endpoint.service.pathPrefix` is no repository path: `./a`", id="prefix-dot"),
        pytest.param({"path_prefix": "a:1/b"}, "`endpoint.service.pathPrefix` is no repository path: `a:1/b`", id="prefix-colon"),
        pytest.param({"service": "Harbor"}, "`endpoint.service.name` is no DNS label: `Harbor`", id="name"),
        pytest.param({"service": "evil.example/x"}, "`endpoint.service.name` is no DNS label: `evil.example/x`", id="name-host"),
        pytest.param({"service": "x" * 64}, f"`endpoint.service.name` is no DNS label: `{'x' * 64}`", id="name-long"),
        pytest.param({"namespace": ""}, "`endpoint.service.namespace` is no DNS label: ``", id="namespace"),
        pytest.param({"port": 0}, "`endpoint.service.port` is not within 1 and 65535: 0", id="port-zero"),
        pytest.param({"port": 65536}, "`endpoint.service.port` is not within 1 and 65535: 65536", id="port-large"),
        pytest.param({"cluster_domain": "a..b"}, "the cluster domain is no DNS name: `a..b`", id="domain"),
        pytest.param({"endpoint": "http://h:1"}, "the endpoint override is no registry host: `http://h:1`", id="override-scheme"),
        pytest.param({"endpoint": "h:1/x"}, "the endpoint override is no registry host: `h:1/x`", id="override-path"),
        pytest.param(
            {"upstream_registry": "https://ghcr.io"}, "`upstream.registry` has a scheme: `https://ghcr.io`", id="scheme"
        ),
        pytest.param({"upstream_registry": "GHCR.io"}, "`upstream.registry` has upper-case letters: `GHCR.io`", id="upper-case"),
        pytest.param(
            {"upstream_registry": "ghcr.io/x"},
            "`upstream.registry` is no registry host with a dot or a port: `ghcr.io/x`",
            id="path",
        ),
        pytest.param({"upstream_registry": ""}, "`upstream.registry` is no registry host with a dot or a port: ``", id="blank"),
        pytest.param(
            {"upstream_registry": "localhost"},
            "`upstream.registry` is no registry host with a dot or a port: `localhost`",
            id="dotless",
        ),
        pytest.param({"upstream_namespace": "//"}, "`upstream.namespace` is empty", id="empty-namespace"),
        pytest.param(
            {"upstream_namespace": "a//b"}, "`upstream.namespace` is no repository path: `a//b`", id="namespace-segment"
        ),
    ],
)
def test_a_rule_names_its_own_problem(changes: dict[str, Any], problem: str) -> None:
    rule = replace(RULE, **changes)
    assert rule.problems == (problem,)
    with pytest.raises(InvalidManifestError, match="the mirror is unusable") as caught:
        rule.check()
    assert problem in str(caught.value)


def test_a_sound_rule_has_no_problems() -> None:
    assert RULE.problems == ()
    RULE.check()


@pytest.mark.parametrize("prefix", ["a//b", " x "])
def test_a_broken_prefix_refuses_what_it_would_rename(prefix: str) -> None:
    with pytest.raises(InvalidManifestError, match="pathPrefix"):
        rewrite(f"{SOURCE}/audit:1", mirror=replace(RULE, path_prefix=prefix))


def test_a_rule_that_can_cover_nothing_says_why() -> None:
    with pytest.raises(MirrorUnresolvedError) as caught:
        rewrite(f"{SOURCE}/x:1", mirror=replace(RULE, upstream_registry="https://ghcr.io"))
    assert caught.value.hint == "`upstream.registry` has a scheme: `https://ghcr.io`"
    with pytest.raises(MirrorUnresolvedError, match="does not cover") as caught:
        rewrite("ghcr.io/other/x:1", mirror=RULE)
    assert caught.value.hint == MirrorUnresolvedError.default_hint


def test_every_refusal_is_the_requests_fault() -> None:
    for image in ("", "x", "ghcr.io/mcpg-dev/source-code/\0:1", "ghcr.io/mcpg-dev/source-code/x:\n", "@", "/" * 9):
        with pytest.raises(InputError):
            rewrite(image, mirror=RULE)


@pytest.mark.parametrize("endpoint", ["ghcr.io", "GHCR.io:443", "ghcr.io."])
def test_an_endpoint_that_is_the_upstream_itself_is_refused(endpoint: str) -> None:
    rule = replace(RULE, upstream_registry="ghcr.io", endpoint=endpoint)
    with pytest.raises(InvalidManifestError):
        rule.check()


@pytest.mark.parametrize("port", [1, 65535])
def test_the_first_and_the_last_port_are_ports(port: int) -> None:
    assert replace(RULE, port=port).problems == ()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param({"path_prefix": "X"}, "`endpoint.service.pathPrefix` is no repository path: `X`", id="only slashes go"),
        pytest.param(
            {"upstream_registry": "ghcr.ioX"}, "`upstream.registry` has upper-case letters: `ghcr.ioX`", id="only slashes go here"
        ),
        pytest.param({"endpoint": "a b"}, "the endpoint override is no registry host: `a b`", id="override with a space"),
        pytest.param(
            {"upstream_registry": "a.b c"},
            "`upstream.registry` is no registry host with a dot or a port: `a.b c`",
            id="registry with a space",
        ),
        pytest.param(
            {"upstream_namespace": "", "endpoint": "ghcr.io"}, "`upstream.namespace` is empty", id="one fault at a time"
        ),
    ],
)
def test_a_rule_names_its_own_problem_and_no_other(changes: dict[str, Any], problem: str) -> None:
    assert replace(RULE, **changes).problems == (problem,)


def test_what_is_no_reference_upstream_is_none_on_the_mirror() -> None:
    rule = replace(RULE, upstream_namespace="n" * 150, path_prefix="")
    assert str(rewrite(f"ghcr.io/{'n' * 150}/{'x' * 50}:1", mirror=rule)).startswith(H)
    with pytest.raises(InvalidReferenceError, match="unusable repository"):
        rewrite(f"ghcr.io/{'n' * 150}/{'x' * 150}:1", mirror=rule)
