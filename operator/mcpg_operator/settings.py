"""Flags and environment as one frozen value; whatever is wrong with them ends the process before it opens a port.

Precedence: flag, environment, default. Names and defaults are part of the public contract (docs/operator.md).
"""

from __future__ import annotations

import argparse
import secrets
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from supplychain.errors import InvalidPolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Settings", "add_flags", "read", "table"]

_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_PORTS: Final = range(65536)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that an administrator can decide about the operator."""

    metrics_bind: tuple[str, int] = ("0.0.0.0", 8443)  # noqa: S104 — probes and scrapes come from outside the pod
    webhook_bind: tuple[str, int] = ("0.0.0.0", 9443)  # noqa: S104
    tls_cert_dir: Path | None = None
    leader_election: bool = True
    lease_name: str = "mcpg-operator"
    lease_namespace: str = "mcpg-system"
    lease_duration: float = 30
    """Seconds, as the renewal and retry times."""
    lease_renew: float = 20
    lease_retry: float = 4
    pod_name: str = "mcpg-operator"
    resync_interval: float = 600
    """Seconds between two looks at an object that nothing woke; ±20 %."""
    reconcile_concurrency: int = 8
    """Worker threads of each controller."""
    pull_concurrency: int = 4
    """Plugins that are downloaded at the same time, over all workers."""
    watch_namespace: str | None = None
    service_account: str = "mcpg-operator"
    namespace: str = "mcpg-system"
    log_format: str = "json"
    log_level: str = "info"
    trust_root: Path | None = None
    ca_file: Path | None = None
    """PEM certificates of private registries and mirrors."""
    cluster_domain: str = "cluster.local"
    platform: str = "linux/amd64/gnu"
    """Of the gateways: chooses the child of an image index."""
    single_verifier: bool = False
    max_verification_age: float | None = None
    """Seconds after which a plugin that could not be looked at again is no longer Ready; None: never."""
    retain_digests: int = 2
    """Superseded artifacts that are kept for each plugin."""
    allow_unsigned_provenance: bool = False
    insecure_registries: tuple[str, ...] = ()
    mirror_endpoints: Mapping[str, str] = field(default_factory=dict)
    """`host[:port]` by mirror name, where Service names do not resolve: an operator outside its cluster."""
    work_dir: Path | None = None
    """Where packages are spooled; None: the system's temporary directory."""


class _Flag(NamedTuple):
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


def _truth(text: str) -> bool:
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


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("some text")
    return text.strip()


def _pair(text: str) -> tuple[str, str]:
    name, equals, host = text.partition("=")
    if not (name and equals and host):
        raise ValueError("`NAME=HOST[:PORT]`")
    return name, host


def _path(text: str) -> Path:
    return Path(_text(text))


