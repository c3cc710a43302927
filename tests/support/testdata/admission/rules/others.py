"""Cases of `MCPGCluster`, `MCPGTenant`, `MCPGPlugin` and `MCPGRevocationList`."""

from __future__ import annotations

from typing import Any, Final

from tests.support.testdata.admission.rules.case import (
    PLUGIN,
    denied,
    document,
    fine,
    gateway,
    namespace,
    plugin,
    route,
    tenant,
    warned,
)

__all__ = ["CASES"]

_PLAIN: Final = "PlaintextTransport"
_TLS: Final = {"require_coordinator_tls": True}
_IDENTITY: Final[dict[str, Any]] = {
    "certificateIdentityRegexp": r"^https://github\.com/acme/audit/\.github/workflows/release\.yml@refs/tags/v1\.2\.3$",
    "oidcIssuer": "https://token.actions.githubusercontent.com",
}


def _cluster(backend: str, credentials: Any = None, **config: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"backend": backend, **({"config": config} if config else {})}
    return document("MCPGCluster", "shared", spec if credentials is None else {**spec, "credentialRefs": credentials})


def _credential(name: str) -> list[dict[str, str]]:
    return [{"name": name, "secretName": "redis"}]


def _bound(name: str, **spec: Any) -> dict[str, Any]:
    return gateway(name, clusterRef={"name": "shared"}, **spec)


_SECURE: Final = _cluster("redis", url="rediss://redis.infra:6379")
_CLUSTERS: Final = (
    warned(_PLAIN, "spec.config.url", "redis in plain text", _cluster("redis", url=" REDIS://redis.infra:6379"), why="Admitted with a warning."),
    warned(_PLAIN, "spec.config.address", "consul in plain text", _cluster("consul", address="http://consul.infra:8500"), why="Admitted with a warning."),
    warned(_PLAIN, "spec.config.endpoints[1]", "etcd in plain text", _cluster("etcd", endpoints=["https://a:2379", "b:2379"]),
           why="An endpoint without a scheme is plain text."),
    warned(_PLAIN, "spec.config.tls.require_tls", "nats in plain text", _cluster("nats", servers=["nats://nats.infra"], tls={"require_tls": False}),
           why="Admitted with a warning."),
    denied(422, _PLAIN, "spec.config.url", "redis in plain text where that is refused", _cluster("redis", url="redis://redis.infra:6379"),
           why="A setting of the operator.", strictness=_TLS),
    fine(_PLAIN, "redis with TLS", _SECURE, why="As it should be.", strictness=_TLS),
    fine(_PLAIN, "consul with TLS", _cluster("consul", address="https://consul.infra:8501"), why="As it should be.", strictness=_TLS),
    fine(_PLAIN, "etcd with TLS", _cluster("etcd", endpoints=["https://a:2379"]), why="As it should be.", strictness=_TLS),
    fine(_PLAIN, "nats that does not refuse TLS", _cluster("nats", servers=["nats://nats.infra"]), why="As it should be.", strictness=_TLS),
    fine(_PLAIN, "redis in plain text on purpose", _cluster("redis", url="redis://redis.infra:6379", allow_insecure_transport=True),
         why="It is accepted.", strictness=_TLS),
    fine(_PLAIN, "redis at a placeholder", _cluster("redis", url="${env.REDIS_URL}"), why="Nobody knows.", strictness=_TLS),
    fine(_PLAIN, "single node", _cluster("single_node"), why="There is no transport.", strictness=_TLS),
    denied(422, "CoordinatorInUse", "spec.backend", "single node for gateways with several replicas", _cluster("single_node"),
           why="They would lose what they share.", old=_SECURE, world=(_bound("shop", replicas=2), _bound("till"))),
    fine("CoordinatorInUse", "single node for gateways with one replica", _cluster("single_node"), why="Nothing is shared.", old=_SECURE,
         world=(_bound("shop"), gateway("till", replicas=2))),
    fine("CoordinatorInUse", "single node that was one before", _cluster("single_node"), why="Nothing changes for them.",
         old=document("MCPGCluster", "shared", {}), world=(_bound("shop", replicas=2),)),
    fine("CoordinatorInUse", "single node that is new", _cluster("single_node"), why="A gateway that waits for it must not keep it out.",
         world=(_bound("shop", replicas=2),)),
    fine("CoordinatorInUse", "other backend for gateways with several replicas", _SECURE, why="They share that one.",
         old=_cluster("consul", address="https://consul.infra:8501"), world=(_bound("shop", replicas=2),)),
    warned("CredentialNotDeclared", "spec.config.password", "credential that nobody declares",
           _cluster("redis", url="rediss://redis.infra", password="cred://cluster/pw"), why="It would not be there."),
    warned("CredentialNotDeclared", "spec.config.url", "credential within an address that nobody declares",
           _cluster("redis", _credential("user"), url="rediss://app:${cred://cluster/pw}@redis.infra"), why="It would not be there."),
    fine("CredentialNotDeclared", "credential that is declared", _cluster("redis", _credential("pw"), url="rediss://redis.infra", password="cred://cluster/pw"),
         why="It is there."),
    warned("CredentialInline", "spec.config.password", "password in the open", _cluster("redis", url="rediss://redis.infra", password="hunter2"),
           why="Whoever reads the object reads it."),
    warned("CredentialInline", "spec.config.url", "password within an address", _cluster("redis", url="rediss://app:hunter2@redis.infra"),
           why="Whoever reads the object reads it."),
    warned("CredentialInline", "spec.config.auth[0].api-token", "token in a list", _cluster("redis", url="rediss://redis.infra", auth=[{"api-token": 12345678}]),
           why="Whoever reads the object reads it."),
    fine("CredentialInline", "user without a password within an address", _cluster("redis", url="rediss://app@redis.infra"), why="No secret."),
    fine("CredentialInline", "password that is a placeholder", _cluster("redis", url="rediss://app:${env.PW}@redis.infra", password="${env.PW}"),
         why="No secret."),
    fine("CredentialInline", "number that only sounds like a token", _cluster("redis", url="rediss://redis.infra", token_ttl_seconds=30, use_password=True),
         why="No secret."),
)  # fmt: skip


