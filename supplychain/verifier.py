"""The pipeline: five checks in order, each a gate for the next, and the report of what they found.

This is the only place that turns raised errors into results. `VerificationError` becomes Refused, `UnavailableError` becomes
Unavailable, an `InputError` ends the run as an invalid request. Anything else is a defect and propagates: no report, nothing
trusted.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from supplychain import findings
from supplychain.artifact import EvidenceSet
from supplychain.attached import AttachedEvidence
from supplychain.descriptor import check_request, check_runtime
from supplychain.ed25519 import verify_detached
from supplychain.elf import check_platform
from supplychain.errors import InputError, NotTrustedError, UnavailableError, VerificationError
from supplychain.limits import Limits
from supplychain.package import open_package
from supplychain.proof_memory import remembered_signature, remembering
from supplychain.report import Layer, LayerResult, Outcome, VerificationReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet
    from datetime import datetime
    from types import TracebackType
    from typing import Self

    from supplychain.artifact import Material, PluginPackage, PulledArtifact
    from supplychain.cosign import CosignPolicy, ImageSignature
    from supplychain.ed25519 import PublicKey
    from supplychain.findings import Finding
    from supplychain.policy import VerificationRequest
    from supplychain.ports import LogLookup, PluginSource
    from supplychain.proof_memory import ProofMemory
    from supplychain.report import Problem
    from supplychain.revocation import RevocationSet
    from supplychain.slsa import Provenance, SlsaPolicy
    from supplychain.trust_root import AnyTrustRoot

__all__ = ["PluginVerifier", "Verification", "VerifiedPlugin"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedPlugin:
    """A package whose report is trusted; the only type that anything is stored or mounted from.

    Made by `Verification.verified` alone.
    """

    package: PluginPackage
    report: VerificationReport


class Verification:
    """A report together with the bytes it is about; close it to give their disk space back."""

    def __init__(self, *, report: VerificationReport, package: PluginPackage | None, spools: ExitStack) -> None:
        self.report = report
        self._package = package
        self._spools = spools

    def verified(self) -> VerifiedPlugin:
        """Hand out the plugin.

        Raises:
            NotTrustedError: the report does not allow it.
        """
        if self._package is None or not self.report.trusted:
            raise NotTrustedError(
                "the report does not allow this plugin", got=self.report.verdict.value, where=self.report.target
            )
        return VerifiedPlugin(package=self._package, report=self.report)

    def close(self) -> None:
        """Release the spooled bytes."""
        self._spools.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginVerifier:
    """Verifies plugins against one trust root and one set of revocation lists; threads may share it."""

    root: Callable[[], AnyTrustRoot]
    """Asked only by a layer that needs it, so that an unreachable root cannot fail a policy without keyless layers."""
    revocations: RevocationSet | None = None
    limits: Limits = field(default_factory=Limits)
    second_opinion: bool = True
    lookup: LogLookup | None = None
    """Finds the log entries that bare envelopes lack; None: they are never looked up."""
    proofs: ProofMemory | None = None
    """What was proven before, for processes that judge the same evidence again and again; None: everything is proven anew."""

    def verify(self, source: PluginSource, *, request: VerificationRequest, at: datetime) -> Verification:
        """Judge one plugin; the caller closes the result."""
        with ExitStack() as spools, remembering(self.proofs):
            gates = _Gates(configured=_configured(request, revocations=self.revocations))
            package = self._walk(gates, source=source, request=request, spools=spools)
            report = VerificationReport(
                target=request.target,
                at=at,
                layers=gates.results(),
                inputs=findings.inputs(request.policy, root=gates.root, revocations=self.revocations),
                error=gates.error,
            )
            return Verification(report=report, package=package, spools=spools.pop_all())

    def _walk(
        self, gates: _Gates, *, source: PluginSource, request: VerificationRequest, spools: ExitStack
    ) -> PluginPackage | None:
        package: PluginPackage | None = None
        policy = request.policy
        try:
            # (0) The bytes, each under the digest it was asked for.
            pull = partial(self._pull, source, request=request, spools=spools)
            pulled = gates.run(Layer.PULL, pull, partial(findings.pulled, warnings=request.warnings))
            # (1) The package is what was asked for.
            unpacked = partial(self._unpack, pulled, request=request, spools=spools)
            package = gates.run(Layer.DESCRIPTOR, unpacked, partial(findings.described, policy=policy, tag=pulled.tag))
            # (2) The publisher's key signed the library.
            signed = partial(_check_signature, package, keys=policy.keys)
            gates.run(Layer.ED25519, signed, findings.signed)
            # (3) Nobody took it back.
            if self.revocations is not None:
                gates.run(Layer.REVOCATION, partial(_check_revocation, self.revocations, package=package), findings.not_revoked)
            evidence = AttachedEvidence(source, digest=pulled.manifest_digest, where=pulled.source)
            # (4) The trusted identity signed the manifest.
            if policy.cosign is not None:
                gates.run(Layer.COSIGN, partial(self._cosign, gates, policy.cosign, evidence=evidence), findings.image_signed)
            # (5) A trusted builder built it from the trusted source.
            if policy.slsa is not None:
                given = request.provenance
                slsa = partial(self._slsa, gates, policy.slsa, given=given, evidence=evidence, package=package)
                gates.run(Layer.SLSA, slsa, findings.built)
        except _GateClosedError:
            import logging  # noqa: PLC0415 — 4 ms of start-up that a trusted plugin does not pay

            logging.getLogger(__name__).debug("%s: stopped before the last layer", request.target)
        return package

    def _pull(self, source: PluginSource, *, request: VerificationRequest, spools: ExitStack) -> PulledArtifact:
        pulled = source.pull(platform=request.platform)
        spools.callback(pulled.package.close)
        return pulled

    def _unpack(self, pulled: PulledArtifact, *, request: VerificationRequest, spools: ExitStack) -> PluginPackage:
        package = open_package(pulled, limits=self.limits)
        spools.callback(package.artifact.close)
        policy = request.policy
        check_request(
            package.descriptor,
            plugin_id=policy.plugin_id,
            version=policy.version,
            plugin_class=policy.plugin_class,
            tag=pulled.tag,
        )
        check_runtime(package.descriptor, artifact_name=package.artifact_name)
        if package.artifact_name == "plugin.so":
            check_platform(package.artifact.view, platform=request.platform, where="`plugin.so`")
        return package

    def _cosign(self, gates: _Gates, policy: CosignPolicy, *, evidence: AttachedEvidence) -> ImageSignature:
        # X.509 costs 50 ms of start-up; it is paid only by a policy that asks for it.
        from supplychain.cosign import verify_image_signature  # noqa: PLC0415

        def judge(attached: EvidenceSet) -> ImageSignature:
            return verify_image_signature(
                attached,
                digest=evidence.digest,
                policy=policy,
                root=gates.use_root(self.root),
                second_opinion=self.second_opinion,
                limits=self.limits,
            )

        return evidence.judge(judge)

    def _slsa(
        self,
        gates: _Gates,
        policy: SlsaPolicy,
        *,
        given: tuple[Material, ...] | None,
        evidence: AttachedEvidence,
        package: PluginPackage,
    ) -> Provenance:
        from supplychain.slsa import verify_provenance  # noqa: PLC0415 — as above

        def judge(attached: EvidenceSet) -> Provenance:
            return verify_provenance(
                attached.materials,
                artifact_hash=package.artifact_hash,
                policy=policy,
                root=gates.use_root(self.root),
                second_opinion=self.second_opinion,
                truncated=attached.truncated,
                lookup=self.lookup,
                limits=self.limits,
            )

        return evidence.judge(judge) if given is None else judge(EvidenceSet(materials=given))


class _GateClosedError(Exception):
    """A layer did not pass; what it found is already recorded."""


class _Gates:
    """Collects one result a layer and lets nobody past a layer that did not pass."""

    def __init__(self, *, configured: AbstractSet[Layer]) -> None:
        self._configured = configured
        self._results: dict[Layer, LayerResult] = {}
        self.root: AnyTrustRoot | None = None
        self.error: Problem | None = None

    def run(self, layer: Layer, step: Callable[[], T], describe: Callable[[T], Finding]) -> T:
        try:
            value = step()
        except InputError as wrong:
            self.error = findings.problem(wrong)
        except VerificationError as refused:
            self._results[layer] = findings.failed(layer, Outcome.REFUSED, refused)
        except UnavailableError as unavailable:
            self._results[layer] = findings.failed(layer, Outcome.UNAVAILABLE, unavailable)
        else:
            self._results[layer] = findings.passed(layer, describe(value))
            return value
        raise _GateClosedError

    def use_root(self, root: Callable[[], AnyTrustRoot]) -> AnyTrustRoot:
        if self.root is None:
            self.root = root()
        return self.root

    def results(self) -> tuple[LayerResult, ...]:
        return tuple(self._results.get(layer) or self._unjudged(layer) for layer in Layer)

    def _unjudged(self, layer: Layer) -> LayerResult:
        outcome = Outcome.NOT_REACHED if layer in self._configured else Outcome.NOT_CONFIGURED
        return LayerResult(layer=layer, outcome=outcome)


def _check_signature(package: PluginPackage, *, keys: tuple[PublicKey, ...]) -> PublicKey:
    prove = partial(verify_detached, package.artifact.view, signature=package.signature, keys=keys)
    return remembered_signature(package.artifact, signature=package.signature, keys=keys, prove=prove)


def _check_revocation(lists: RevocationSet, *, package: PluginPackage) -> RevocationSet:
    lists.check(package.artifact_hash)
    return lists


def _configured(request: VerificationRequest, *, revocations: RevocationSet | None) -> AbstractSet[Layer]:
    optional = {
        Layer.REVOCATION: revocations is not None,
        Layer.COSIGN: request.policy.cosign is not None,
        Layer.SLSA: request.policy.slsa is not None,
    }
    return {layer for layer in Layer if optional.get(layer, True)}
