"""The policy flags, read and turned into the policies of the layers."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

from supplychain.errors import InvalidPolicyError, ProvenanceMissingError, UnreadableFileError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from supplychain.artifact import Material
    from supplychain.cosign import CosignPolicy
    from supplychain.ed25519 import PublicKey
    from supplychain.limits import Limits
    from supplychain.mirror.rekor import RekorLookup
    from supplychain.slsa import SlsaPolicy
    from supplychain.verification_key import TrustedKey

__all__ = [
    "cosign_policy",
    "log_entries",
    "log_lookup",
    "provenance_keys",
    "provenance_materials",
    "public_keys",
    "read_file",
    "refuse_blank",
    "refuse_stray",
    "slsa_policy",
    "wanted_source",
]


def read_file(path: str, *, limit: int) -> bytes:
    """Read a whole file, or standard input for `-`.

    Raises:
        UnreadableFileError: it cannot be read, or is longer than `limit` bytes.
    """
    from supplychain.files import read_bounded

    if path != "-":
        return read_bounded(path, limit=limit)
    try:
        data = sys.stdin.buffer.read(limit + 1)
    except (OSError, ValueError) as exc:  # ValueError: closed
        raise UnreadableFileError("cannot read standard input", got=type(exc).__name__) from exc
    if len(data) > limit:
        raise UnreadableFileError("standard input is too large", expected=f"at most {limit} bytes")
    return data


def public_keys(args: argparse.Namespace, *, limits: Limits) -> tuple[PublicKey, ...]:
    """Read every `--key`."""
    if not args.key:
        return ()
    from supplychain.ed25519 import parse_keys

    return tuple(key for path in args.key for key in parse_keys(read_file(path, limit=limits.document), name=path))


def cosign_policy(args: argparse.Namespace) -> CosignPolicy | None:
    """Build the image signature policy; None where no flag asks for one."""
    exact, pattern, issuer = args.certificate_identity, args.certificate_identity_regexp, args.certificate_oidc_issuer
    if exact is None and pattern is None and issuer is None:
        return None
    if exact is None and pattern is None:
        raise InvalidPolicyError(
            "an issuer without an identity trusts every account of that issuer",
            expected="`--certificate-identity` or `--certificate-identity-regexp`",
        )
    if not issuer:
        raise InvalidPolicyError(
            "an identity without its issuer can be claimed by anybody", expected="`--certificate-oidc-issuer`"
        )
    from supplychain.cosign import CosignPolicy
    from supplychain.identity_pattern import IdentityPattern

    identity = IdentityPattern.exactly(exact) if exact is not None else IdentityPattern.parse(pattern)
    return CosignPolicy(identity=identity, issuer=issuer)


def provenance_keys(args: argparse.Namespace, *, limits: Limits) -> tuple[TrustedKey, ...]:
    """Read every `--provenance-key`."""
    if not args.provenance_key:
        return ()
    from supplychain.verification_key import parse_trusted_keys

    paths = args.provenance_key
    return tuple(key for path in paths for key in parse_trusted_keys(read_file(path, limit=limits.document), name=path))


def log_entries(args: argparse.Namespace, *, limits: Limits) -> tuple[bytes, ...]:
    """Read every `--rekor-entry`."""
    return tuple(read_file(path, limit=limits.document) for path in args.rekor_entry or ())


def log_lookup(args: argparse.Namespace, *, limits: Limits) -> AbstractContextManager[RekorLookup | None]:
    """Make what `--rekor-lookup` asks for, to be entered for as long as it is used; it is None without the flag.

    Raises:
        UnreadableFileError: `--ca-file` cannot be used.
    """
    if not args.rekor_lookup:
        return nullcontext()
    from supplychain.mirror.rekor import RekorLookup

    return RekorLookup(limits=limits, insecure=args.insecure_registry, ca_file=args.ca_file)


def _refuse_idle_lookup(args: argparse.Namespace) -> None:
    """Refuse `--rekor-lookup` beside flags with which it must not, or would never, ask a log."""
    for name, why in (
        ("offline", "which forbids to ask anybody"),
        ("rekor_entry", "which already gives the entries"),
        ("allow_unsigned_provenance", "with which no entry is needed"),
    ):
        if args.rekor_lookup and getattr(args, name):
            raise InvalidPolicyError(f"`--rekor-lookup` contradicts `{_flag(name)}`, {why}", hint="leave out one of the two")


def slsa_policy(args: argparse.Namespace, *, limits: Limits) -> SlsaPolicy | None:
    """Build the provenance policy; None where no flag asks for one."""
    if args.source_uri is None:
        refuse_stray(args, ("source_tag", "source_versioned_tag", "source_branch", "workflow_input"), needs="--source-uri")
        if not getattr(args, "manifest", None):
            stray = ("provenance", "builder_id", "provenance_key", "rekor_entry", "rekor_lookup", "allow_unsigned_provenance")
            refuse_stray(args, stray, needs="--source-uri")
        return None
    return wanted_source(args, limits=limits)


def wanted_source(args: argparse.Namespace, *, limits: Limits) -> SlsaPolicy:
    """Build the provenance policy of `--source-uri`, which is given."""
    refuse_blank(args, ("source_uri", "source_tag", "source_versioned_tag", "source_branch"))
    from supplychain.slsa import SlsaPolicy

    return SlsaPolicy(
        source_uri=args.source_uri,
        source_tag=args.source_tag,
        source_versioned_tag=args.source_versioned_tag,
        source_branch=args.source_branch,
        builder_ids=tuple(args.builder_id) if args.builder_id else None,
        workflow_inputs=_workflow_inputs(args.workflow_input or ()),
        allow_unsigned=args.allow_unsigned_provenance,
        keys=provenance_keys(args, limits=limits),
    )


def provenance_materials(args: argparse.Namespace, *, limits: Limits) -> tuple[Material, ...] | None:
    """Read `--provenance`; None where it is not given."""
    _refuse_idle_lookup(args)
    if args.provenance is None:
        if not getattr(args, "manifest", None):
            refuse_stray(args, ("rekor_entry", "rekor_lookup"), needs="--provenance")
        return None
    from supplychain.slsa import parse_provenance_file

    try:
        data = read_file(args.provenance, limit=limits.document)
        entries = log_entries(args, limits=limits)
        return parse_provenance_file(data, where=args.provenance, log_entries=entries, limits=limits)
    except ProvenanceMissingError:
        return ()  # a layer that is asked for and finds nothing refuses; it does not make the request wrong


def refuse_blank(args: argparse.Namespace, names: tuple[str, ...]) -> None:
    """Refuse flags without a value, such as an unset variable of a script leaves behind."""
    for name in names:
        value = getattr(args, name, None)
        if value is not None and not value.strip():
            raise InvalidPolicyError(f"`{_flag(name)}` is blank", hint="leave it out, or give the variable behind it a value")


def _flag(name: str) -> str:
    return "--" + {"plugin_class": "class"}.get(name, name).replace("_", "-")


def refuse_stray(args: argparse.Namespace, names: tuple[str, ...], *, needs: str) -> None:
    """Refuse flags that would be ignored in silence, empty ones too; `needs` says what they belong to."""
    for name in names:
        if getattr(args, name, None) not in (None, False, []):
            raise InvalidPolicyError(f"`{_flag(name)}` has no effect here", expected=f"together with it: {needs}")


def _workflow_inputs(texts: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key or key in found:
            raise InvalidPolicyError("unusable workflow input", expected="`KEY=VALUE`, each key once", got=f"`{text}`")
        found[key] = value
    return found
