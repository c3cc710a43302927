"""Cold processes: `supplychain verify` beside `cosign verify` plus `cosign verify-attestation` of the same artifact."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.installed import program
from benchmarks.measure import line, pair, run
from supplychain.digest import ArtifactHash
from tests.support import scenario
from tests.support.builders import build_package, public_key
from tests.support.components import find
from tests.support.oci import Stored
from tests.support.registries import RunningRegistries
from tests.support.sigstore.statements import COSIGN_SIGN, SLSA_V0_2
from tests.support.virtual_sigstore import GITHUB_ISSUER, generator_identity, github_identity, image_signature, slsa_provenance

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUNDS = 9
_MANY = 100


def main() -> None:
    cosign, registry = find("cosign"), find("registry-referrers")
    if cosign is None or registry is None:
        print("cold: cosign or registry-referrers is not built (`make tools`): left out")
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "trusted_root.json").write_bytes(scenario.SIGSTORE.trusted_root())
        (place / "release.pub").write_bytes(public_key())
        with closing(RunningRegistries(place)) as registries:
            address = registries.referrers.host
            images = [publish(address, f"bench/plugin{number}") for number in range(_MANY)]
            layouts(place)
            one(place, images[0], cosign=cosign)
            many(place, images, cosign=cosign)
            trips(place, images[0])


def publish(registry: str, repository: str) -> str:
    stored = signed_plugin(repository)
    stored.push(registry, repository)
    return f"{registry}/{repository}:1.2.3"


def signed_plugin(name: str) -> Stored:
    """One plugin with the image signature and provenance that both sides can judge: about the artifact and about the manifest."""
    stored = Stored()
    plugin = stored.plugin(
        build_package(artifact=scenario.LIBRARY), config={"id": "dev.mcpg.example.echo", "of": name}, tag="1.2.3"
    )
    statement = slsa_provenance(ArtifactHash.of(scenario.LIBRARY))
    statement["subject"].append({"name": name, "digest": {"sha256": plugin["digest"].removeprefix("sha256:")}})
    sign = scenario.SIGSTORE.sign_statement
    stored.attach(sign(image_signature(plugin["digest"])), subject=plugin, predicate_type=COSIGN_SIGN)
    stored.attach(sign(statement, identity=generator_identity()), subject=plugin, predicate_type=SLSA_V0_2)
    return stored


def layouts(place: Path) -> None:
    (place / "layout").mkdir()
    signed_plugin("layout").write(place / "layout")


def ours(place: Path, *targets: str, flags: Sequence[str] = ()) -> list[str | Path]:
    return [
        program(place), "verify", "--quiet", *flags, "--key", place / "release.pub", "--trust-root", place / "trusted_root.json",
        "--certificate-identity", github_identity().subject, "--certificate-oidc-issuer", GITHUB_ISSUER,
        "--source-uri", "github.com/acme/plugins", "--source-tag", "v1.2.3", *targets,
    ]  # fmt: skip


def theirs(place: Path, image: str, *, cosign: Path) -> list[list[str | Path]]:
    common: list[str | Path] = ["--trusted-root", place / "trusted_root.json", "--allow-http-registry"]
    common += ["--certificate-oidc-issuer", GITHUB_ISSUER]
    signer, builder = github_identity().subject, generator_identity().subject
    return [
        [cosign, "verify", *common, "--certificate-identity", signer, image],
        [cosign, "verify-attestation", *common, "--type", "slsaprovenance02", "--certificate-identity", builder, image],
    ]


def one(place: Path, image: str, *, cosign: Path) -> None:
    print("cold: one artifact, beside `cosign verify` plus `cosign verify-attestation` (goal: ratio at most 2)")
    peer = theirs(place, image, cosign=cosign)
    shown = False
    for target, where in ((f"oci-layout:{place / 'layout'}", "layout"), (image, "registry")):
        for flags, judges in ((["--single-verifier"], "one verifier"), ([], "two verifiers")):
            mine, other, ratio = pair([ours(place, target, flags=flags)], peer, rounds=_ROUNDS)
            if not shown:
                print(line("cosign verify + verify-attestation", other))
                shown = True
            print(line(f"supplychain verify, {where}, {judges}", mine) + f"   ratio {ratio:.2f}")


def many(place: Path, images: list[str], *, cosign: Path) -> None:
    print(f"cold: {_MANY} artifacts in one call (goal: ratio at most 0.2)")
    peer = [command for image in images for command in theirs(place, image, cosign=cosign)]
    for flags, judges in ((["--single-verifier"], "one verifier"), ([], "two verifiers")):
        mine, other, ratio = pair([ours(place, *images, flags=flags)], peer, rounds=1)
        print(line(f"supplychain verify, {judges}", mine) + f"   ratio {ratio:.2f}")
    print(line(f"cosign, {len(peer)} processes", other))


def trips(place: Path, image: str) -> None:
    """Count the requests of one verification at the registry's own log."""
    log = place / "referrers.log"
    before = len(log.read_text().splitlines())
    cost = run(ours(place, image, flags=["--single-verifier"]))
    lines = log.read_text().splitlines()[before:]
    words = Counter(word for row in lines for word in row.split() if word in {"GET", "HEAD"})
    print(f"round trips: {sum(words.values())} requests for two attached objects (goal: 4 plus one per object), exit {cost.code}")
