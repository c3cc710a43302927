"""What the real cosign signs and attests, in every form that it can write, each in a repository of its own."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.judges.live.objects import Attached, read_attached
from tests.support.builders import build_package
from tests.support.components import component
from tests.support.oci import Stored
from tests.support.sigstore.identities import GENERATOR
from tests.support.sigstore.statements import github_provenance, slsa_provenance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.private_sigstore import PrivateSigstore
    from tests.support.registries import RunningRegistries

__all__ = ["IMAGE", "OTHER_IMAGE", "Scene", "run_cosign", "sign_everything"]

_GENERATOR_REF = f"{GENERATOR.removeprefix('https://github.com/')}@refs/tags/v2.1.0"
_TRICK = "refs/heads/github.com/acme/plugins"
_TOKENS: Mapping[str, Mapping[str, str]] = {
    "release": {},
    "mallory": {"repository": "mallory/plugins"},
    "branch": {"repository": "mallory/plugins", "ref": _TRICK},
    "generator": {"signer": _GENERATOR_REF},
    "mallory's generator": {"repository": "mallory/plugins", "signer": _GENERATOR_REF},
    "self-hosted": {"signer": _GENERATOR_REF, "runner": "self-hosted"},
}
"""Who can sign besides the person and the key: GitHub jobs, by what differs from the release job."""
_PASSWORD = "TEST-ONLY-password"
_PREDICATES: Mapping[str, tuple[str, Any]] = {
    "v1": ("slsaprovenance1", github_provenance("")["predicate"]),
    "v0.2": ("slsaprovenance02", slsa_provenance("")["predicate"]),
    "v0.2 from mallory": (
        "slsaprovenance02",
        slsa_provenance("", source_uri="git+https://github.com/mallory/plugins")["predicate"],
    ),
    "other": ("https://acme.example/review/v1", {"approved": True}),
}
"""What is attested: cosign's word for its type, and the predicate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One call of cosign."""

    log: str
    """`rekor2` with a timestamp, `rekor1`, `rekor1+tsa` (older form alone), or `none`: a timestamp alone."""
    signer: str = "release"
    legacy: bool = False
    """As `.sig` or `.att` tag instead of a bundle."""
    attest: str | None = None
    """A predicate of `_PREDICATES`; None signs."""
    image: str = "image"
    registry: str = "referrers"
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


