"""Flags and environment as one frozen value; whatever is wrong with them ends the process before it opens a port.

Precedence: flag, environment, default. Names and defaults are part of the public contract (docs/operator.md).
"""

from __future__ import annotations

import argparse
import secrets
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.flags import FLAGS, Flag, pair, truth
from supplychain.errors import InvalidPolicyError
from supplychain.freshness import Budget
from supplychain.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Settings", "add_flags", "read", "table"]

_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


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
    max_trust_root_age: float | None = None
    """Seconds since a trust root was confirmed last, after which it lets nothing new in; None: any."""
    max_revocation_list_age: float | None = None
    """The same since a revocation list was issued."""
    retain_digests: int = 2
    """Superseded artifacts that are kept for each plugin."""
    unused_copy_grace: float = 600
    """Seconds for which a copy that no set needs stays beside the sets."""
    allow_unsigned_provenance: bool = False
    insecure_registries: tuple[str, ...] = ()
    mirror_endpoints: Mapping[str, str] = field(default_factory=dict)
    """`host[:port]` by mirror name, where Service names do not resolve: an operator outside its cluster."""
    limit_artifact: int = Limits().artifact
    """Bytes of a library."""
    limit_delivery: int = Limits().delivery
    """Bytes of a library as it is stored in several Secrets, compressed."""
    registry_requests_per_minute: int | None = None
    """Of all controllers together to each registry host; None: as many as it takes."""
    registry_bytes_per_minute: int | None = None
    """Carried from each registry host, likewise."""
    operator_image: str | None = None
    """Image with `supplychain materialise`; None: no gateway can have plugins."""
    gateway_config_dialect: str = "seed"
    """Form of the configuration of gateways that do not say which they read."""
    gateway_image_repository: str = "ghcr.io/mcpg-dev/source-code/gateway"
    gateway_image_tag: str = "v1.0.0-dev"
    dns_peers: tuple[Mapping[str, Any], ...] = ()
    """Peers of NetworkPolicies that answer DNS; empty: `kube-dns`, and caches on the nodes."""
    work_dir: Path | None = None
    """Where packages are spooled; None: the system's temporary directory."""
    tls_self_signed: bool = False
    """Whether the operator makes the certificate of the webhook and tells the API server to trust it."""
    tls_secret: str = "mcpg-operator-webhook-tls"  # noqa: S105 — a name
    """Where that certificate is kept, in the operator's namespace."""
    tls_lifetime: float = 90 * 86400
    """Seconds for which it is valid; it is renewed after two thirds of them."""
    webhook_service: str = "mcpg-operator-webhook"
    """By which the API server reaches the webhook, in the operator's namespace."""
    webhook_configuration: str = "mcpg-operator-validation"
    """The ValidatingWebhookConfiguration that is told whom to trust."""
    admission_lookup_failure: str = "deny"
    """What becomes of an object when a rule needs another one that cannot be looked up: `deny` or `allow`."""
    require_coordinator_tls: bool = False
    require_digest_or_cosign: bool = False

    @property
    def limits(self) -> Limits:
        """Every bound on foreign input."""
        return Limits(
            artifact=self.limit_artifact,
            delivery=self.limit_delivery,
            requests_per_minute=self.registry_requests_per_minute,
            bytes_per_minute=self.registry_bytes_per_minute,
        )

    @property
    def budget(self) -> Budget:
        """How old what is judged by may be; the age of verdicts is looked after per plugin."""
        return Budget(trust_root=_length(self.max_trust_root_age), revocations=_length(self.max_revocation_list_age))


def _length(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add every flag; values are read by `read`, so that flag and variable are judged alike."""
    for flag in FLAGS:
        help_text = f"{flag.help} (${flag.variables[0]})"
        bare: dict[str, Any] = {"nargs": "?", "const": "true"} if flag.read is truth else {}
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
    for flag in FLAGS:
        given, where = _given(flag, args, environment)
        if not given:
            continue
        try:
            found = [flag.read(one) for one in given]
        except ValueError as exc:
            raise InvalidPolicyError("unusable setting", expected=str(exc), got=f"`{given[-1][:80]}`", where=where) from exc
        values[flag.field] = (dict(found) if flag.read is pair else tuple(found)) if flag.repeatable else found[0]
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
    for flag in FLAGS:
        variables = ", ".join(f"`{one}`" for one in flag.variables)
        rows.append(f"| `{flag.name}` | {variables} | {_shown(defaults[flag.field])} | {flag.help} |")
    return rows


def _shown(default: Any) -> str:
    if default is None or default is MISSING or default == ():
        return "–"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default[0]}:{default[1]}`" if isinstance(default, tuple) else f"`{default}`"


def _dest(flag: Flag) -> str:
    return flag.name[2:].replace("-", "_")


def _given(flag: Flag, args: argparse.Namespace, environment: Mapping[str, str]) -> tuple[list[str], str]:
    value = getattr(args, _dest(flag), None)
    if value is not None:
        return (value if flag.repeatable else [value]), f"`{flag.name}`"
    for variable in flag.variables:
        text = environment.get(variable, "")
        if text:
            return (text.split(",") if flag.repeatable else [text]), f"`${variable}`"
    return [], ""


def _checked(settings: Settings, *, named: bool) -> Settings:
    if settings.tls_self_signed and settings.tls_cert_dir is not None:
        raise InvalidPolicyError(
            "two certificates for one port", expected="one of both", where="`--tls-cert-dir`, `--tls-self-signed`"
        )
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
