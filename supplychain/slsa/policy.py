"""What a provenance must say: the source that was meant, the builder that may build it, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from supplychain.errors import InvalidPolicyError
from supplychain.slsa.builders import BuilderId
from supplychain.slsa.source import BRANCHES, TAGS, Source, Version
from supplychain.wire import MalformedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supplychain.verification_key import TrustedKey

__all__ = ["GITHUB_ISSUER", "SlsaPolicy"]

GITHUB_ISSUER: Final = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlsaPolicy:
    """None and empty mean "not asked", except for builders, where None means the known ones.

    `source_uri` is a repository in any of its spellings (`github.com/o/r`, `git+https://…`), without a ref. `source_tag` is
    exact, with or without `refs/tags/`; `source_versioned_tag` is `vX`, `vX.Y` or `vX.Y.Z`, met by any more exact version.
    """

    source_uri: str
    source_tag: str | None = None
    source_versioned_tag: str | None = None
    source_branch: str | None = None
    builder_ids: tuple[str, ...] | None = None
    """`https://…`, each with or without `@ref`."""
    workflow_inputs: Mapping[str, str] = field(default_factory=dict)
    """Inputs of a workflow started by hand; others may be there too."""
    allow_unsigned: bool = False
    """Let a bare envelope count without a signature; off unless an operator decides otherwise, and never beside `keys`."""
    keys: tuple[TrustedKey, ...] = ()
    """Only statements that one of these keys signed count then; the builder is the one that the statement claims."""
    issuer: str = GITHUB_ISSUER
    """Who vouches for the builder's certificate; an enterprise on GitHub may have its own."""

    def __post_init__(self) -> None:
        if self.source.ref is not None:
            raise InvalidPolicyError(
                "the source names a ref", got=f"`{self.source_uri}`", hint="name the ref by source tag or source branch instead"
            )
        if self.source_tag is not None and self.source_versioned_tag is not None:
            raise InvalidPolicyError("both an exact and a versioned source tag", hint="ask for one of them")
        if self.tag == "" or self.branch == "":
            raise InvalidPolicyError("the source tag or branch is empty", hint="leave it out to ask for none")
        if self.builder_ids is not None and not self.builder_ids:
            raise InvalidPolicyError("no builder is allowed", hint="leave the builders out to allow the known ones")
        if not self.issuer:
            raise InvalidPolicyError("the certificate issuer is empty")
        if self.keys and self.allow_unsigned:
            raise InvalidPolicyError(
                "provenance that nobody signed is allowed, where only what a key signed counts",
                hint="leave out `--provenance-key` or `--allow-unsigned-provenance`",
            )
        _ = self.version, self.builders

    @property
    def source(self) -> Source:
        """The repository in its one spelling."""
        try:
            return Source.parse(self.source_uri)
        except MalformedError as exc:
            raise InvalidPolicyError(
                "unusable source repository", expected="`github.com/owner/repository`", got=f"`{self.source_uri[:200]}`"
            ) from exc

    @property
    def tag(self) -> str | None:
        """The exact tag without `refs/tags/`."""
        return None if self.source_tag is None else self.source_tag.removeprefix(TAGS)

    @property
    def branch(self) -> str | None:
        """The branch without `refs/heads/`."""
        return None if self.source_branch is None else self.source_branch.removeprefix(BRANCHES)

    @property
    def version(self) -> Version | None:
        """The versioned tag, read."""
        if self.source_versioned_tag is None:
            return None
        version = Version.parse(self.source_versioned_tag)
        if version is None:
            raise InvalidPolicyError(
                "unusable versioned tag", expected="`vX`, `vX.Y` or `vX.Y.Z`", got=f"`{self.source_versioned_tag[:100]}`"
            )
        return version

    @property
    def builders(self) -> tuple[BuilderId, ...] | None:
        """The allowlist, read."""
        return None if self.builder_ids is None else tuple(map(BuilderId.parse, self.builder_ids))
