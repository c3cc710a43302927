"""Revocation lists: hits, several lists, and lists that are broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.testdata.cases import case, refused, unavailable
from tests.support.testdata.demo import revocation_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.testdata.release import Release


def _resource(*entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "mcpg.dev/v1alpha2",
        "kind": "MCPGRevocationList",
        "metadata": {"name": "cluster-default"},
        "spec": {"version": 1, "revocations": list(entries)},
    }


def _file(release: Release, data: bytes) -> None:
    release.arguments += ["--revocations", "{case}/revocations.json"]

    def write(folder: Path) -> None:
        (folder / "revocations.json").write_bytes(data)

    release.edit_directory = write


@case(refused("revocation", "ArtefactRevoked"))
def revoked_in_a_file_refused(release: Release) -> None:
    """The artifact hash stands on the revocation list.

    All signatures stay valid for ever, so only the list can take a release back. It is asked before any keyless layer.
    """
    _file(release, revocation_file("0" * 64, release.artifact_hash))


@case(refused("revocation", "ArtefactRevoked"))
def revoked_in_upper_case_refused(release: Release) -> None:
    """The list in the cluster spells the hash in upper case.

    A comparison letter by letter would miss it. Hashes are compared in lower case.
    """
    release.only()
    release.more_documents = [_resource({"artifactSha256": f" {release.artifact_hash.upper()}", "reason": "withdrawn"})]


@case(refused("revocation", "ArtefactRevoked"))
def revoked_in_the_second_list_refused(release: Release) -> None:
    """The cluster's list is clean, an additional file revokes.

    Lists add up. No list can take back what another one revoked.
    """
    release.only()
    release.more_documents = [_resource({"artifactSha256": "0" * 64, "reason": "withdrawn"})]
    _file(release, revocation_file(release.artifact_hash))


@case(refused("revocation", "ArtefactRevoked"))
def revoked_beside_a_broken_entry_refused(release: Release) -> None:
    """One entry of the list is broken, another one revokes this artifact.

    If one bad entry switched the list off, adding one would lift all revocations. Valid entries always count.
    """
    release.only()
    broken = {"artifactSha256": "not a hash", "reason": "typing error"}
    release.more_documents = [_resource(broken, {"artifactSha256": release.artifact_hash, "reason": "withdrawn"})]


@case(unavailable("revocation", "RevocationListInvalid"))
def list_with_a_broken_entry_unavailable(release: Release) -> None:
    """One entry of the list is broken, none of the others names this artifact.

    Perhaps the broken one was meant for it. So absence from the list proves nothing until it is mended.
    """
    release.only()
    release.more_documents = [_resource({"artifactSha256": "not a hash", "reason": "typing error"})]


@case(unavailable("revocation", "RevocationListInvalid"))
def list_of_an_unknown_version_unavailable(release: Release) -> None:
    """The list file is of version 2.

    Its entries may mean something else. An unreadable list is not an empty one.
    """
    release.only()
    _file(release, revocation_file().replace(b'"version": 1', b'"version": 2'))


@case(unavailable("revocation", "RevocationListInvalid"))
def list_that_is_no_json_unavailable(release: Release) -> None:
    """The list file was cut off.

    A failed download leaves half a file. An unreadable list is not an empty one.
    """
    release.only()
    _file(release, revocation_file("0" * 64)[:-40])
