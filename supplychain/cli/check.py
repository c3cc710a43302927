"""`supplychain check`: one layer alone, with the code and the exit codes of `verify`. It never says "trusted"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supplychain.cli import flags
from supplychain.cli.exit_codes import verdict_of
from supplychain.errors import InputError, InvalidPolicyError, InvalidReferenceError, SigningKeyMissingError, SupplyChainError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from supplychain.artifact import Platform
    from supplychain.cli.console import Console
    from supplychain.cli.sources import BundleTarget, LayoutTarget, RegistryTarget
    from supplychain.cli.trust import TrustRootChoice
    from supplychain.digest import ManifestDigest
    from supplychain.findings import Finding
    from supplychain.ports import PluginSource
    from supplychain.report import Fact, Layer

__all__ = ["add_to", "run_cosign", "run_ed25519", "run_provenance"]

_EXIT = "exit codes: 0 the layer passed, 1 refused, 2 wrong request, 3 could not be evaluated\n\n"
_ED25519 = (
    _EXIT
    + """\
example:
  supplychain check ed25519 plugin.so --signature plugin.so.sig --key release.pub
"""
)
_COSIGN = (
    _EXIT
    + """\
example:
  supplychain check cosign ghcr.io/acme/audit:1.2.3 --certificate-identity-regexp '^https://github\\.com/acme/audit/.+$' \\
      --certificate-oidc-issuer https://token.actions.githubusercontent.com
"""
)
_PROVENANCE = (
    _EXIT
    + """\
examples:
  supplychain check provenance plugin.so --provenance plugin.intoto.jsonl --source-uri github.com/acme/audit --source-tag v1.2.3
  supplychain check provenance sha256:… --provenance plugin.intoto.jsonl --source-uri github.com/acme/audit --source-branch main
  supplychain check provenance ghcr.io/acme/image@sha256:… --source-uri github.com/acme/image
  supplychain check provenance plugin.so --provenance old.intoto.jsonl --rekor-entry entry.json --source-uri github.com/acme/audit
  supplychain check provenance plugin.so --provenance old.intoto.jsonl --rekor-lookup --source-uri github.com/acme/audit
