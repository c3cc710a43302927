"""Sound packages that are not what was asked for, broken signatures, and requests that are wrong themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.builders import build_elf
from tests.support.sigstore.keys import pem
from tests.support.testdata.cases import case, failed, invalid, refused, unavailable
from tests.support.testdata.demo import flip
from tests.support.testdata.release import IDENTITY_PATTERN, Release, dump_yaml, signing_key

if TYPE_CHECKING:
    from pathlib import Path


def _describe(release: Release, **fields: str) -> None:
    release.only()
    assert isinstance(release.descriptor, dict)
    release.descriptor |= {name.rstrip("_"): value for name, value in fields.items()}


@case(refused("descriptor", "PluginIdMismatch"))
def another_plugin_of_the_same_publisher_refused(release: Release) -> None:
    """The tag leads to another plugin, properly signed with the same key.

    Whoever can move a tag can offer anything the publisher ever signed. The id inside the package decides.
    """
    _describe(release, id="dev.acme.shell")


@case(refused("descriptor", "PluginClassMismatch"))
def plugin_that_changed_its_class_refused(release: Release) -> None:
    """The descriptor was edited to another class.

    The detached signature does not cover the descriptor, so an edited one verifies. A sink must not come back as a policy engine.
    """
    _describe(release, class_="policy_engine")


@case(refused("descriptor", "VersionMismatch"))
def older_release_under_the_wanted_tag_refused(release: Release) -> None:
    """The reference leads to another version than the policy wants.

    An older release has known holes and a good signature. The tag's version must be the wanted one.
    """
    release.only()
    release.tag = "1.2.2-linux-amd64"


@case(refused("descriptor", "RuntimeMismatch"))
def native_library_declared_as_component_refused(release: Release) -> None:
    """The descriptor says WASM, the package holds a native library.

    A component runs in a sandbox, a library does not. Nobody may be told the one and given the other.
    """
    _describe(release, runtime="wasi-v1")


@case(refused("descriptor", "ProtocolUnsupported"))
def plugin_of_a_newer_protocol_refused(release: Release) -> None:
    """The plugin speaks protocol 2.

    The gateway would refuse it at start-up, or worse, misunderstand it. Only major version 1 is known.
    """
    _describe(release, protocol_version="2.0")


@case(refused("descriptor", "PlatformMismatch"))
def library_for_another_machine_refused(release: Release) -> None:
    """The library under the amd64 tag was built for arm64.

    The signature is good and the tag says what was wanted. The library's own header tells.
    """
    release.only()
    release.library = build_elf(architecture="arm64")


@case(refused("descriptor", "PlatformMismatch"))
def script_instead_of_library_refused(release: Release) -> None:
    """`plugin.so` is a shell script.

    It is signed, so the publisher's own build went wrong. It is no shared library, and nothing must load it.
    """
    release.only()
    release.library = b"#!/bin/sh\nexec id\n"


# --- the detached signature ---------------------------------------------------------------------------------------------------


@case(refused("ed25519", "SignatureInvalid"))
def library_changed_after_signing_refused(release: Release) -> None:
    """One bit of the library is changed, everything around it is made to agree.

    Checksums and digests are not secret, so an attacker mends them all. Only the publisher's signature cannot be mended.
    """
    release.only("cosign")
    release.signature = release.key.sign(release.library)
    release.library = flip(release.library, release.library.index(b"audit_sink"))


@case(refused("ed25519", "SignatureInvalid"))
def signature_with_one_bit_flipped_refused(release: Release) -> None:
    """One bit of the signature is flipped.

    There is no almost. The library is untouched and still refused.
    """
    release.only()
    release.signature = flip(release.key.sign(release.library), 40)


@case(refused("ed25519", "SignatureInvalid"))
def signature_by_another_key_refused(release: Release) -> None:
    """Somebody else signed the library.

    A valid signature by an unknown key is worth nothing. The key comes from the policy, never from the package.
    """
    release.only()
    release.key = signing_key("attacker")


@case(refused("ed25519", "SignatureMissing"))
def package_without_signature_refused(release: Release) -> None:
    """The package is not signed.

    The format allows it, the policy does not. Leaving the signature out must not be easier than forging it.
    """
    release.only()
    release.signature = False


@case(invalid("SigningKeyMissing"))
def key_secret_that_is_missing_invalid(release: Release) -> None:
    """The Secret with the publisher's key is not among the documents.

    Without a key nothing can be verified. It must not be taken from anywhere else.
    """
    release.only()
    release.policy = dump_yaml(release.documents()[0])


@case(invalid("SigningKeyInvalid"))
def key_that_verifies_anything_invalid(release: Release) -> None:
    """The trusted key is a point of small order.

    Signatures that such keys accept can be made without any private key. They are refused when they are loaded.
    """
    release.only()
    release.trusted_keys = b"01" + b"00" * 31 + b"\n"


# --- requests that are wrong --------------------------------------------------------------------------------------------------


@case(invalid("InvalidManifest"))
def misspelt_field_in_the_manifest_invalid(release: Release) -> None:
    """`cosignIdentity` is misspelt.

    A reader that ignores unknown fields would verify without cosign and say yes. Unknown fields are errors.
    """
    release.only("cosign")
    release.spec["trust"]["cosingIdentity"] = release.spec["trust"].pop("cosignIdentity")


@case(invalid("InvalidManifest"))
def key_twice_in_the_manifest_invalid(release: Release) -> None:
    """The manifest names two images under one key.

    Readers disagree on which one counts: the reviewer sees one, the cluster takes the other. A key stands once.
    """
    release.only()
    text = dump_yaml(*release.documents())
    release.policy = text.replace(b"    image: ", b"    image: ghcr.io/acme/plugins/other:1.2.3\n    image: ", 1)


@case(invalid("InvalidManifest"))
def manifest_that_explodes_invalid(release: Release) -> None:
    """A small manifest expands to billions of values.

    Aliases of aliases fill any memory. Their use is counted in full.
    """
    release.only()
    levels = "".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    release.policy = dump_yaml(*release.documents()) + b"---\nkind: ConfigMap\ndata:\n  l0: &l0 [x]\n" + levels.encode()


@case(invalid("InvalidReference"))
def image_without_registry_invalid(release: Release) -> None:
    """The image names no registry.

    A default registry would be a guess, and anybody may own the name there. The registry must be written.
    """
    release.only()
    release.spec["oci"]["image"] = "acme/audit:1.2.3-linux-amd64"


@case(invalid("InvalidIdentityPattern"))
def identity_pattern_with_an_open_branch_invalid(release: Release) -> None:
    """The identity pattern begins with `^` and ends with `$`, and still matches everybody.

    In `^a$|b$` only the first branch is anchored at its beginning. Each branch must be proved to be anchored.
    """
    release.only("cosign")
    release.spec["trust"]["cosignIdentity"]["certificateIdentityRegexp"] = IDENTITY_PATTERN + r"|github\.com/acme/.*$"


@case(invalid("InvalidIdentityPattern"))
def identity_pattern_that_matches_everything_invalid(release: Release) -> None:
    """The identity pattern is `^.*$`.

    It asks for a signature by anybody at all. That is no policy, so it is refused as one.
    """
    release.only("cosign")
    release.spec["trust"]["cosignIdentity"]["certificateIdentityRegexp"] = "^.*$"


@case(invalid("InvalidPolicy"))
def key_given_twice_invalid(release: Release) -> None:
    """A key is given by flag although the documents already hold one.

    Adding it silently would let a second key sign, replacing it would ignore the manifest. The user has to say which.
    """
    release.only()
    release.arguments = ["--key", "testdata/keys/other.pub"]


@case(invalid("MirrorUnresolved"))
def mirror_that_is_missing_invalid(release: Release) -> None:
    """The manifest names a mirror that nobody defines.

    Falling back to upstream is what the mirror was to prevent. It is an error instead.
    """
    release.only()
    release.spec["oci"]["mirrorRef"] = {"name": "harbor"}


@case(invalid("MirrorUnresolved"))
def mirror_for_a_look_alike_namespace_invalid(release: Release) -> None:
    """The mirror covers `acme/plug`, the image is under `acme/plugins`.

    A comparison without the closing slash would take one for the other. The names must end at a slash.
    """
    release.only()
    release.spec["oci"]["mirrorRef"] = {"name": "harbor"}
    mirror = {
        "apiVersion": "mcpg.dev/v1alpha2",
        "kind": "MCPGPluginMirror",
        "metadata": {"name": "harbor"},
        "spec": {
            "endpoint": {"service": {"namespace": "oci-mirror", "name": "harbor", "port": 80}},
            "upstream": {"registry": "ghcr.io", "namespace": "acme/plug"},
        },
    }
    release.more_documents = [mirror]


@case(invalid("PullSecretInvalid"))
def pull_secret_without_its_key_invalid(release: Release) -> None:
    """The pull Secret holds nothing that can be read as credentials.

    Going on anonymously would hide the mistake. A Secret that is named must be usable.
    """
    release.only()
    release.spec["oci"]["pullSecretRef"] = {"name": "pull"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull"}, "stringData": {"config": "{}"}}
    release.more_documents = [secret]


@case(invalid("InvalidTrustRoot"))
def trust_root_of_another_kind_invalid(release: Release) -> None:
    """The trust root file is some other JSON document.

    An empty root must never be the same as a root that trusts nobody in particular. It is an error of its own.
    """
    release.only("cosign")
    release.trust_root = b'{"mediaType": "application/json"}\n'


@case(invalid("UnreadableFile"))
def trust_root_that_is_a_folder_invalid(release: Release) -> None:
    """The trust root path is a folder.

    Falling back to another root would trust somebody else. The file that was named is used, or nothing.
    """
    release.only("cosign")
    release.trust_root = b""

    def replace_by_folder(folder: Path) -> None:
        (folder / "trust_root.json").unlink()
        (folder / "trust_root.json").mkdir()
        (folder / "trust_root.json" / "README.md").write_text("The trust root that is asked for is this folder.\n")

    release.edit_directory = replace_by_folder


@case(failed("OutputFailed"))
def output_folder_that_is_a_file_invalid(release: Release) -> None:
    """The verified files are to be saved where a file stands.

    Nothing that exists is replaced by force. The user learns that nothing was saved.
    """
    release.only()
    release.arguments = ["--save", "testdata/keys/release.pub"]


@case(unavailable("cosign", "SignatureSourceMissing"))
def image_signature_of_a_bare_package_unavailable(release: Release) -> None:
    """The policy wants an image signature, the target is a bare package file.

    Image signatures are about a manifest, and a file has none. Nothing was refused, but nothing was proven either.
    """
    release.only("cosign")
    release.target = "{case}/plugin.zip"


@case(refused("ed25519", "SignatureInvalid"))
def only_the_key_of_another_publisher_refused(release: Release) -> None:
    """The Secret holds the key of another publisher.

    Swapping the key is as good as swapping the plugin. The report names the key by its fingerprint.
    """
    release.only()
    release.trusted_keys = pem(signing_key("another publisher"))
