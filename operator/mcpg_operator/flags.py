"""The operator's flags: which there are, which variables stand in for them, and how their texts are read.

Whoever reads a flag gets a value or a `ValueError` that says what was expected; `mcpg_operator.settings` turns it into ours.
"""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FLAGS", "Flag", "pair", "truth"]

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_PORTS: Final = range(65536)
_SIZE: Final = re.compile(r"(?P<number>[0-9]{1,12})(?P<unit>Ki|Mi|Gi)?", re.ASCII)
_UNITS: Final = {"": 1, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}


class Flag(NamedTuple):
    """One setting: its flag, the field it fills, and the variables that stand in for it."""

    name: str
    field: str
    variables: tuple[str, ...]
    read: Callable[[str], Any]
    help: str
    repeatable: bool = False


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 10**8:
        raise ValueError("a positive number of seconds")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 0 < value <= 64:  # noqa: PLR2004 — more threads than that help nobody
        raise ValueError("a whole number between 1 and 64")
    return value


def _retained(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 64:  # noqa: PLR2004
        raise ValueError("a whole number between 0 and 64")
    return value


def truth(text: str) -> bool:
    """Read a truth value; such a flag may stand without a value.

    Raises:
        ValueError: with what is expected, as every reader here.
    """
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("`true` or `false`")
    return word in _TRUE


def _bind(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) not in _PORTS:
        raise ValueError("`HOST:PORT`")
    return host.strip("[]"), int(port)


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(" or ".join(f"`{word}`" for word in words))
        return text.lower()

    return read


def _filter(text: str) -> str:
    """Take the level of our own part out of a filter such as `mcpg_operator=info,kube=warn`; anything unknown is `info`."""
    parts = (part.rpartition("=") for part in text.lower().split(","))
    levels = {name: level for name, _, level in parts}
    word = levels.get("mcpg_operator", levels.get("", "info")).strip()
    return {"trace": "debug", "debug": "debug", "warn": "warning", "error": "error", "off": "error"}.get(word, "info")


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if found is None or int(found["number"]) == 0:
        raise ValueError("a size such as `512Mi`")
    return int(found["number"]) * _UNITS[found["unit"] or ""]


def _often(text: str) -> int:
    value = int(text)
    if not 0 < value < 10**9:
        raise ValueError("a whole number of requests above 0")
    return value


def _much(text: str) -> int:
    value = _bytes(text)
    if value < _UNITS["Mi"]:
        raise ValueError("a size of at least `1Mi`")
    return value


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("some text")
    return text.strip()


def pair(text: str) -> tuple[str, str]:
    """Read one `NAME=VALUE`; several become a mapping."""
    name, equals, host = text.partition("=")
    if not (name and equals and host):
        raise ValueError("`NAME=HOST[:PORT]`")
    return name, host


def _image_part(text: str) -> str:
    return _text(text.strip().rstrip("/"))


def _dns_peer(text: str) -> Mapping[str, Any]:
    """Read who answers DNS: addresses, or pods by namespace and label; as a NetworkPolicy writes them."""
    namespace, _, label = text.strip().partition("/")
    key, equals, value = label.partition("=")
    if namespace and key and equals and value:
        return {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "podSelector": {"matchLabels": {key: value}},
        }
    try:
        return {"ipBlock": {"cidr": str(ip_network(text.strip()))}}
    except ValueError as exc:
        raise ValueError("`NAMESPACE/LABEL=VALUE` or a network such as `169.254.0.0/16`") from exc


def _path(text: str) -> Path:
    return Path(_text(text))


_AGE: Final = "Ready ends that long after the last successful look; default: never"
_ROOT_AGE: Final = "nothing new is let in by a trust root that was confirmed longer ago; default: any"
_LEVEL: Final = _one_of("debug", "info", "warning", "error")
_P: Final = "MCPG_OPERATOR_"
FLAGS: Final = (
    Flag("--metrics-bind", "metrics_bind", (f"{_P}METRICS_BIND",), _bind, "HOST:PORT of metrics and health"),
    Flag("--webhook-bind", "webhook_bind", (f"{_P}WEBHOOK_BIND",), _bind, "HOST:PORT of admission"),
    Flag("--tls-cert-dir", "tls_cert_dir", (f"{_P}TLS_CERT_DIR",), _path, "directory with tls.crt and tls.key"),
    Flag("--tls-self-signed", "tls_self_signed", (f"{_P}TLS_SELF_SIGNED",), truth, "make and renew the webhook's certificate"),
    Flag("--tls-secret", "tls_secret", (f"{_P}TLS_SECRET",), _text, "Secret in which it is kept"),
    Flag("--tls-lifetime-secs", "tls_lifetime", (f"{_P}TLS_LIFETIME_SECS",), _seconds, "how long it is valid"),
    Flag("--webhook-service", "webhook_service", (f"{_P}WEBHOOK_SERVICE",), _text, "Service that leads to the webhook"),
    Flag(
        "--webhook-configuration", "webhook_configuration", (f"{_P}WEBHOOK_CONFIGURATION",), _text, "where `caBundle` is written"
    ),
    Flag(
        "--admission-lookup-failure",
        "admission_lookup_failure",
        (f"{_P}ADMISSION_LOOKUP_FAILURE",),
        _one_of("deny", "allow"),
        "`deny` or `allow` what cannot be judged for want of an answer",
    ),
    Flag(
        "--require-coordinator-tls",
        "require_coordinator_tls",
        (f"{_P}REQUIRE_COORDINATOR_TLS",),
        truth,
        "refuse coordinators in plain text",
    ),
    Flag(
        "--require-digest-or-cosign",
        "require_digest_or_cosign",
        (f"{_P}REQUIRE_DIGEST_OR_COSIGN",),
        truth,
        "refuse plugins named by a tag that nobody signed",
    ),
    Flag("--leader-election", "leader_election", (f"{_P}LEADER_ELECTION",), truth, "reconcile only while holding the Lease"),
    Flag("--lease-name", "lease_name", (f"{_P}LEASE_NAME",), _text, "name of the Lease"),
    Flag("--lease-namespace", "lease_namespace", (f"{_P}LEASE_NAMESPACE",), _text, "its namespace; default: the operator's"),
    Flag("--lease-duration-secs", "lease_duration", (f"{_P}LEASE_DURATION_SECS",), _seconds, "when others may take it over"),
    Flag("--lease-renew-secs", "lease_renew", (f"{_P}LEASE_RENEW_SECS",), _seconds, "when an unrenewed Lease counts as lost"),
    Flag("--lease-retry-secs", "lease_retry", (f"{_P}LEASE_RETRY_SECS",), _seconds, "pause between attempts"),
    Flag("--pod-name", "pod_name", ("POD_NAME",), _text, "identity of this replica"),
    Flag("--resync-interval-secs", "resync_interval", (f"{_P}RESYNC_INTERVAL_SECS",), _seconds, "pause between two looks"),
    Flag("--reconcile-concurrency", "reconcile_concurrency", (f"{_P}RECONCILE_CONCURRENCY",), _count, "threads a controller"),
    Flag("--pull-concurrency", "pull_concurrency", (f"{_P}PULL_CONCURRENCY",), _count, "downloads at the same time"),
    Flag("--watch-namespace", "watch_namespace", (f"{_P}WATCH_NAMESPACE",), _text, "restricts the namespaced kinds"),
    Flag("--operator-service-account", "service_account", (f"{_P}SERVICE_ACCOUNT",), _text, "subject of RoleBindings"),
    Flag("--operator-namespace", "namespace", ("OPERATOR_NAMESPACE", "POD_NAMESPACE"), _text, "home of keys and plugins"),
    Flag("--log-format", "log_format", (f"{_P}LOG_FORMAT",), _one_of("json", "pretty"), "json or pretty"),
    Flag("--log-filter", "log_level", ("RUST_LOG",), _filter, "`part=level,…`; only the level of `mcpg_operator` counts"),
    Flag("--log-level", "log_level", (f"{_P}LOG_LEVEL",), _LEVEL, "debug, info, warning or error; counts more"),
    Flag(
        "--sigstore-trust-root-path", "trust_root", (f"{_P}SIGSTORE_TRUST_ROOT",), _path, "trusted_root.json; read when changed"
    ),
    Flag("--ca-file", "ca_file", (f"{_P}CA_FILE",), _path, "PEM certificates of private registries"),
    Flag("--cluster-domain", "cluster_domain", (f"{_P}CLUSTER_DOMAIN",), _text, "DNS domain of Services"),
    Flag("--platform", "platform", (f"{_P}PLATFORM",), _text, "os/arch[/libc] of the gateways"),
    Flag("--single-verifier", "single_verifier", (f"{_P}SINGLE_VERIFIER",), truth, "leave out the second opinion"),
    Flag("--max-verification-age-secs", "max_verification_age", (f"{_P}MAX_VERIFICATION_AGE_SECS",), _seconds, _AGE),
    Flag("--max-trust-root-age-secs", "max_trust_root_age", (f"{_P}MAX_TRUST_ROOT_AGE_SECS",), _seconds, _ROOT_AGE),
    Flag(
        "--max-revocation-list-age-secs",
        "max_revocation_list_age",
        (f"{_P}MAX_REVOCATION_LIST_AGE_SECS",),
        _seconds,
        "nothing new is let in by a list whose `issuedAt` is older, or missing; default: any",
    ),
    Flag("--retain-digests", "retain_digests", (f"{_P}RETAIN_DIGESTS",), _retained, "superseded artifacts kept a plugin"),
    Flag(
        "--unused-copy-grace-secs",
        "unused_copy_grace",
        (f"{_P}UNUSED_COPY_GRACE_SECS",),
        _seconds,
        "how long a copy stays that no set needs",
    ),
    Flag(
        "--allow-unsigned-provenance",
        "allow_unsigned_provenance",
        (f"{_P}ALLOW_UNSIGNED_PROVENANCE",),
        truth,
        "accept provenance that nobody signed",
    ),
    Flag(
        "--insecure-registry",
        "insecure_registries",
        (f"{_P}INSECURE_REGISTRIES",),
        _text,
        "registry that may be asked over plain HTTP; repeatable",
        repeatable=True,
    ),
    Flag(
        "--mirror-endpoint",
        "mirror_endpoints",
        (f"{_P}MIRROR_ENDPOINTS",),
        pair,
        "NAME=HOST of a mirror, outside the cluster; repeatable",
        repeatable=True,
    ),
    Flag("--limit-artifact", "limit_artifact", (f"{_P}LIMIT_ARTIFACT",), _bytes, "largest library, such as `512Mi`"),
    Flag("--limit-delivery", "limit_delivery", (f"{_P}LIMIT_DELIVERY",), _bytes, "largest package, and library as it is stored"),
    Flag(
        "--registry-requests-per-minute",
        "registry_requests_per_minute",
        (f"{_P}REGISTRY_REQUESTS_PER_MINUTE",),
        _often,
        "requests of all controllers to one registry host; default: as many as it takes",
    ),
    Flag(
        "--registry-bytes-per-minute",
        "registry_bytes_per_minute",
        (f"{_P}REGISTRY_BYTES_PER_MINUTE",),
        _much,
        "likewise what is carried from it, such as `256Mi`",
    ),
    Flag("--operator-image", "operator_image", (f"{_P}IMAGE",), _text, "puts plugins together in the gateways' pods"),
    Flag(
        "--gateway-config-dialect",
        "gateway_config_dialect",
        (f"{_P}GATEWAY_CONFIG_DIALECT",),
        _one_of("seed", "flat"),
        "`seed` or `flat`, where a gateway does not say",
    ),
    Flag(
        "--gateway-image-repository",
        "gateway_image_repository",
        ("MCPG_DEFAULT_GATEWAY_IMAGE_REPOSITORY",),
        _image_part,
        "image of gateways that name none",
    ),
    Flag("--gateway-image-tag", "gateway_image_tag", ("MCPG_DEFAULT_GATEWAY_IMAGE_TAG",), _image_part, "its tag, or `sha256:…`"),
    Flag(
        "--dns-peer",
        "dns_peers",
        (f"{_P}DNS_PEERS",),
        _dns_peer,
        "NAMESPACE/LABEL=VALUE or network that answers DNS, for NetworkPolicies; repeatable",
        repeatable=True,
    ),
    Flag("--work-dir", "work_dir", (f"{_P}WORK_DIR",), _path, "where packages are spooled"),
)
