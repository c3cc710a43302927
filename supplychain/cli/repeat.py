"""Commands that repeat a check, to be copied from a report: written from the words of the call itself.

A command is offered only where every word of it can be read and copied safely; words of strangers are quoted for a POSIX shell.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from supplychain.errors import InvalidReferenceError
from supplychain.output.account import Repeat
from supplychain.output.style import clean
from supplychain.reference import OciReference
from supplychain.report import Layer, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from supplychain.output.judgement import Judgement
    from supplychain.report import Fact

__all__ = ["call", "category", "repeats"]

_PRESENTATION: Final = frozenset({"--output", "--output-file", "--color", "-q", "--quiet", "--verbose", "--save", "--jobs"})
"""What changes no verdict."""
_MANY: Final = 20
"""Targets of a call that is not written out for each of them."""


def call(args: argparse.Namespace) -> str | None:
    """Write the whole call; None where it is not known or cannot be written."""
    words = getattr(args, "argv", ())
    return _line(["supplychain", *words]) if words else None


def category(args: argparse.Namespace) -> str:
    """Name the command with dashes: what keeps the findings of different commands apart where they are collected."""
    words = _split(args.parser, getattr(args, "argv", ()))
    return "verify" if words is None else "-".join(words.command)


def repeats(args: argparse.Namespace, judgements: Sequence[Judgement]) -> tuple[tuple[Repeat, ...], ...]:
    """Find the commands that repeat what led to each judgement."""
    words = _split(args.parser, getattr(args, "argv", ()))
    return tuple(tuple(_repeats(words, one)) for one in judgements)


def _repeats(words: _Words | None, judgement: Judgement) -> Iterator[Repeat]:
    facts = {layer.layer: layer.facts for layer in judgement.layers if layer.outcome is Outcome.PASSED}
    if words is not None and words.judges:
        yield from _offer("judge it again", _again(words, judgement.target))
        pinned = _pinned(judgement.target, facts.get(Layer.PULL, {}))
        if pinned not in {None, judgement.target} and words.names(judgement.target):
            exact = _line(["supplychain", *words.command, str(pinned), *words.flags])
            yield from _offer("judge these very bytes again, whatever the tag says by then", exact)
    yield from _others(facts)
    reasons = [one.problem.reason for one in judgement.layers if one.problem is not None]
    reasons += [judgement.error.reason] if judgement.error is not None else []
    for reason in reasons:
        yield Repeat(shows="why this check exists", command=f"supplychain explain {reason}")


def _others(facts: Mapping[Layer, Mapping[str, Fact]]) -> Iterator[Repeat]:
    """Commands of other people's tools, for those who take nobody's word."""
    pull = facts.get(Layer.PULL, {})
    name, digest = _repository(pull.get("source")), pull.get("manifestDigest")
    if name is None or not isinstance(digest, str):
        return
    manifest = _line(["crane", "manifest", f"{name}@{digest}"])
    yield from _offer(f"the digest of the manifest, {digest}", None if manifest is None else f"{manifest} | sha256sum")
    signer = facts.get(Layer.COSIGN, {})
    identity, issuer = signer.get("identity"), signer.get("issuer")
    if isinstance(identity, str) and isinstance(issuer, str):
        flags = ["--certificate-identity", identity, "--certificate-oidc-issuer", issuer]
        yield from _offer("the signature of the image, by cosign", _line(["cosign", "verify", *flags, f"{name}@{digest}"]))


def _offer(shows: str, command: str | None) -> Iterator[Repeat]:
    if command is not None:
        yield Repeat(shows=shows, command=command)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """A call taken apart."""

    command: tuple[str, ...]
    flags: tuple[str, ...]
    """With their values, without those that change no verdict."""
    targets: tuple[str, ...]

    @property
    def judges(self) -> bool:
        """Whether the command does nothing but judge."""
        return self.command in {("verify",), ("bundle", "verify")} or self.command[0] == "check"

    def names(self, target: str) -> bool:
        """Whether a target stands in the call and may stand there alone."""
        by_manifest = any(flag.startswith("-f") or flag.partition("=")[0] == "--manifest" for flag in self.flags)
        return self.command == ("verify",) and target in self.targets and not by_manifest


def _split(parser: argparse.ArgumentParser, argv: Sequence[str]) -> _Words | None:
    """Take a call apart as its parser did; None where it has none."""
    rest = list(argv)
    command: list[str] = []
    while rest and (choices := _subcommands(parser)) and rest[0] in choices:
        command.append(rest[0])
        parser = choices[rest.pop(0)]
    if not command:
        return None
    takes = {name: _values(action) for action in parser._actions for name in action.option_strings}  # noqa: SLF001 — no public list
    flags: list[str] = []
    targets: list[str] = []
    while rest:
        word = rest.pop(0)
        if word == "--":
            targets += rest
            break
        if len(word) == 1 or not word.startswith("-"):
            targets.append(word)
            continue
        name = word.partition("=")[0]
        number = takes.get(word, 0)
        flags += [word, *rest[:number]] if name not in _PRESENTATION else []
        del rest[:number]
    return _Words(command=tuple(command), flags=tuple(flags), targets=tuple(targets))


def _values(action: argparse.Action) -> int:
    """How many words a flag takes."""
    return action.nargs if isinstance(action.nargs, int) else 1


def _subcommands(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    found = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))  # noqa: SLF001 — no public list
    return next((one.choices for one in found), {})


def _again(words: _Words, target: str) -> str | None:
    """The call about one target; the whole call where it cannot be about one alone, unless that would fill the report."""
    if len(words.targets) > _MANY and not words.names(target):
        return None
    targets = [target] if words.names(target) else words.targets
    return _line(["supplychain", *words.command, *targets, *words.flags])


def _pinned(target: str, pull: Mapping[str, Fact]) -> str | None:
    """Name the top document that was pulled by its digest; None for what is no reference into a registry."""
    digest = pull.get("indexDigest") or pull.get("manifestDigest")
    first, slash, _ = target.partition("/")
    if (
        not slash
        or not isinstance(digest, str)
        or not ("." in first or ":" in first)
        or first.startswith(("oci-layout:", "bundle:"))
    ):
        return None
    return f"{target.partition('@')[0]}@{digest}"


def _repository(source: Fact) -> str | None:
    """Name the repository that was really asked, a mirror for example; None for what is no registry."""
    try:
        found = OciReference.parse(str(source))
    except InvalidReferenceError:
        return None
    return f"{found.registry}/{found.repository}"


def _line(words: Sequence[str]) -> str | None:
    return None if any(clean(word) != word for word in words) else shlex.join(words)
