"""What a gateway does with its configuration before it serves: read it, refuse what it does not know, load its plugins.

Written from the gateway's public contract and sharing no code with the renderer. `boot` gives what the gateway would run with, or
raises `BootError`. Both dialects: `seed` (`plugins.entries`, `$identity`, `cred://cluster/…`) and `flat` (`plugins`, `identity`).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from supplychain import strict_yaml
from tests.support.cel import CelError, evaluate, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["BootError", "Gateway", "boot"]

_TOP = {
    "mcp", "governance", "gateway", "observability", "feature_flags", "debug", "schema_registry", "storage", "cluster", "plugins",
    "config_source",
}  # fmt: skip
_GATEWAY = {"server", "admin", "control_plane", "plugin_registry", "config_overlay", "secrets"}
_SERVER = {"bind_address", "health_path", "mcp_path", "tls", "allowed_origins", "max_sessions_per_tenant"}
_TLS = {"cert_path", "key_path", "min_tls_version", "client_ca_certs_path", "client_cert_required"}
_REGISTRY = {
    "default_registry", "cache_dir", "auth", "tls", "mirrors", "default_signature_policy", "trusted_keys", "revocation_list_path",
    "insecure_registries", "require_integrity_anchor",
}  # fmt: skip
_GOVERNANCE = {"access", "policy", "approvals", "audit"}
_ACCESS = {"default_minimum_trust", "cel_allow_if", "rules"}
_RULE = {"tool_name", "minimum_trust", "cel_allow_if", "required_scopes"}
_PLUGIN = {
    "id", "ref", "kind", "class", "source", "config", "signature", "enforce", "granted_capabilities", "disabled", "limits",
    "ffi_limits", "inline_dispatch", "http_route", "observability",
}  # fmt: skip
_CLASSES = {
    "tool_gate", "transform", "identity_provider", "backend", "watch_strategy", "http_route", "audit_sink", "store", "cache",
    "telemetry_sink", "log_sink", "metrics_sink", "secret_provider", "config_provider", "transport", "policy_engine", "cluster",
    "catalog_provider", "credential_issuer", "approval_notifier", "content_store",
}  # fmt: skip
_TRUST = ("unauthenticated", "header_asserted", "verified")
_COORDINATORS = {kind: f"dev.mcpg.cluster.{kind}" for kind in ("redis", "nats", "consul", "etcd")}
_SURFACES = ("tools", "prompts", "resources", "resource_templates")
_ENV = re.compile(r"\$\{env\.([A-Za-z_][A-Za-z0-9_]*)\}")
_CLUSTER_CRED = re.compile(r"cred://cluster/([A-Za-z0-9._-]+)")
_CREDENTIALS = "/etc/mcpg/credentials/cluster"
_HEX = re.compile(r"[0-9a-f]{64}")


class BootError(Exception):
    """The gateway refuses to start."""


@dataclass
class Gateway:
    """A gateway that has started."""

    config: dict[str, Any]
    dialect: str
    plugins: dict[str, Path] = field(default_factory=dict)
    """The library of each plugin, in the order of the list."""
    revoked: set[str] = field(default_factory=set)
    bind: str = ""

    def allows(self, tool: str, *, trust: str = "verified", attributes: Mapping[str, str] | None = None) -> bool:
        """Whether a caller may call a tool: by trust, the global policy, the tool's rule, and the policy at its binding."""
        variable = "$identity" if self.dialect == "seed" else "identity"
        identity = {"attributes": dict(attributes or {})}
        variables = {variable: identity, "tool_name": tool, "trust_level": trust}
        access = _at(self.config, "governance", "policy", "tool_access") or {}
        rule: dict[str, Any] = next((one for one in access.get("rules") or [] if one["tool_name"] == tool), {})
        binding = next((one.get("governance") or {} for kind, one in _bound(self.config) if one["name"] == tool), {})
        minimum = rule.get("minimum_trust") or binding.get("minimum_trust") or access.get("default_minimum_trust")
        if _TRUST.index(trust) < _TRUST.index(minimum or "header_asserted"):
            return False
        policies = [access.get("cel_allow_if"), rule.get("cel_allow_if"), binding.get("allow_if")]
        try:
            return all(evaluate(one, variables, dollar=self.dialect == "seed") is True for one in policies if one is not None)
        except CelError:
            return False


def boot(config: bytes, *, dialect: str, root: Path, environment: Mapping[str, str] | None = None) -> Gateway:
    """Start a gateway whose file system begins at `root`.

    Raises:
        BootError: it would not start.
    """
    document = _parsed(config)
    found = _resolved(document, root=root, environment=environment or {}, dialect=dialect, within="")
    _expect(found, _TOP, "")
    gateway = Gateway(config=found, dialect=dialect)
    gateway.bind = (environment or {}).get("MCPG_GATEWAY__SERVER__BIND_ADDRESS") or str(
        _at(found, "gateway", "server", "bind_address") or "127.0.0.1:8787"
    )
    _sections(found)
    _policy(found, dialect)
    gateway.revoked = _revocations(found, root)
    _plugins(gateway, root)
    _cluster(found, gateway)
    return gateway


