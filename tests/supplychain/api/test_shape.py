"""The rules that a cluster holds by itself say the same as the checks in Python, for whatever text comes."""

import re

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

from supplychain.api import PluginMirrorSpec, PluginSetSpec, PluginSpec, RevocationListSpec, parse_spec
from supplychain.api.shape import VALIDATIONS
from supplychain.errors import InputError, InvalidIdentityPatternError
from supplychain.identity_pattern import IdentityPattern
from supplychain.mirror.rewrite import MirrorRule
from supplychain.reference import OciReference

DIGEST = "sha256:" + "a" * 64
IMAGE_PARTS = st.sampled_from(
    ["ghcr.io", "localhost", "LOCALHOST", "a", "A", "9", ".", "-", "_", "__", "/", ":", "@", "1", "00080", "65535", "65536", ":0/", "[::1]",
     "[ab]", "sha256:", DIGEST, "sha512:", "acme/audit", "://", " ", "\n", "é"]
)  # fmt: skip
MIRROR_PARTS = st.sampled_from(
    ["ghcr.io", "a", "A", "0", ".", "..", "-", "_", "/", "//", ":", "80", "65536", "[::1]", "[ab]", "https://", " ", "\n"]
)
PATTERN_PARTS = st.sampled_from(
    ["^", "$", "|", "$|^", "\\$", "\\|", "\\\\", "(", ")", "(?:", "(?i:", "[", "]", "[^", "[^/]", "[|]", "[]|]", "[^]|]", "[[:alpha:]|]", "\\Q", "\\E",
     ".", "\\.", "*", "+", "https://github\\.com/", "a", "x@", "acme\\.example"]
)  # fmt: skip


def texts(parts, *, size=12):
    return st.lists(parts, max_size=size).map("".join)


