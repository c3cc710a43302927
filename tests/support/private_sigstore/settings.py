"""The files that the programs read: keys, certificate chains, and what they are configured by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.support.sigstore.certificates import certificate_pem
from tests.support.sigstore.identities import GITHUB_ISSUER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.sigstore.keys import PrivateKey
    from tests.support.virtual_sigstore import VirtualSigstore

__all__ = ["PASSWORD", "ct_log_config", "fulcio_config", "signing_config", "write_keys"]

PASSWORD = "TEST-ONLY-password"
"""Fulcio takes no key without one."""
_SINCE = "2024-01-01T00:00:00Z"
_CLAIMS = {
    "github-workflow-trigger": "event_name",
    "github-workflow-sha": "sha",
    "github-workflow-name": "workflow",
    "github-workflow-repository": "repository",
    "github-workflow-ref": "ref",
    "build-signer-uri": "{{ .url }}/{{ .job_workflow_ref }}",
    "build-signer-digest": "job_workflow_sha",
    "runner-environment": "runner_environment",
    "source-repository-uri": "{{ .url }}/{{ .repository }}",
    "source-repository-digest": "sha",
    "source-repository-ref": "ref",
    "source-repository-identifier": "repository_id",
    "source-repository-owner-uri": "{{ .url }}/{{ .repository_owner }}",
    "source-repository-owner-identifier": "repository_owner_id",
    "build-config-uri": "{{ .url }}/{{ .workflow_ref }}",
    "build-config-digest": "workflow_sha",
    "build-trigger": "event_name",
    "run-invocation-uri": "{{ .url }}/{{ .repository }}/actions/runs/{{ .run_id }}/attempts/{{ .run_attempt }}",
    "source-repository-visibility-at-signing": "repository_visibility",
}
"""From which claims of a GitHub token Fulcio makes which extension (fulcio/docs/oid-info.md)."""


def write_keys(keys: VirtualSigstore, directory: Path) -> None:
    """Write every key and chain under the name of its part."""
    _write_key(directory / "fulcio.key", keys.ca.key, password=PASSWORD)
    _write_chain(directory / "fulcio.pem", keys.ca.chain)
    _write_chain(directory / "fulcio-root.pem", keys.ca.chain[-1:])
    _write_key(directory / "tsa.key", keys.tsa.key)
    _write_chain(directory / "tsa.pem", keys.tsa.chain)
    _write_key(directory / "rekor1.key", keys.rekor1.key)
    _write_key(directory / "rekor2.key", keys.rekor2.key)
    public = keys.ct_log.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (directory / "ct.pub").write_bytes(public)


def ct_log_config(keys: VirtualSigstore, *, log_id: str, roots: Path) -> str:
    """What `ct-server` is told about its one log, as a text protobuf (certificate-transparency-go, LogConfigSet)."""
    private = keys.ct_log.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    escaped = "".join(f"\\x{byte:02x}" for byte in private)
    return (
        f'config {{ log_id: {log_id} prefix: "ct" roots_pem_file: "{roots}" max_merge_delay_sec: 86400\n'
        f'ext_key_usages: "CodeSigning"\n'
        f'private_key {{ [type.googleapis.com/keyspb.PrivateKey] {{ der: "{escaped}" }} }} }}\n'
    )


def fulcio_config(*, email_issuer: str) -> str:
    """Which issuers Fulcio believes, and what it makes of their tokens. JSON it would read under other names."""
    github = {"issuer-url": GITHUB_ISSUER, "client-id": "sigstore", "type": "ci-provider", "ci-provider": "github-workflow"}
    email = {"issuer-url": email_issuer, "client-id": "sigstore", "type": "email"}
    metadata = {
        "default-template-values": {"url": "https://github.com"},
        "extension-templates": _CLAIMS,
        "subject-alternative-name-template": "{{ .url }}/{{ .job_workflow_ref }}",
    }
    issuers = {email_issuer: email, GITHUB_ISSUER: github}
    return yaml.safe_dump({"oidc-issuers": issuers, "ci-issuer-metadata": {"github-workflow": metadata}})


def signing_config(*, fulcio: str, rekor: str | None, rekor_version: int, tsa: str | None) -> str:
    """What cosign signs with (sigstore/protobuf-specs, SigningConfig 0.2); None leaves a part out."""
    config: dict[str, Any] = {
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": [_service(fulcio)],
        "rekorTlogUrls": [_service(rekor, version=rekor_version)] if rekor else [],
        "tsaUrls": [_service(tsa)] if tsa else [],
    }
    if rekor:
        config["rekorTlogConfig"] = {"selector": "ANY"}
    if tsa:
        config["tsaConfig"] = {"selector": "ANY"}
    return json.dumps(config)


def _service(url: str, *, version: int = 1) -> dict[str, Any]:
    return {"url": url, "majorApiVersion": version, "validFor": {"start": _SINCE}, "operator": "test"}


def _write_key(file: Path, key: PrivateKey, *, password: str | None = None) -> None:
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    file.touch(mode=0o600)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))


def _write_chain(file: Path, chain: Sequence[bytes]) -> None:
    file.write_bytes(b"".join(map(certificate_pem, chain)))