def _tenant(*namespaces: str, **spec: Any) -> dict[str, Any]:
    return tenant(namespaces=namespaces or ("team-a",), **spec)


_HERE: Final = (namespace("team-a"), namespace("team-b"))
_TENANTS: Final = (
    denied(403, "NamespaceTaken", "spec.namespaces[1]", "namespace of another tenant", _tenant("team-a", "team-b"),
           why="A namespace has one tenant.", world=(*_HERE, tenant("south", namespaces=["team-b"]))),
    fine("NamespaceTaken", "namespaces that it had before", _tenant("team-a"), why="It is itself.", world=(*_HERE, _tenant("team-a", "team-b"))),
    fine("NamespaceTaken", "namespace that nobody else has", _tenant("team-a"), why="Another one is taken.",
         world=(*_HERE, tenant("south", namespaces=["team-b"]))),
    denied(403, "NamespaceProtected", "spec.namespaces[0]", "namespace of the operator", _tenant("mcpg-system"),
           why="Its keys and credentials are there.", world=(namespace("mcpg-system"),)),
    denied(403, "NamespaceProtected", "spec.namespaces[0]", "namespace of an operator that is elsewhere", _tenant("team-a"),
           why="The setting counts.", world=_HERE, strictness={"operator_namespace": "team-a"}),
    fine("NamespaceProtected", "namespace called like the usual one of the operator", _tenant("mcpg-system"), why="The operator is elsewhere.",
         world=(namespace("mcpg-system"),), strictness={"operator_namespace": "operators"}),
    denied(422, "TenantNameTooLong", "metadata.name", "name of 64 characters", tenant("n" * 64), why="It becomes a label's value.", world=_HERE),
    fine("TenantNameTooLong", "name of 63 characters", tenant("n" * 63), why="The longest.", world=_HERE),
    warned("NamespaceNotFound", "spec.namespaces[0]", "namespace that is not there", _tenant("team-a"), why="It may come."),
    fine("NamespaceNotFound", "namespace that is there", _tenant("team-a"), why="It is there.", world=_HERE),
    warned("QuotaExceeded", "spec.quotas.maxRoutes", "fewer routes than there are", _tenant(quotas={"maxRoutes": 1}),
           why="They stay, and no more can come.", world=(*_HERE, route("a"), route("b"))),
    warned("QuotaExceeded", "spec.quotas.maxReplicasPerGateway", "fewer replicas than a gateway has", _tenant(quotas={"maxReplicasPerGateway": 1}),
           why="It stays, and cannot be changed.", world=(*_HERE, gateway(replicas=2))),
    fine("QuotaExceeded", "as many routes as there are", _tenant(quotas={"maxRoutes": 1, "maxReplicasPerGateway": 1}), why="In each namespace by itself.",
         world=(*_HERE, route("a"), route("b", namespace="team-b"), gateway(), gateway(namespace="team-b", replicas=2))),
    warned("NothingAllowed", "spec.allowedPlugins", "tenant that may use no plugin", _tenant(allowedPlugins=[]), why="Perhaps it was forgotten.", world=_HERE),
    fine("NothingAllowed", "tenant that may use some plugin", _tenant(allowedPlugins=[{"name": "dev.acme.audit"}]), why="One.", world=_HERE),
    warned("PrefixWithoutSlash", "spec.allowedPlugins[0].registryPrefix", "prefix that does not end in a slash",
           _tenant(allowedPlugins=[{"registryPrefix": "ghcr.io/acme"}]), why="It names an image as well.", world=_HERE),
    fine("PrefixWithoutSlash", "prefix that ends in a slash", _tenant(allowedPlugins=[{"registryPrefix": "ghcr.io/acme/"}]), why="Only what lies below.",
         world=_HERE),
)  # fmt: skip
_TRUST: Final[dict[str, Any]] = PLUGIN["trust"]
_TAGGED: Final = "ghcr.io/acme/plugins/audit:1.2.3-linux-amd64"
_PLUGINS: Final = (
    denied(422, "VersionNotOfTag", "spec.version", "version that is not the one of the tag",
           plugin(version="1.2.4", oci={"image": f"{_TAGGED}@sha256:{'ab' * 32}"}), why="One of the two is a mistake."),
    fine("VersionNotOfTag", "version of the tag", plugin(version="v1.2.3", oci={"image": f"{_TAGGED}@sha256:{'ab' * 32}"}), why="They agree."),
    fine("VersionNotOfTag", "version beside a tag that is a word", plugin(oci={"image": f"ghcr.io/acme/plugins/audit:stable@sha256:{'ab' * 32}"}),
         why="Nothing to compare."),
    warned("TagAlone", "spec.oci.image", "tag alone", plugin(image=_TAGGED), why="For development."),
    denied(422, "TagAlone", "spec.oci.image", "tag alone where that is refused", plugin(image=_TAGGED), why="A setting of the operator.",
           strictness={"require_digest_or_cosign": True}),
    fine("TagAlone", "tag with an identity", plugin(image=_TAGGED, trust=_TRUST | {"cosignIdentity": _IDENTITY}), why="Somebody vouches for it.",
         strictness={"require_digest_or_cosign": True}),
    fine("TagAlone", "digest alone", plugin(), why="The bytes are named.", strictness={"require_digest_or_cosign": True}),
    warned("PatternTooWide", "spec.trust.cosignIdentity.certificateIdentityRegexp", "pattern without an owner",
           plugin(trust=_TRUST | {"cosignIdentity": _IDENTITY | {"certificateIdentityRegexp": r"^https://github\.com/.+$"}}),
           why="Anybody on that host."),
    fine("PatternTooWide", "pattern with host owner and repository", plugin(trust=_TRUST | {"cosignIdentity": _IDENTITY}), why="As it should be."),
    warned("IssuerNotHttps", "spec.trust.cosignIdentity.oidcIssuer", "issuer without a scheme",
           plugin(trust=_TRUST | {"cosignIdentity": _IDENTITY | {"oidcIssuer": "token.actions.githubusercontent.com"}}),
           why="It will match nobody."),
    fine("IssuerNotHttps", "issuer with a scheme", plugin(trust=_TRUST | {"cosignIdentity": _IDENTITY}), why="As it should be."),
)  # fmt: skip


def _list(*letters: str) -> dict[str, Any]:
    return document(
        "MCPGRevocationList",
        "cluster-default",
        {"version": 1, "revocations": [{"artifactSha256": letter * 64, "reason": "CVE-2026-1"} for letter in letters]},
    )


_LISTS: Final = (
    warned("RevocationRemoved", "spec.revocations", "fewer revocations than before", _list("b"), why="Revoked code may be loaded again.",
           old=_list("a", "b", "c", "d", "e")),
    fine("RevocationRemoved", "more revocations than before", _list("a", "b"), why="Nothing is taken back.", old=_list("a")),
    fine("RevocationRemoved", "revocation in other letters than before", _list("A"), why="The same artifact.", old=_list("a")),
    fine("RevocationRemoved", "list that is new", _list(), why="There was nothing."),
)  # fmt: skip
CASES: Final = (*_CLUSTERS, *_TENANTS, *_PLUGINS, *_LISTS)