def rules(model, *path):
    """The CEL rules of one field."""
    document = model.model_json_schema()
    node = document
    for name in path:
        node = node["properties"][name] if name != "[]" else node["items"]
        real = [member for member in node.get("anyOf", [node]) if member.get("type") != "null"]
        node = real[0] | {key: value for key, value in node.items() if key != "anyOf"}
        if "$ref" in node:
            node = document["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return [rule["rule"] for rule in node[VALIDATIONS]]


def holds(rule, text):
    """Evaluate a rule, as far as the language that they use goes."""
    if " && " in rule:
        return all(holds(part, text) for part in rule.split(" && "))
    if rule.startswith("!"):
        return not holds(rule[1:], text)
    if (matches := re.fullmatch(r"self\.matches\(r'([^']*)'\)", rule)) is not None:
        return re2.search(matches[1], text) is not None
    if (affix := re.fullmatch(r"self\.(startsWith|endsWith)\('(.)'\)", rule)) is not None:
        return getattr(text, affix[1].lower())(affix[2])
    if rule == "self.find('/[^:@]*').size() <= 256":
        found = re2.search("/[^:@]*", text)
        return found is None or len(found[0]) <= 256
    raise AssertionError(rule)


def parses(parse, text):
    try:
        parse(text)
    except InputError:
        return False
    return True


@given(texts(IMAGE_PARTS))
@example("ghcr.io/acme/audit:1")
@example("ghcr.io/acme/audit@" + DIGEST)
@example("registry.example:00080/audit:1@" + DIGEST)
@example("ghcr.io/" + "a" * 255 + ":1")
@example("ghcr.io/" + "a" * 256 + ":1")
@example("[ab]:80/a:1")
def test_an_image_is_a_reference_for_both_or_for_neither(text):
    found = rules(PluginSpec, "oci", "image")
    assert len(found) == 3
    assert all(holds(rule, text) for rule in found) == parses(OciReference.parse, text)


@given(texts(PATTERN_PARTS))
@example("^a$|^b$")
@example(r"^\Qa|b\E$")
@example(r"^(a|b)c$")
@example("^[^|]@acme\\.example$")
@example("^[]|]x@acme\\.example$")
def test_no_pattern_is_refused_by_the_cluster_that_is_proved_to_be_safe(text):
    if parses(IdentityPattern.parse, text):
        assert all(holds(rule, text) for rule in rules(PluginSpec, "trust", "cosignIdentity", "certificateIdentityRegexp"))


@pytest.mark.parametrize("text", ["^a|b$", "a$", "^a", r"^a\$", r"^[^/]+|x$", r"^(?:a|b)|c$", "|^a$"])
def test_a_pattern_that_is_open_at_one_end_is_refused_by_both(text):
    with pytest.raises(InvalidIdentityPatternError):
        IdentityPattern.parse(text)
    assert not all(holds(rule, text) for rule in rules(PluginSpec, "trust", "cosignIdentity", "certificateIdentityRegexp"))


def mirror(**changes):
    parts = {"registry": "ghcr.io", "namespace": "acme", "prefix": "", "service": "harbor"} | changes
    rule = MirrorRule(
        name="m", service=parts["service"], namespace="oci", port=80, upstream_registry=parts["registry"],
        upstream_namespace=parts["namespace"], path_prefix=parts["prefix"],
    )  # fmt: skip
    service = {"namespace": "oci", "name": parts["service"], "port": 80, "pathPrefix": parts["prefix"]}
    spec = {
        "endpoint": {"service": service},
        "upstream": {"registry": parts["registry"], "namespace": parts["namespace"]},
    }
    return not rule.problems, parses(lambda spec: parse_spec(PluginMirrorSpec, spec, where="here"), spec)


@given(texts(MIRROR_PARTS, size=8))
@example("ghcr.io/")
@example("[::1]:5000")
@example("[ab]")
@example("a:65535")
def test_a_registry_is_sound_for_the_document_and_for_the_rewrite_or_for_neither(text):
    sound, read = mirror(registry=text)
    assert sound == read == all(holds(rule, text) for rule in rules(PluginMirrorSpec, "upstream", "registry"))


@given(texts(MIRROR_PARTS, size=8))
@example("/a/b/")
@example("//")
def test_a_namespace_is_sound_for_the_document_and_for_the_rewrite_or_for_neither(text):
    sound, read = mirror(namespace=text)
    assert sound == read == all(holds(rule, text) for rule in rules(PluginMirrorSpec, "upstream", "namespace"))


@given(texts(MIRROR_PARTS, size=8))
@example("")
@example("//")
@example("a//b")
def test_a_prefix_is_sound_for_the_document_and_for_the_rewrite_or_for_neither(text):
    sound, read = mirror(prefix=text)
    assert sound == read == all(holds(rule, text) for rule in rules(PluginMirrorSpec, "endpoint", "service", "pathPrefix"))


@given(texts(MIRROR_PARTS, size=8))
@example("a" * 63)
@example("a" * 64)
def test_a_service_is_sound_for_the_document_and_for_the_rewrite_or_for_neither(text):
    sound, read = mirror(service=text)
    assert sound == read == all(holds(rule, text) for rule in rules(PluginMirrorSpec, "endpoint", "service", "name"))


@pytest.mark.parametrize(
    ("model", "path", "good", "bad"),
    [
        (PluginSpec, ("version",), "v1.2.3-rc.1+b", "1.2"),
        (PluginSpec, ("pluginId",), "a\n.b", "audit"),
        (PluginSpec, ("trust", "signingKeyRef", "secretName"), "a.b-c", "a..b"),
        (PluginSpec, ("trust", "signingKeyRef", "key"), "..data_1", "a/b"),
        (PluginMirrorSpec, ("resyncInterval",), "1h2.5µs", "1h "),
        (RevocationListSpec, ("revocations", "[]", "artifactSha256"), " " + "aB" * 32 + "\n", "a" * 63),
        (PluginSetSpec, ("entries", "[]", "id"), "A.b_c-", "_a.b"),
    ],
)
def test_a_shape_is_written_for_the_cluster_as_it_is_checked_here(model, path, good, bad):
    found = rules(model, *path)
    assert all(holds(rule, good) for rule in found)
    assert not all(holds(rule, bad) for rule in found)