_AGE: Final = "Ready ends that long after the last successful look; default: never"
_LEVEL: Final = _one_of("debug", "info", "warning", "error")
_P: Final = "MCPG_OPERATOR_"
_FLAGS: Final = (
    _Flag("--metrics-bind", "metrics_bind", (f"{_P}METRICS_BIND",), _bind, "HOST:PORT of metrics and health"),
    _Flag("--webhook-bind", "webhook_bind", (f"{_P}WEBHOOK_BIND",), _bind, "HOST:PORT of admission"),
    _Flag("--tls-cert-dir", "tls_cert_dir", (f"{_P}TLS_CERT_DIR",), _path, "directory with tls.crt and tls.key"),
    _Flag("--leader-election", "leader_election", (f"{_P}LEADER_ELECTION",), _truth, "reconcile only while holding the Lease"),
    _Flag("--lease-name", "lease_name", (f"{_P}LEASE_NAME",), _text, "name of the Lease"),
    _Flag("--lease-namespace", "lease_namespace", (f"{_P}LEASE_NAMESPACE",), _text, "its namespace; default: the operator's"),
    _Flag("--lease-duration-secs", "lease_duration", (f"{_P}LEASE_DURATION_SECS",), _seconds, "when others may take it over"),
    _Flag("--lease-renew-secs", "lease_renew", (f"{_P}LEASE_RENEW_SECS",), _seconds, "when an unrenewed Lease counts as lost"),
    _Flag("--lease-retry-secs", "lease_retry", (f"{_P}LEASE_RETRY_SECS",), _seconds, "pause between attempts"),
    _Flag("--pod-name", "pod_name", ("POD_NAME",), _text, "identity of this replica"),
    _Flag("--resync-interval-secs", "resync_interval", (f"{_P}RESYNC_INTERVAL_SECS",), _seconds, "pause between two looks"),
    _Flag("--reconcile-concurrency", "reconcile_concurrency", (f"{_P}RECONCILE_CONCURRENCY",), _count, "threads a controller"),
    _Flag("--pull-concurrency", "pull_concurrency", (f"{_P}PULL_CONCURRENCY",), _count, "downloads at the same time"),
    _Flag("--watch-namespace", "watch_namespace", (f"{_P}WATCH_NAMESPACE",), _text, "restricts the namespaced kinds"),
    _Flag("--operator-service-account", "service_account", (f"{_P}SERVICE_ACCOUNT",), _text, "subject of RoleBindings"),
    _Flag("--operator-namespace", "namespace", ("OPERATOR_NAMESPACE", "POD_NAMESPACE"), _text, "home of keys and plugins"),
    _Flag("--log-format", "log_format", (f"{_P}LOG_FORMAT",), _one_of("json", "pretty"), "json or pretty"),
    _Flag("--log-filter", "log_level", ("RUST_LOG",), _filter, "`part=level,…`; only the level of `mcpg_operator` counts"),
    _Flag("--log-level", "log_level", (f"{_P}LOG_LEVEL",), _LEVEL, "debug, info, warning or error; counts more"),
    _Flag(
        "--sigstore-trust-root-path", "trust_root", (f"{_P}SIGSTORE_TRUST_ROOT",), _path, "trusted_root.json; read when changed"
    ),
    _Flag("--ca-file", "ca_file", (f"{_P}CA_FILE",), _path, "PEM certificates of private registries"),
    _Flag("--cluster-domain", "cluster_domain", (f"{_P}CLUSTER_DOMAIN",), _text, "DNS domain of Services"),
    _Flag("--platform", "platform", (f"{_P}PLATFORM",), _text, "os/arch[/libc] of the gateways"),
    _Flag("--single-verifier", "single_verifier", (f"{_P}SINGLE_VERIFIER",), _truth, "leave out the second opinion"),
    _Flag("--max-verification-age-secs", "max_verification_age", (f"{_P}MAX_VERIFICATION_AGE_SECS",), _seconds, _AGE),
    _Flag("--retain-digests", "retain_digests", (f"{_P}RETAIN_DIGESTS",), _retained, "superseded artifacts kept a plugin"),
    _Flag(
        "--allow-unsigned-provenance",
        "allow_unsigned_provenance",
        (f"{_P}ALLOW_UNSIGNED_PROVENANCE",),
        _truth,
        "accept provenance that nobody signed",
    ),
    _Flag(
        "--insecure-registry",
        "insecure_registries",
        (f"{_P}INSECURE_REGISTRIES",),
        _text,
        "registry that may be asked over plain HTTP; repeatable",
        repeatable=True,
    ),
    _Flag(
        "--mirror-endpoint",
        "mirror_endpoints",
        (f"{_P}MIRROR_ENDPOINTS",),
        _pair,
        "NAME=HOST of a mirror, outside the cluster; repeatable",
        repeatable=True,
    ),
    _Flag("--work-dir", "work_dir", (f"{_P}WORK_DIR",), _path, "where packages are spooled"),
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add every flag; values are read by `read`, so that flag and variable are judged alike."""
    for flag in _FLAGS:
        help_text = f"{flag.help} (${flag.variables[0]})"
        bare: dict[str, Any] = {"nargs": "?", "const": "true"} if flag.read is _truth else {}
        action = "append" if flag.repeatable else "store"
        parser.add_argument(flag.name, dest=_dest(flag), action=action, metavar="VALUE", help=help_text, **bare)
    parser.add_argument(
        "--no-leader-election", dest="leader_election", action="store_const", const="false", help=argparse.SUPPRESS
    )


def read(args: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    """Put the settings together.

    Raises:
        InvalidPolicyError: a value is wrong, or two contradict each other; `where` names flag or variable.
    """
    values: dict[str, Any] = {}
    for flag in _FLAGS:
        given, where = _given(flag, args, environment)
        if not given:
            continue
        try:
            found = [flag.read(one) for one in given]
        except ValueError as exc:
            raise InvalidPolicyError("unusable setting", expected=str(exc), got=f"`{given[-1][:80]}`", where=where) from exc
        values[flag.field] = (dict(found) if flag.read is _pair else tuple(found)) if flag.repeatable else found[0]
    if "namespace" not in values and _NAMESPACE_FILE.is_file():
        values["namespace"] = _NAMESPACE_FILE.read_text(encoding="utf-8").strip()
    settings = Settings(**values)
    if "lease_namespace" not in values:
        settings = replace(settings, lease_namespace=settings.namespace)
    return _checked(settings, named="pod_name" in values)


def table() -> list[str]:
    """Write every flag as a row of a Markdown table: flag, environment, default, meaning."""
    defaults = {one.name: one.default for one in fields(Settings)}
    rows = []
    for flag in _FLAGS:
        variables = ", ".join(f"`{one}`" for one in flag.variables)
        rows.append(f"| `{flag.name}` | {variables} | {_shown(defaults[flag.field])} | {flag.help} |")
    return rows


def _shown(default: Any) -> str:
    if default is None or default is MISSING or default == ():
        return "–"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default[0]}:{default[1]}`" if isinstance(default, tuple) else f"`{default}`"


def _dest(flag: _Flag) -> str:
    return flag.name[2:].replace("-", "_")


def _given(flag: _Flag, args: argparse.Namespace, environment: Mapping[str, str]) -> tuple[list[str], str]:
    value = getattr(args, _dest(flag), None)
    if value is not None:
        return (value if flag.repeatable else [value]), f"`{flag.name}`"
    for variable in flag.variables:
        text = environment.get(variable, "")
        if text:
            return (text.split(",") if flag.repeatable else [text]), f"`${variable}`"
    return [], ""


def _checked(settings: Settings, *, named: bool) -> Settings:
    if not settings.lease_retry < settings.lease_renew < settings.lease_duration:
        raise InvalidPolicyError(
            "the Lease's times contradict each other",
            expected="retry < renew < duration",
            got=f"{settings.lease_retry:g}, {settings.lease_renew:g}, {settings.lease_duration:g} seconds",
            where="`--lease-…-secs`",
        )
    if settings.leader_election and not named:
        # Two replicas of one name would both believe that they hold the Lease.
        return replace(settings, pod_name=f"{settings.pod_name}-{secrets.token_hex(4)}")
    return settings