def _parsed(config: bytes) -> Any:
    """Read the file in two ways, which have to agree: the gateway's reader is neither."""
    try:
        document = strict_yaml.loads(config, limit=1024 * 1024)
    except strict_yaml.StrictYamlError as error:
        raise BootError(f"no YAML: {error}") from error
    if yaml.safe_load(config) != document:
        raise BootError("readers of YAML 1.1 and 1.2 understand different things")
    if not isinstance(document, dict):
        raise BootError("no mapping")
    return document


def _resolved(value: Any, *, root: Path, environment: Mapping[str, str], dialect: str, within: str) -> Any:
    """Replace what is replaced when the file is read: variables, and whole texts that refer to secrets."""
    if isinstance(value, dict):
        return {
            key: _resolved(one, root=root, environment=environment, dialect=dialect, within=within or key)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [_resolved(one, root=root, environment=environment, dialect=dialect, within=within) for one in value]
    if not isinstance(value, str):
        return value

    def variable(name: re.Match[str]) -> str:
        if name[1] not in environment:
            raise BootError(f"the variable {name[1]} is not set")
        return environment[name[1]]

    if within == "cluster":
        value = _cluster_secrets(value, root, dialect)
    return _ENV.sub(variable, value)


def _cluster_secrets(value: str, root: Path, dialect: str) -> str:
    if dialect == "flat":
        if "cred://" in value:
            raise BootError("nobody knows the scheme cred://cluster")
        return _secret(root, value.removeprefix("file://")) if value.startswith("file://") else value
    return re.sub(
        r"\$\{cred://cluster/([A-Za-z0-9._-]+)\}|^cred://cluster/([A-Za-z0-9._-]+)$",
        lambda found: _secret(root, f"{_CREDENTIALS}/{found[1] or found[2]}"),
        value,
    )


def _secret(root: Path, path: str) -> str:
    try:
        return (root / path.lstrip("/")).read_text()
    except OSError as error:
        raise BootError(f"no secret at {path}") from error


def _sections(config: dict[str, Any]) -> None:
    for path, known in (
        (("gateway",), _GATEWAY),
        (("gateway", "server"), _SERVER),
        (("gateway", "server", "tls"), _TLS),
        (("gateway", "plugin_registry"), _REGISTRY),
        (("governance",), _GOVERNANCE),
        (("governance", "policy"), {"tool_access"}),
        (("governance", "policy", "tool_access"), _ACCESS),
        (("mcp",), {"capabilities", "configurations", "federations"}),
        (("mcp", "capabilities"), set(_SURFACES)),
    ):
        _expect(_at(config, *path), known, ".".join(path))


def _policy(config: dict[str, Any], dialect: str) -> None:
    access = _at(config, "governance", "policy", "tool_access") or {}
    bound = {one["name"] for _, one in _bound(config)}
    seen: set[str] = set()
    _compiles(access.get("cel_allow_if"), dialect)
    for one in access.get("rules") or []:
        _expect(one, _RULE, "rules[]")
        name = one.get("tool_name")
        if not isinstance(name, str) or not name or name in seen:
            raise BootError(f"rule twice or without a name: {name!r}")
        if dialect == "flat" and name in bound:
            raise BootError(f"a rule names the bound surface {name!r}")
        if one.get("minimum_trust", "verified") not in _TRUST:
            raise BootError(f"unknown trust {one['minimum_trust']!r}")
        seen.add(name)
        _compiles(one.get("cel_allow_if"), dialect)
    for _, one in _bound(config):
        governance = one.get("governance") or {}
        _expect(governance, {"minimum_trust", "allow_if", "required_scopes"}, "governance of a binding")
        _compiles(governance.get("allow_if"), dialect)


def _compiles(policy: Any, dialect: str) -> None:
    if policy is None:
        return
    if not isinstance(policy, str) or not policy.strip():
        raise BootError("a policy is empty")
    try:
        tokens(policy, dollar=dialect == "seed")
    except (CelError, ValueError) as error:
        raise BootError(f"a policy does not compile: {error}") from error
    variable, other = ("$identity", "identity.attributes") if dialect == "seed" else ("identity", "$identity")
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', policy)
    if other in outside.replace(variable + ".attributes", ""):
        raise BootError(f"a policy of the other dialect: {policy}")


def _revocations(config: dict[str, Any], root: Path) -> set[str]:
    path = _at(config, "gateway", "plugin_registry", "revocation_list_path")
    if not path:
        return set()
    try:
        document = json.loads((root / path.lstrip("/")).read_bytes())
    except (OSError, ValueError) as error:
        raise BootError(f"no revocation list at {path}: {error}") from error
    if document.get("version") != 1:
        raise BootError("a revocation list of another version")
    hashes = [one["artifact_sha256"].strip().lower() for one in document.get("revocations", [])]
    if len(set(hashes)) < len(hashes) or not all(map(_HEX.fullmatch, hashes)):
        raise BootError("a revocation list with wrong entries")
    return set(hashes)


def _plugins(gateway: Gateway, root: Path) -> None:
    found = gateway.config.get("plugins")
    if gateway.dialect == "seed":
        _expect(found, {"entries"}, "plugins")
        found = (found or {}).get("entries")
    if found is not None and not isinstance(found, list):
        raise BootError("plugins have another form")
    registry = _at(gateway.config, "gateway", "plugin_registry") or {}
    for one in found or []:
        _expect(one, _PLUGIN, "plugins[]")
        name = one.get("id")
        if not isinstance(name, str) or not name.strip() or name in gateway.plugins:
            raise BootError(f"a plugin twice or without an id: {name!r}")
        if one.get("kind") not in {"native", "wasm"} or one.get("class") not in _CLASSES:
            raise BootError(f"unknown kind or class of {name}")
        _expect(one.get("source"), {"path", "oci"}, "source")
        if set(one.get("source") or {}) != {"path"}:
            raise BootError(f"{name} has no file")
        if not isinstance(one.get("enforce", True), bool):
            raise BootError(f"{name}: enforce")
        gateway.plugins[name] = _load(one, registry=registry, revoked=gateway.revoked, root=root)


def _load(entry: dict[str, Any], *, registry: dict[str, Any], revoked: set[str], root: Path) -> Path:
    path = root / str(entry["source"]["path"]).lstrip("/")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BootError(f"no library at {path}") from error
    signature = entry.get("signature") or {}
    _expect(signature, {"sha256", "policy", "trusted_keys"}, "signature")
    actual = hashlib.sha256(content).hexdigest()
    if signature.get("sha256", actual) != actual:
        raise BootError(f"{entry['id']}: another hash than the pinned one")
    if actual in revoked:
        raise BootError(f"{entry['id']} is revoked")
    policy = signature.get("policy") or registry.get("default_signature_policy") or "enforce"
    keys = [*(signature.get("trusted_keys") or []), *(registry.get("trusted_keys") or [])]
    if policy == "enforce" and not _signed(content, Path(f"{path}.sig"), keys):
        raise BootError(f"{entry['id']} is not signed by a trusted key")
    _capabilities(entry, Path(f"{path}.plugin.yaml"))
    return path


def _signed(content: bytes, file: Path, keys: Iterable[dict[str, Any]]) -> bool:
    if not file.is_file() or len(file.read_bytes()) != 64:
        return False
    for one in keys:
        _expect(one, {"id", "pem"}, "trusted_keys[]")
        key = load_pem_public_key(one["pem"].encode())
        assert isinstance(key, Ed25519PublicKey)
        try:
            key.verify(file.read_bytes(), content)
        except InvalidSignature:
            continue
        return True
    return False


def _capabilities(entry: dict[str, Any], file: Path) -> None:
    if not file.is_file():
        return
    granted = [_capability(one) for one in entry.get("granted_capabilities") or []]
    for kind, arguments in map(_capability, yaml.safe_load(file.read_bytes()).get("required_capabilities") or []):
        if not any(kind == other and arguments <= given for other, given in granted):
            raise BootError(f"{entry['id']} is not granted {kind}")


def _capability(value: Any) -> tuple[str, set[str]]:
    if isinstance(value, str):
        return value, set()
    rest = {key: one for key, one in value.items() if key != "type"}
    return value["type"], {text for one in rest.values() for text in one}


def _cluster(config: dict[str, Any], gateway: Gateway) -> None:
    kind = _at(config, "cluster", "kind")
    if "cluster" in config and kind not in {"single_node", *_COORDINATORS}:
        raise BootError(f"unknown coordinator {kind!r}")
    wanted = _COORDINATORS.get(str(kind))
    entries = config.get("plugins") or []
    refs = {one.get("ref") for one in (entries if isinstance(entries, list) else entries.get("entries") or [])}
    if wanted is not None and wanted not in {*gateway.plugins, *refs}:
        raise BootError(f"no plugin for the coordinator {kind}")


def _bound(config: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    for kind in _SURFACES:
        for one in _at(config, "mcp", "capabilities", kind) or []:
            yield kind, one


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _expect(value: Any, known: set[str], where: str) -> None:
    if value is None:
        return
    if not isinstance(value, dict):
        raise BootError(f"{where or 'the file'} is no mapping")
    if unknown := sorted(set(value) - known):
        raise BootError(f"unknown field {where}.{unknown[0]}")
