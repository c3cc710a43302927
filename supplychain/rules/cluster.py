"""Rules of `MCPGCluster` about its transport, its credentials, and the gateways that are bound to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from supplychain.rules.coordinator import ALLOW_INSECURE, SINGLE_NODE, TransportState, ceiling_of, transport_of
from supplychain.rules.problem import Severity
from supplychain.rules.reading import at, items, mapping, name_of, namespace_of, spec_of
from supplychain.rules.rule import Finding, Rule, Subject
from supplychain.rules.secrets import CREDENTIAL, inline_secrets, references

if TYPE_CHECKING:
    from collections.abc import Iterator

    from supplychain.rules.reading import Document

__all__ = ["RULES", "backend_of"]

_SHOWN: Final = 5


def backend_of(cluster: Document) -> str:
    """The kind of coordinator that an MCPGCluster is."""
    backend = spec_of(cluster).get("backend")
    return backend if isinstance(backend, str) else SINGLE_NODE


def _plaintext(subject: Subject) -> Iterator[Finding]:
    transport = transport_of(backend_of(subject.document), subject.spec.get("config"))
    if transport.state is TransportState.PLAINTEXT and not transport.accepted:
        yield Finding(
            field=f"spec.config.{transport.key}",
            what="the coordinator is reached in plain text",
            hint=f"use TLS, or accept it with `config.{ALLOW_INSECURE}: true`; a gateway refuses to start without one of the two",
            severity=Severity.ERROR if subject.strictness.require_coordinator_tls else Severity.WARNING,
        )


def _splits(subject: Subject) -> Iterator[Finding]:
    if subject.old is None or backend_of(subject.document) != SINGLE_NODE or backend_of(subject.old) == SINGLE_NODE:
        return
    bound = sorted(
        f"`{namespace_of(one)}/{name_of(one)}`"
        for one in subject.world.gateways()
        if at(one, "spec.clusterRef.name") == subject.name and ceiling_of(spec_of(one)).maximum > 1
    )
    if bound:
        more = f" and {len(bound) - _SHOWN} more" if len(bound) > _SHOWN else ""
        yield Finding(
            field="spec.backend",
            what="gateways with several replicas share this coordinator",
            expected=f"another backend than `{SINGLE_NODE}`",
            got=", ".join(bound[:_SHOWN]) + more,
            hint="bring them down to one replica, or bind them to another MCPGCluster, first",
        )


def _undeclared(subject: Subject) -> Iterator[Finding]:
    declared = {mapping(one).get("name") for one in items(subject.spec.get("credentialRefs"))}
    for field, name in references(subject.spec.get("config"), "spec.config"):
        if name not in declared:
            yield Finding(
                field=field,
                what="the configuration refers to a credential that `credentialRefs` does not name",
                got=f"`{CREDENTIAL}{name[:80]}`",
            )


def _inline(subject: Subject) -> Iterator[Finding]:
    for field in inline_secrets(subject.spec.get("config"), "spec.config"):
        yield Finding(
            field=field,
            what="this looks like a credential, and whoever may read the object may read it",
            expected=f"`{CREDENTIAL}<name>`, with the Secret in `credentialRefs`",
        )


_WARNING: Final = Severity.WARNING

RULES: Final = (
    Rule(
        name="PlaintextTransport",
        about=(
            "The coordinator is reached in plain text without `allow_insecure_transport: true`. "
            "An error with `--require-coordinator-tls`."
        ),
        find=_plaintext,
        severity=_WARNING,
        reads=("backend", "config"),
    ),
    Rule(
        name="CoordinatorInUse",
        about="An update to `single_node` while gateways with several replicas are bound.",
        find=_splits,
        reads=("backend",),
    ),
    Rule(
        name="CredentialNotDeclared",
        about="`cred://cluster/<name>` in `config` without a credential of that name.",
        find=_undeclared,
        severity=_WARNING,
        reads=("config", "credentialRefs"),
    ),
    Rule(
        name="CredentialInline",
        about="A password, a token, or a URL with a password in `config`. The message never shows it.",
        find=_inline,
        severity=_WARNING,
        reads=("config",),
    ),
)
