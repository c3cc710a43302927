"""`verify-bundle` of the sigstore-conformance protocol (sigstore/sigstore-conformance, docs/cli_protocol.md), over the public API.

The core judges alone, because the suite asks about the core; `--second-opinion` asks sigstore-python too, as the product does.
Exit code 0 means verified, 1 refused or not judged, 2 a wrong call.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from supplychain.artifact import EvidenceForm, Material
from supplychain.bundle import parse_bundle
from supplychain.errors import IdentityMismatchError, StatementInvalidError, SubjectMismatchError, SupplyChainError
from supplychain.evidence import verify_envelope, verify_message
from supplychain.identity import SignerIdentity
from supplychain.in_toto import parse_statement
from supplychain.trust_root import TrustRoots, embedded, parse_trust_root
from supplychain.verification_key import parse_trusted_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supplychain.identity import KeyHolder
    from supplychain.trust_root import TrustRoot

_DIGEST = re.compile(r"sha256:[0-9a-fA-F]{64}")
_ALGORITHMS = ("sha256", "sha384", "sha512")


def main(words: Sequence[str]) -> int:
    args = _arguments(words)
    try:
        verify(args)
    except SupplyChainError as error:
        sys.stderr.write(f"{error.reason}: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 2
    return 0


def verify(args: argparse.Namespace) -> None:
    """Judge the bundle, then who signed it, then what it is about."""
    root = _root(args.trusted_root)
    keys = parse_trusted_keys(args.key.read_bytes(), name=str(args.key)) if args.key else ()
    material = Material(form=EvidenceForm.BUNDLE, data=args.bundle.read_bytes(), where=str(args.bundle))
    options = {"root": root, "keys": keys, "second_opinion": args.second_opinion}
    message, digests = _artifact(args.artifact)
    if parse_bundle(material.data).envelope is not None:
        envelope = verify_envelope(material, **options)
        _check_signer(envelope.signer, args)
        _check_subject(envelope.payload_type, envelope.payload, digests)
    elif message is not None:
        _check_signer(verify_message(material, message=message, **options).signer, args)
    else:
        digest = bytes.fromhex(digests["sha256"])
        _check_signer(verify_message(material, digest=digest, **options).signer, args)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="client", allow_abbrev=False)
    command = parser.add_subparsers(required=True).add_parser("verify-bundle", allow_abbrev=False)
    command.add_argument("--bundle", type=Path, required=True)
    command.add_argument("--certificate-identity")
    command.add_argument("--certificate-oidc-issuer")
    command.add_argument("--key", type=Path)
    command.add_argument("--trusted-root", type=Path)
    command.add_argument(
        "--staging", action="store_true", help="needs --trusted-root: the staging root does not ship with this project"
    )
    command.add_argument("--second-opinion", action="store_true")
    command.add_argument("artifact", metavar="FILE_OR_sha256:HEX")
    args = parser.parse_args(words)
    keyless = args.certificate_identity is not None and args.certificate_oidc_issuer is not None
    if (args.key is not None) == (keyless or args.certificate_identity is not None or args.certificate_oidc_issuer is not None):
        parser.error("either --key, or --certificate-identity with --certificate-oidc-issuer")
    if args.key is None and not keyless:
        parser.error("--certificate-identity and --certificate-oidc-issuer go together")
    if args.staging and args.trusted_root is None:
        parser.error("--staging needs --trusted-root")
    return args


def _root(path: Path | None) -> TrustRoot | TrustRoots:
    return embedded() if path is None else parse_trust_root(path.read_bytes(), name=str(path))


def _artifact(text: str) -> tuple[bytes | None, dict[str, str]]:
    """The artifact where there is one, and its digests in hex by algorithm."""
    if _DIGEST.fullmatch(text) and not Path(text).exists():
        return None, {"sha256": text.removeprefix("sha256:").lower()}
    message = Path(text).read_bytes()
    return message, {name: hashlib.new(name, message).hexdigest() for name in _ALGORITHMS}


def _check_signer(signer: SignerIdentity | KeyHolder, args: argparse.Namespace) -> None:
    if not isinstance(signer, SignerIdentity):
        return  # only a key that was given on the command line gets here
    wanted = args.certificate_identity, args.certificate_oidc_issuer
    if (signer.subject, signer.issuer) != wanted:
        raise IdentityMismatchError(
            "another signer", expected=" from ".join(wanted), got=f"{signer.subject} from {signer.issuer}"
        )


def _check_subject(payload_type: str, payload: bytes, digests: dict[str, str]) -> None:
    statement = parse_statement(payload_type, payload, error=StatementInvalidError, where="the envelope")
    for subject in statement.subjects:
        if any(subject.digests.get(name) == value for name, value in digests.items()):
            return
    raise SubjectMismatchError("the statement is about another artifact", expected=digests["sha256"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
