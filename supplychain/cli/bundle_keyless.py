"""The keyless half of `supplychain bundle`: flags, who signs by an identity token, and whom the reader believes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from supplychain.errors import InvalidPolicyError

if TYPE_CHECKING:
    from datetime import datetime

    from supplychain.carry.plugin_bundle.keyless import KeylessSigner, KeylessTrust
    from supplychain.limits import Limits

__all__ = ["add_signing", "add_trust", "keyless_signer", "keyless_trust", "names_identity"]

_IDENTITY = ("verifier_certificate_identity", "verifier_certificate_identity_regexp")
_ISSUER = "verifier_certificate_oidc_issuer"


def add_signing(parser: argparse.ArgumentParser) -> None:
    """Add how summaries are signed without a key."""
    group = parser.add_argument_group("keyless summaries")
    group.add_argument("--sign-keyless", action="store_true", help="sign summaries by an identity token, in place of --sign-key")
    group.add_argument(
        "--identity-token", metavar="FILE", help="the token (OIDC, audience `sigstore`); default: that of the CI job"
    )
    group.add_argument(
        "--trust-config", metavar="FILE", help="ClientTrustConfig of the Sigstore instance that signs: its root and its URLs"
    )


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add by whose keyless summaries the enclosed counts."""
    group = parser.add_argument_group(
        "keyless summaries", "judged by --trust-root or the embedded root, never by an enclosed one"
    )
    identity = group.add_mutually_exclusive_group()
    identity.add_argument(
        "--verifier-certificate-identity", metavar="SUBJECT", help="exact subject whose summaries you trust, as --verifier-key"
    )
    identity.add_argument(
        "--verifier-certificate-identity-regexp", metavar="RE2", help="pattern for the whole subject, anchored with `^` and `$`"
    )
    group.add_argument("--verifier-certificate-oidc-issuer", metavar="URL", help="exact issuer of the verifier's identity")


def keyless_signer(args: argparse.Namespace) -> KeylessSigner | None:
    """Read what `--sign-keyless` needs; None without it.

    Raises:
        InputError: a flag contradicts another one or would be ignored, the token cannot be used, or no instance is named.
    """
    from supplychain.cli.policies import refuse_stray

    if not args.sign_keyless:
        refuse_stray(args, ("identity_token", "trust_config"), needs="`--sign-keyless`")
        return None
    if args.sign_key is not None:
        raise InvalidPolicyError("`--sign-key` and `--sign-keyless` contradict each other", expected="one of both")
    if not args.trust_config:
        raise InvalidPolicyError("nothing says which Sigstore instance signs", expected="`--trust-config FILE`")
    from supplychain.carry.plugin_bundle.keyless import KeylessSigner
    from supplychain.files import read_bounded
    from supplychain.keyless_signing import KeylessSession
    from supplychain.limits import Limits

    name = args.trust_config
    config = read_bounded(name, limit=Limits().document).decode(errors="replace")
    session = KeylessSession(token=_token(args), config=config, name=name)
    return KeylessSigner(session=session, root=session.root, verifier=args.verifier_id)


def _token(args: argparse.Namespace) -> str:
    from supplychain.files import read_bounded
    from supplychain.keyless_signing import ambient_token

    if args.identity_token:
        return read_bounded(args.identity_token, limit=1024 * 1024).decode(errors="replace")
    token = ambient_token()
    if token is None:
        raise InvalidPolicyError(
            "there is no identity to sign as", expected="`--identity-token FILE`, or a CI job that gives one"
        )
    return token


def names_identity(args: argparse.Namespace) -> bool:
    """Whether the reader said anything about a verifier's identity."""
    return any(getattr(args, name) is not None for name in (*_IDENTITY, _ISSUER))


def keyless_trust(args: argparse.Namespace, *, limits: Limits, at: datetime) -> KeylessTrust | None:
    """Read whose keyless summaries count; None where the flags name nobody. The root is the reader's own, and nothing is fetched.

    Raises:
        InvalidPolicyError: identity or issuer is missing.
        InvalidIdentityPatternError: the pattern is refused.
    """
    if not names_identity(args):
        return None
    exact, pattern = (getattr(args, name) for name in _IDENTITY)
    issuer = getattr(args, _ISSUER)
    if not issuer or not (exact or pattern):
        raise InvalidPolicyError(
            "an identity counts with its issuer only, and an issuer with an identity",
            expected="`--verifier-certificate-identity` or `-regexp`, and `--verifier-certificate-oidc-issuer`",
        )
    from supplychain.carry.plugin_bundle.keyless import KeylessTrust
    from supplychain.cli.trust import TrustRootChoice
    from supplychain.cosign import CosignPolicy
    from supplychain.identity_pattern import IdentityPattern

    identity = IdentityPattern.exactly(exact) if exact else IdentityPattern.parse(pattern)
    own = TrustRootChoice(argparse.Namespace(**{**vars(args), "offline": True}), limit=limits.document, at=at, dated=True)
    policy = CosignPolicy(identity=identity, issuer=issuer)
    return KeylessTrust(policy=policy, root=own, second_opinion=not args.single_verifier)
