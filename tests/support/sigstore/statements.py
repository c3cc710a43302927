"""What is signed: in-toto statements in the shapes that cosign, slsa-github-generator and GitHub write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.sigstore.identities import GENERATOR

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COSIGN_SIGN", "SLSA_V0_2", "SLSA_V1", "github_provenance", "image_signature", "slsa_provenance"]

COSIGN_SIGN = "https://sigstore.dev/cosign/sign/v1"
SLSA_V0_2 = "https://slsa.dev/provenance/v0.2"
SLSA_V1 = "https://slsa.dev/provenance/v1"
_COMMIT = "4d329c75e7ec1725f7c9ce917a8799d408d06be3"


def _hex(digest: object) -> str:
    return str(digest).removeprefix("sha256:")


def image_signature(manifest_digest: object, *, predicate_type: str = COSIGN_SIGN) -> dict[str, Any]:
    """What `cosign sign` of version 3 signs; `manifest_digest` is a `ManifestDigest` or its text."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": _hex(manifest_digest)}, "annotations": {}}],
        "predicateType": predicate_type,
        "predicate": {},
    }


def slsa_provenance(
    artifact_hash: object,
    *,
    source_uri: str = "git+https://github.com/acme/plugins",
    ref: str = "refs/tags/v1.2.3",
    builder: str = f"{GENERATOR}@refs/tags/v2.1.0",
    build_type: str = "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
    subject_name: str = "plugin.so",
    commit: str = _COMMIT,
    environment: Mapping[str, Any] | None = None,
    event: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What the generic generator of slsa-github-generator 2.1 signs: Statement v0.1 with SLSA provenance v0.2."""
    ref_type = "tag" if ref.startswith("refs/tags/") else "branch"
    return {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": SLSA_V0_2,
        "subject": [{"name": subject_name, "digest": {"sha256": _hex(artifact_hash)}}],
        "predicate": {
            "builder": {"id": builder},
            "buildType": build_type,
            "invocation": {
                "configSource": {
                    "uri": f"{source_uri}@{ref}",
                    "digest": {"sha1": commit},
                    "entryPoint": ".github/workflows/release.yml",
                },
                "parameters": {},
                "environment": {
                    "github_actor": "releaser",
                    "github_actor_id": "32398091",
                    "github_base_ref": "",
                    "github_event_name": "push",
                    "github_event_payload": {"ref": ref, "base_ref": "refs/heads/main", "inputs": None, **(event or {})},
                    "github_head_ref": "",
                    "github_ref": ref,
                    "github_ref_type": ref_type,
                    "github_repository_id": "486325809",
                    "github_repository_owner": "acme",
                    "github_repository_owner_id": "80431187",
                    "github_run_attempt": "1",
                    "github_run_id": "13531731005",
                    "github_run_number": "117",
                    "github_sha1": commit,
                    **(environment or {}),
                },
            },
            "metadata": {
                "buildInvocationID": "13531731005-1",
                "completeness": {"parameters": True, "environment": False, "materials": False},
                "reproducible": False,
            },
            "materials": [{"uri": f"{source_uri}@{ref}", "digest": {"sha1": commit}}],
        },
    }


def github_provenance(
    artifact_hash: object,
    *,
    repository: str = "https://github.com/acme/plugins",
    ref: str = "refs/tags/v1.2.3",
    workflow: str = ".github/workflows/release.yml",
    builder: str | None = None,
    subject_name: str = "plugin.so",
    build_type: str = "https://actions.github.io/buildtypes/workflow/v1",
    commit: str = _COMMIT,
) -> dict[str, Any]:
    """What `actions/attest-build-provenance` signs: Statement v1 with SLSA provenance v1; the builder is the signing workflow."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": subject_name, "digest": {"sha256": _hex(artifact_hash)}}],
        "predicateType": SLSA_V1,
        "predicate": {
            "buildDefinition": {
                "buildType": build_type,
                "externalParameters": {"workflow": {"ref": ref, "repository": repository, "path": workflow}},
                "internalParameters": {
                    "github": {
                        "event_name": "push",
                        "repository_id": "486325809",
                        "repository_owner_id": "80431187",
                        "runner_environment": "github-hosted",
                    }
                },
                "resolvedDependencies": [{"uri": f"git+{repository}@{ref}", "digest": {"gitCommit": commit}}],
            },
            "runDetails": {
                "builder": {"id": builder or f"{repository}/{workflow}@{ref}"},
                "metadata": {"invocationId": f"{repository}/actions/runs/13531731005/attempts/1"},
            },
        },
    }