"""
)


def add_to(commands: flags.Subparsers) -> None:
    """Add the command with one subcommand a layer."""
    parent = flags.add_command(commands, "check", summary="run one layer alone: ed25519, cosign or provenance")
    layers = parent.add_subparsers(title="layers", metavar="LAYER", required=True)

    ed25519 = flags.add_command(layers, "ed25519", summary="check a detached signature over a file", epilog=_ED25519)
    ed25519.add_argument("file", metavar="FILE", help="the signed file, such as `plugin.so`")
    ed25519.add_argument("--signature", metavar="FILE", help="64 raw bytes; default: FILE.sig")
    ed25519.add_argument("--key", metavar="FILE", action="append", help="Ed25519 public keys, any encoding; repeatable")
    flags.add_report(ed25519)
    ed25519.set_defaults(run=run_ed25519)

    cosign = flags.add_command(layers, "cosign", summary="check the keyless signatures of a manifest", epilog=_COSIGN)
    cosign.add_argument(
        "target", metavar="TARGET", help="OCI reference, oci-layout:PATH[:TAG|@DIGEST], or bundle:PATH[:REFERENCE]"
    )
    flags.add_report(cosign)
    flags.add_platform(cosign)
    flags.add_cosign(cosign)
    flags.add_trust(cosign)
    flags.add_registry(cosign)
    flags.add_limits(cosign)
    cosign.set_defaults(run=run_cosign)

    provenance = flags.add_command(
        layers, "provenance", summary="check SLSA provenance of a file or an image", epilog=_PROVENANCE
    )
    provenance.add_argument(
        "artifact",
        metavar="FILE_OR_sha256:HEX",
        help="the built file, or its hash; or an image (reference, oci-layout:PATH[:TAG|@DIGEST]) with what is attached to it",
    )
    flags.add_report(provenance)
    flags.add_provenance(provenance, required=True, key_flags=("--key", "--provenance-key"))
    flags.add_trust(provenance)
    flags.add_registry(provenance)
    provenance.set_defaults(run=run_provenance)


def run_ed25519(args: argparse.Namespace, console: Console) -> int:
    """Check a detached signature."""
    from supplychain.report import Layer

    def step() -> tuple[Finding, Mapping[str, Fact]]:
        from pathlib import Path

        from supplychain import findings
        from supplychain.cli.policies import public_keys
        from supplychain.ed25519 import verify_detached
        from supplychain.files import read_bounded
        from supplychain.limits import Limits
        from supplychain.mirror.files import spool_file

        limits = Limits()
        keys = public_keys(args, limits=limits)
        if not keys:
            raise SigningKeyMissingError("no key to check the signature with")
        path = args.signature or f"{args.file}.sig"
        signature = read_bounded(path, limit=limits.document)
        with spool_file(Path(args.file), limit=limits.artifact) as artifact:
            key = verify_detached(artifact.view, signature=signature, keys=keys, where=f"`{path}`")
            inputs = {"file": args.file, "sha256": artifact.sha256}
        return findings.signed(key), inputs

    return _judge(Layer.ED25519, step, target=args.file, args=args, console=console)


def run_cosign(args: argparse.Namespace, console: Console) -> int:
    """Check the signatures that are attached to a manifest."""
    from supplychain.report import Layer

    roots = _trust_roots(args, console)

    def step() -> tuple[Finding, Mapping[str, Fact]]:
        from supplychain import findings
        from supplychain.cli.policies import cosign_policy
        from supplychain.cli.sources import PackageTarget, Sources, parse_target

        limits = flags.limits_of(args)
        policy = cosign_policy(args)
        if policy is None:
            raise InvalidPolicyError(
                "nothing says who must have signed", expected="`--certificate-identity…` and `--certificate-oidc-issuer`"
            )
        target = parse_target(args.target)
        if isinstance(target, PackageTarget):
            raise InvalidReferenceError(
                "a package file has no manifest that could be signed", expected="an OCI reference or an image layout"
            )
        from supplychain.attached import AttachedEvidence
        from supplychain.cosign import verify_image_signature

        with Sources(args, limits=limits) as sources:
            source = sources.open(target)
            digest = _manifest_digest(target, source=source, platform=flags.platform_of(args))
            second = not args.single_verifier
            signature = AttachedEvidence(source, digest=digest, where=args.target).judge(
                lambda found: verify_image_signature(
                    found, digest=digest, policy=policy, root=roots(), second_opinion=second, limits=limits
                )
            )
        return findings.image_signed(signature), {"manifestDigest": str(digest)}

    return _judge(Layer.COSIGN, step, target=args.target, args=args, console=console, roots=roots)


def run_provenance(args: argparse.Namespace, console: Console) -> int:
    """Check provenance about a file or a hash."""
    from supplychain.report import Layer

    roots = _trust_roots(args, console)

    def step() -> tuple[Finding, Mapping[str, Fact]]:
        from contextlib import ExitStack

        from supplychain import findings
        from supplychain.artifact import EvidenceSet
        from supplychain.cli.policies import log_lookup, provenance_materials, wanted_source
        from supplychain.cli.subject import read_subject
        from supplychain.limits import Limits
        from supplychain.slsa import Provenance, verify_provenance

        limits = Limits()
        policy = wanted_source(args, limits=limits)
        given = provenance_materials(args, limits=limits)
        with ExitStack() as stack:
            subject = stack.enter_context(read_subject(args, limits=limits))
            lookup = stack.enter_context(log_lookup(args, limits=limits))

            def judge(found: EvidenceSet) -> Provenance:
                return verify_provenance(
                    found.materials,
                    artifact_hash=subject.hash,
                    policy=policy,
                    root=roots(),
                    second_opinion=not args.single_verifier,
                    sha512=subject.sha512,
                    truncated=found.truncated,
                    lookup=lookup,
                    limits=limits,
                )

            provenance = judge(EvidenceSet(materials=given)) if given is not None else subject.attached.judge(judge)
        return findings.built(provenance), {"artifactHash": str(subject.hash), "provenance": args.provenance}

    return _judge(Layer.SLSA, step, target=args.artifact, args=args, console=console, roots=roots)


def _judge(
    layer: Layer,
    step: Callable[[], tuple[Finding, Mapping[str, Fact]]],
    *,
    target: str,
    args: argparse.Namespace,
    console: Console,
    roots: TrustRootChoice | None = None,
) -> int:
    from supplychain import findings
    from supplychain.cli.reporting import emit
    from supplychain.output.judgement import Judgement, Scope
    from supplychain.report import Outcome, Verdict

    def used() -> Mapping[str, Fact]:
        return {} if roots is None else {"trustRoots": roots.facts()}

    at = console.now()
    try:
        finding, inputs = step()
    except InputError as error:
        judgement = Judgement.of_problem(findings.problem(error), scope=Scope(layer.value), target=target, at=at)
    except SupplyChainError as error:
        outcome = Outcome.REFUSED if verdict_of(error) is Verdict.REFUSED else Outcome.UNAVAILABLE
        judgement = Judgement.of_layer(findings.failed(layer, outcome, error), target=target, at=at, inputs=used())
    else:
        judgement = Judgement.of_layer(findings.passed(layer, finding), target=target, at=at, inputs={**inputs, **used()})
    for warning in roots.warnings() if roots is not None else ():
        console.note(warning)
    return emit([judgement], args=args, console=console)


def _trust_roots(args: argparse.Namespace, console: Console) -> TrustRootChoice:
    from supplychain.cli.trust import TrustRootChoice
    from supplychain.limits import Limits

    return TrustRootChoice(args, limit=Limits().document, at=console.now())


def _manifest_digest(
    target: BundleTarget | LayoutTarget | RegistryTarget, *, source: PluginSource, platform: Platform
) -> ManifestDigest:
    """Say which manifest the signatures must be about: the one that is named by digest, else the plugin's."""
    from supplychain.cli.sources import LayoutTarget, RegistryTarget
    from supplychain.digest import ManifestDigest
    from supplychain.errors import NotAPluginError

    if isinstance(target, LayoutTarget):
        named = ManifestDigest.parse(target.digest) if target.digest is not None else None
    else:
        named = target.reference.digest if isinstance(target, RegistryTarget) else None
    if named is not None:
        return named
    try:
        pulled = source.pull(platform=platform)
    except NotAPluginError as exc:
        hint = "name the manifest by its digest; a tag is followed only where it names a plugin"
        raise InvalidReferenceError(exc.what, expected=exc.expected, got=exc.got, where=exc.where, hint=hint) from exc
    pulled.package.close()
    if pulled.manifest_digest is None:
        raise InvalidReferenceError("the target has no manifest", where=pulled.source)
    return pulled.manifest_digest