_OCI11 = {"options": ("--registry-referrers-mode=oci-1-1",), "environment": {"COSIGN_EXPERIMENTAL": "1"}}
FORMS: Mapping[str, Form] = {
    "rekor2": Form(log="rekor2"),
    "rekor2 other": Form(log="rekor2", image="other"),
    "rekor1": Form(log="rekor1"),
    "rekor1 first": Form(log="rekor1"),
    "rekor2 first": Form(log="rekor2"),
    "rekor1 before": Form(log="rekor1"),
    "rekor1 after": Form(log="rekor1"),
    "rekor1 other": Form(log="rekor1", image="other"),
    "rekor1 person": Form(log="rekor1", signer="person"),
    "rekor1 mallory": Form(log="rekor1", signer="mallory"),
    "rekor1 branch": Form(log="rekor1", signer="branch"),
    "rekor1 key": Form(log="rekor1", signer="key"),
    "rekor1 elsewhere": Form(log="rekor1", registry="distribution"),
    "none": Form(log="none"),
    ".sig": Form(log="rekor1", legacy=True),
    ".sig other": Form(log="rekor1", legacy=True, image="other"),
    ".sig person": Form(log="rekor1", legacy=True, signer="person"),
    ".sig mallory": Form(log="rekor1", legacy=True, signer="mallory"),
    ".sig key": Form(log="rekor1", legacy=True, signer="key"),
    ".sig tsa": Form(log="rekor1+tsa", legacy=True),
    ".sig other tsa": Form(log="rekor1+tsa", legacy=True, image="other"),
    ".sig none": Form(log="none", legacy=True),
    ".sig elsewhere": Form(log="rekor1", legacy=True, registry="distribution"),
    ".sig referrer": Form(log="rekor1", legacy=True, **_OCI11),  # type: ignore[arg-type]
    "attest rekor2 v1": Form(log="rekor2", attest="v1"),
    "attest v1": Form(log="rekor1", attest="v1"),
    "attest": Form(log="rekor1", attest="v0.2", signer="generator"),
    "attest elsewhere": Form(log="rekor1", attest="v0.2", signer="generator", registry="distribution"),
    "attest other image": Form(log="rekor1", attest="v0.2", signer="generator", image="other"),
    "attest another kind": Form(log="rekor1", attest="other", signer="release"),
    "attest person": Form(log="rekor1", attest="v0.2", signer="person"),
    "attest mallory": Form(log="rekor1", attest="v0.2 from mallory", signer="mallory's generator"),
    "attest lie": Form(log="rekor1", attest="v0.2", signer="mallory's generator"),
    "attest self-hosted": Form(log="rekor1", attest="v0.2", signer="self-hosted"),
    "attest none": Form(log="none", attest="v0.2", signer="generator"),
    "attest key": Form(log="rekor1", attest="v0.2", signer="key"),
    ".att": Form(log="rekor1", legacy=True, attest="v0.2", signer="generator"),
    ".att other image": Form(log="rekor1", legacy=True, attest="v0.2", signer="generator", image="other"),
    ".att none": Form(log="none", legacy=True, attest="v0.2", signer="generator"),
    ".att key": Form(log="rekor1", legacy=True, attest="v0.2", signer="key"),
    ".att elsewhere": Form(log="rekor1", legacy=True, attest="v0.2", signer="generator", registry="distribution"),
}
_FIRST = ("rekor1 first", "rekor2 first")
"""The first entry of a log has no index and an empty proof: nothing that could be changed."""
_EARLY = ("rekor1 other", "rekor2 other", "rekor1 before", "rekor1 mallory", ".sig mallory")
"""Their certificates are put in the place of others', whose time they must include: it shall not be the time that is wrong."""
_LAST = ("rekor1 after", ".sig other", ".att other image")
"""Their log entries are put in the place of others', whose certificates must be older than these."""


def _image(name: str) -> tuple[Stored, dict[str, Any]]:
    stored = Stored()
    return stored, stored.plugin(build_package(), config={"name": name}, tag="1.2.3")


IMAGES = {name: _image(name) for name in ("image", "other")}
IMAGE = IMAGES["image"][1]
OTHER_IMAGE = IMAGES["other"][1]


