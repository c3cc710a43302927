"""How far a build is from the one that a policy asks for, and the smallest changes that would let its provenance count."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from supplychain.remedies import evidence, policy
from supplychain.slsa.source import TAGS, Version, meets_version

if TYPE_CHECKING:
    from supplychain.errors import Remedy
    from supplychain.slsa.policy import SlsaPolicy
    from supplychain.slsa.provenance import BuildClaims

__all__ = ["Nearest", "nearest_source"]

_REPOSITORY, _BRANCH, _SMALL = 8, 2, 1


@dataclass(slots=True)
class Nearest:
    """The changes of the policy that fit a build, all of them together, and how much they are."""

    wanted: str
    flags: list[tuple[str, str]] = field(default_factory=list)
    manifest: dict[str, str] = field(default_factory=dict)
    has_fields: bool = True
    """Whether every change has a manifest field of its own."""
    dropped: list[str] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    weakens: bool = False
    distance: int = 0

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """The policy that takes this build, and the build that this policy takes."""
        change = policy(
            self.flags,
            effect=", ".join(dict.fromkeys(self.effects)),
            weakens=self.weakens,
            manifest=self.manifest if self.has_fields else None,
            instead_of=tuple(dict.fromkeys(self.dropped)),
        )
        return (*change, evidence(f"provenance of a build from {self.wanted}"))

    def ask(self, flag: str, value: str, *, effect: str, weakens: bool = True, name: str | None = None) -> None:
        """Ask for another value; `name` is its manifest field."""
        if (flag, value) not in self.flags:
            self.flags.append((flag, value))
        if name is None:
            self.has_fields = False
        else:
            self.manifest[f"spec.trust.slsaProvenance.{name}"] = value
        self._note(effect, weakens=weakens)

    def drop(self, flag: str, *, effect: str) -> None:
        """Ask for less."""
        self.dropped.append(flag)
        self.has_fields = False
        self._note(effect, weakens=True)

    def _note(self, effect: str, *, weakens: bool) -> None:
        self.effects.append(effect)
        self.weakens = self.weakens or weakens


def nearest_source(claims: BuildClaims, *, policy: SlsaPolicy) -> Nearest:
    """Collect everything in which source and inputs differ from what a policy asks for."""
    found = Nearest(wanted=_wanted(policy))
    if claims.source.repository != policy.source.repository:
        uri = claims.source.repository.removeprefix("https://")
        found.ask("--source-uri", uri, effect="another repository is trusted", name="sourceUri")
        found.distance += _REPOSITORY
    tag = claims.ref.removeprefix(TAGS) if claims.ref.startswith(TAGS) else None
    if policy.tag is not None and tag != policy.tag:
        found.distance += _SMALL
        _fit_tag(found, claims, tag=tag, flag="--source-tag")
    elif policy.version is not None and (tag is None or not meets_version(tag, wanted=policy.version)):
        found.distance += _SMALL
        _fit_tag(found, claims, tag=tag, flag="--source-versioned-tag")
    if policy.branch is not None and claims.branch != policy.branch:
        found.distance += _BRANCH
        if claims.branch is None:
            found.drop("--source-branch", effect="a build from any branch is trusted")
        else:
            _ask_branch(found, claims.branch)
    for name, wanted in sorted(policy.workflow_inputs.items()):
        _fit_input(found, claims, name=name, wanted=wanted)
    return found


def _wanted(policy: SlsaPolicy) -> str:
    parts = [f"`{policy.source.repository}`"]
    for word, value in (("at tag", policy.tag), ("at a version", policy.source_versioned_tag), ("on branch", policy.branch)):
        if value is not None:
            parts.append(f"{word} `{value}`")
    parts += [f"with input `{name}={value}`" for name, value in sorted(policy.workflow_inputs.items())]
    return " ".join(parts)


def _fit_tag(found: Nearest, claims: BuildClaims, *, tag: str | None, flag: str) -> None:
    if tag is None:
        effect = "a build from any ref is trusted"
        if claims.branch is not None:
            effect = "a build that is no release is trusted"
            _ask_branch(found, claims.branch)
        found.drop(flag, effect=effect)
        return
    is_version = Version.parse(tag) is not None
    if flag == "--source-versioned-tag" and not is_version:
        found.drop(flag, effect=f"`{tag}` is trusted, which is no version and may be moved")
        found.ask("--source-tag", tag, effect=f"`{tag}` is trusted, which is no version and may be moved")
        return
    version = Version.parse(tag) or Version.parse(f"v{tag}")
    plain = version is not None and version.patch is not None  # tags such as `v1` and `v1.2` are moved from release to release
    moved = "which may be moved from release to release" if version is not None else "which is no version and may be moved"
    effect = "another release" if plain else f"`{tag}` is trusted, {moved}"
    found.ask(flag, tag, effect=effect, weakens=not plain, name="sourceTag" if flag == "--source-tag" else None)


def _ask_branch(found: Nearest, branch: str) -> None:
    found.ask("--source-branch", branch, effect=f"whoever may push to branch `{branch}` is trusted")


def _fit_input(found: Nearest, claims: BuildClaims, *, name: str, wanted: str) -> None:
    got = claims.inputs.get(name) if claims.event == "workflow_dispatch" and claims.inputs is not None else None
    if got == wanted:
        return
    found.distance += _SMALL
    if got is None:
        found.drop(f"--workflow-input {name}=…", effect=f"any value of input `{name}` is trusted")
    else:
        found.ask("--workflow-input", f"{name}={got}", effect=f"a build with another input `{name}` is trusted")
