"""The terms of a bundle: every policy comes back as it was written, and nothing else is read."""

import json
from dataclasses import replace
from datetime import date

import pytest

from supplychain.artifact import EvidenceForm, Material, Platform
from supplychain.carry.plugin_bundle.enclosed import digest_of
from supplychain.carry.plugin_bundle.terms import CarriedFile, PluginTerms, Terms, TermsMaterial
from supplychain.cosign import CosignPolicy
from supplychain.digest import ManifestDigest
from supplychain.errors import BundleFileInvalidError
from supplychain.identity_pattern import IdentityPattern
from supplychain.mirror.artifact_form import canonical
from supplychain.reference import OciReference
from supplychain.slsa import SlsaPolicy
from supplychain.verification_key import parse_trusted_keys
from tests.support.bundling import ISSUER, NAME
from tests.support.scenario import SIGSTORE, policy

PROVENANCE_KEY = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=
-----END PUBLIC KEY-----
"""
ATTESTATION = Material(form=EvidenceForm.ENVELOPE, data=b"an envelope", where="file line 1", log_entries=(b"an entry",))
BYTES = {digest_of(data): data for data in (b"an envelope", b"an entry", SIGSTORE.trusted_root(), b"no root")}
EXACT = CosignPolicy(identity=IdentityPattern.exactly("release@acme.example"), issuer=ISSUER)
WHOLE = SlsaPolicy(
    source_uri="github.com/acme/plugins",
    source_versioned_tag="v1",
    source_branch="main",
    builder_ids=("https://builder.example",),
    workflow_inputs={"level": "high"},
    keys=parse_trusted_keys(PROVENANCE_KEY, name="builder.pub"),
    issuer="https://issuer.example",
)


def terms(policies, *, provenance=None):
    plugin = PluginTerms(
        reference=OciReference.parse(NAME),
        digest=ManifestDigest.of(b"x"),
        target="MCPGPlugin/echo",
        platform=Platform(libc="gnu"),
        policy=policies,
        provenance=provenance,
    )
    root = CarriedFile(name="root", sha256=digest_of(SIGSTORE.trusted_root()), as_of=date(2025, 6, 1))
    return Terms(plugins=(plugin,), roots=(root,), lists=(CarriedFile(name="list", sha256=digest_of(b"an entry")),))


def same(one, other):
    """Whether two policies ask for the same; keys of the second kind hold library objects that compare by identity."""

    def shown(value):
        slsa = value.slsa and replace(value.slsa, keys=())
        keys = () if value.slsa is None else tuple((key.name, key.key.spki) for key in value.slsa.keys)
        return replace(value, slsa=slsa, cosign=None), keys, value.cosign and (str(value.cosign.identity), value.cosign.issuer)

    return shown(one) == shown(other)


@pytest.mark.parametrize(
    "asked",
    [
        policy(),
        policy(cosign=None, slsa=None, version=None, plugin_id=None, plugin_class=None),
        policy(slsa=WHOLE),
        policy(slsa=replace(WHOLE, keys=(), allow_unsigned=True, builder_ids=None, workflow_inputs={})),
        policy(cosign=EXACT),
    ],
)
def test_every_policy_comes_back_as_it_was(asked):
    written = terms(asked)
    again = Terms.parse(written.render())
    assert same(again.plugins[0].policy, asked)
    assert again.render() == written.render()
    assert (again.roots, again.lists) == (written.roots, written.lists)


def test_an_exact_identity_stays_exact():
    asked = policy(cosign=EXACT)
    cosign = Terms.parse(terms(asked).render()).plugins[0].policy.cosign
    assert cosign is not None
    pattern = cosign.identity
    assert pattern.matches("release@acme.example")
    assert not pattern.matches("release@acmeXexample")


def test_the_question_is_asked_again_with_the_attestations_that_were_given():
    for given, found in (((TermsMaterial.of(ATTESTATION),), (ATTESTATION,)), ((), ()), (None, None)):
        [plugin] = Terms.parse(terms(policy(), provenance=given).render()).plugins
        request = plugin.request(BYTES.__getitem__)
        assert request.provenance == found
        assert (request.target, request.platform) == ("MCPGPlugin/echo", Platform(libc="gnu"))


def test_the_roots_come_with_their_names_and_days_and_an_unusable_one_is_refused():
    [root] = terms(policy()).trust_roots(BYTES.__getitem__)
    assert (root.name, root.as_of) == ("root", date(2025, 6, 1))
    broken = replace(terms(policy()), roots=(CarriedFile(name="root", sha256=digest_of(b"no root")),))
    with pytest.raises(BundleFileInvalidError, match="trust root is unusable"):
        broken.trust_roots(BYTES.__getitem__)


def test_no_private_matter_can_be_written():
    """What travels is typed: the only keys are public ones."""
    text = terms(policy(slsa=WHOLE)).render().decode()
    assert "PRIVATE" not in text
    assert set(json.loads(text)["plugins"][0]["policy"]) == {"cosign", "keys", "pluginClass", "pluginId", "slsa", "version"}


def edited(change):
    document = json.loads(terms(policy(slsa=WHOLE), provenance=(TermsMaterial.of(ATTESTATION),)).render())
    change(document, document["plugins"][0], document["plugins"][0]["policy"])
    return canonical(document)


@pytest.mark.parametrize(
    "change",
    [
        lambda whole, plugin, asked: whole.update(mcpgBundleTerms=2),
        lambda whole, plugin, asked: whole.update(extra=1),
        lambda whole, plugin, asked: whole["trustRoots"][0].update(extra=1),
        lambda whole, plugin, asked: whole["trustRoots"][0].update(asOf="yesterday"),
        lambda whole, plugin, asked: plugin.update(extra=1),
        lambda whole, plugin, asked: plugin.update(reference="no reference"),
        lambda whole, plugin, asked: plugin.update(digest="sha256:short"),
        lambda whole, plugin, asked: plugin["platform"].update(extra=1),
        lambda whole, plugin, asked: plugin["platform"].pop("os"),
        lambda whole, plugin, asked: plugin["provenance"][0].update(form="unheard-of"),
        lambda whole, plugin, asked: plugin["provenance"][0].update(logEntries=[1]),
        lambda whole, plugin, asked: plugin["provenance"][0].update(extra=1),
        lambda whole, plugin, asked: asked.update(newDemand=True),
        lambda whole, plugin, asked: asked["cosign"].update(extra=1),
        lambda whole, plugin, asked: asked["cosign"].update(certificateIdentityRegexp=".*"),
        lambda whole, plugin, asked: asked["keys"][0].update(key="AAAA"),
        lambda whole, plugin, asked: asked["keys"][0].update(extra=1),
        lambda whole, plugin, asked: asked["slsa"].update(extra=1),
        lambda whole, plugin, asked: asked["slsa"].update(allowUnsigned="yes"),
        lambda whole, plugin, asked: asked["slsa"].update(builderIds=[1]),
        lambda whole, plugin, asked: asked["slsa"].update(sourceUri=""),
        lambda whole, plugin, asked: asked["slsa"]["keys"][0].update(key="AAAA"),
        lambda whole, plugin, asked: asked["slsa"]["keys"][0].update(extra=1),
    ],
)
def test_terms_that_say_anything_else_are_refused(change):
    with pytest.raises(BundleFileInvalidError, match="unusable terms"):
        Terms.parse(edited(change))


def test_the_terms_themselves_are_read_where_nothing_was_changed():
    assert Terms.parse(edited(lambda *_: None)).plugins