@dataclass(slots=True, kw_only=True)
class Scene:
    """Everything that was signed, and where."""

    directory: Path
    sigstore: PrivateSigstore
    registries: RunningRegistries
    attached: dict[str, Attached] = field(default_factory=dict)
    """By form."""

    def write_files(self) -> None:
        """Write what cosign reads: trust root, services, tokens, predicates, keys."""
        (self.directory / "trusted_root.json").write_bytes(self.sigstore.keys.trusted_root())
        for log in ("rekor1", "rekor2", "none"):
            self._file(log, "config").write_text(self.sigstore.signing_config(log))
        issuer = self.sigstore.issuer
        self._file("person", "token").write_text(issuer.email())
        for signer, claims in _TOKENS.items():
            self._file(signer, "token").write_text(issuer.github(**claims))
        for name, (_, predicate) in _PREDICATES.items():
            self._file(name, "predicate").write_text(json.dumps(predicate))
        for name in ("cosign", "another"):
            words = ["generate-key-pair", "--output-key-prefix", self.directory / name]
            run_cosign(words, directory=self.directory).check_returncode()

    def reference(self, form: str) -> str:
        """Where cosign itself put a form, by digest."""
        image = IMAGES[FORMS[form].image][1]
        return f"{self._host(form)}/{_repository(form)}@{image['digest']}"

    def sign(self, form: str) -> None:
        """Push the image and let cosign sign it there."""
        wanted = FORMS[form]
        IMAGES[wanted.image][0].push(self._host(form), _repository(form))
        words = [*self._command(wanted), *self._service(wanted), *self._signer(wanted), *wanted.options]
        done = run_cosign([*words, self.reference(form)], directory=self.directory, environment=wanted.environment)
        if done.returncode != 0:
            raise RuntimeError(f"cosign did not sign `{form}`: {done.stderr[-1000:]}")
        self.attached[form] = read_attached(self.reference(form))

    def sign_manifest_as_file(self) -> dict[str, Any]:
        """Sign the bytes of the image's manifest as a file; returns the bundle."""
        manifest, bundle = self.directory / "manifest.json", self.directory / "manifest.sigstore.json"
        manifest.write_bytes(IMAGES["image"][0].blobs[IMAGE["digest"]])
        form = Form(log="rekor1")
        words = ["sign-blob", "--yes", "--bundle", bundle, *self._service(form), *self._signer(form), manifest]
        run_cosign(words, directory=self.directory).check_returncode()
        loaded: dict[str, Any] = json.loads(bundle.read_bytes())
        return loaded

    def _host(self, form: str) -> str:
        return self.registries.distribution.host if FORMS[form].registry == "distribution" else self.registries.referrers.host

    def _command(self, form: Form) -> list[object]:
        if form.attest is None:
            return ["sign", "--yes", "--allow-http-registry"]
        kind, _ = _PREDICATES[form.attest]
        return ["attest", "--yes", "--allow-http-registry", "--type", kind, "--predicate", self._file(form.attest, "predicate")]

    def _service(self, form: Form) -> list[object]:
        if not form.legacy:
            return ["--signing-config", self._file(form.log, "config"), "--trusted-root", self.directory / "trusted_root.json"]
        logged = ["--rekor-url", self.sigstore.rekor1] if form.log != "none" else ["--tlog-upload=false"]
        stamped = ["--timestamp-server-url", self.sigstore.tsa] if form.log != "rekor1" else []
        root = ["--trusted-root", self.directory / "trusted_root.json"]
        return [
            "--new-bundle-format=false",
            "--use-signing-config=false",
            "--fulcio-url",
            self.sigstore.fulcio,
            *logged,
            *stamped,
            *root,
        ]

    def _signer(self, form: Form) -> list[object]:
        if form.signer == "key":
            return ["--key", self.directory / "cosign.key"]
        return ["--identity-token", self._file(form.signer, "token")]

    def _file(self, name: str, kind: str) -> Path:
        return self.directory / f"{name.replace(' ', '-')}.{kind}"


def sign_everything(directory: Path, *, sigstore: PrivateSigstore, registries: RunningRegistries) -> Scene:
    """Sign every form, some at a time."""
    scene = Scene(directory=directory, sigstore=sigstore, registries=registries)
    scene.write_files()
    _ = registries.referrers, registries.distribution
    rest = [form for form in FORMS if form not in (*_FIRST, *_EARLY, *_LAST)]
    with ThreadPoolExecutor(4) as pool:
        for forms in (_FIRST, _EARLY, rest, _LAST):
            list(pool.map(scene.sign, forms))
    bundle = scene.sign_manifest_as_file()
    scene.attached["manifest as file"] = Attached.of_bundle(bundle)
    return scene


def run_cosign(
    words: list[object], *, directory: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run cosign with an empty home and no way beyond loopback."""
    home = directory / "home"
    home.mkdir(exist_ok=True)
    closed = "http://127.0.0.1:9"
    return subprocess.run(
        [component("cosign"), *map(str, words)],
        env={
            "HOME": str(home),
            "HTTP_PROXY": closed,
            "HTTPS_PROXY": closed,
            "COSIGN_PASSWORD": _PASSWORD,
            "PATH": os.defpath,
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _repository(form: str) -> str:
    return "signed/" + form.replace(".", "dot-").replace("'", "").replace(" ", "-")
