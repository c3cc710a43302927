import pytest

from supplychain.errors import InvalidPolicyError
from supplychain.slsa import GITHUB_ISSUER, SlsaPolicy
from supplychain.slsa.builders import BuilderId
from supplychain.slsa.source import Source, Version
from supplychain.verification_key import parse_trusted_keys
from tests.support.sigstore.keys import Seed, public_key_pem


def test_a_policy_is_read_once_and_in_one_spelling():
    policy = SlsaPolicy(
        source_uri="git+https://github.com/acme/plugins.git",
        source_tag="refs/tags/v1.2.3",
        source_branch="refs/heads/main",
        builder_ids=("https://github.com/a/b@v1",),
    )
    assert policy.source == Source(repository="https://github.com/acme/plugins")
    assert (policy.tag, policy.branch, policy.version) == ("v1.2.3", "main", None)
    assert policy.builders == (BuilderId(name="https://github.com/a/b", ref="refs/tags/v1"),)
    assert policy.issuer == GITHUB_ISSUER
    assert not policy.allow_unsigned


def test_what_is_not_asked_is_none():
    policy = SlsaPolicy(source_uri="github.com/acme/plugins")
    assert (policy.tag, policy.branch, policy.version, policy.builders) == (None, None, None, None)


def test_a_versioned_tag_is_read():
    assert SlsaPolicy(source_uri="github.com/a/b", source_versioned_tag="v1.2").version == Version("1", "2", None, "")


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"source_uri": ""}, id="no source"),
        pytest.param({"source_uri": "acme/plugins"}, id="a source without host"),
        pytest.param({"source_uri": "github.com/acme/plugins@refs/tags/v1"}, id="a source with ref"),
        pytest.param({"source_tag": "v1", "source_versioned_tag": "v1"}, id="two kinds of tag"),
        pytest.param({"source_tag": ""}, id="an empty tag"),
        pytest.param({"source_tag": "refs/tags/"}, id="an empty tag with prefix"),
        pytest.param({"source_branch": ""}, id="an empty branch"),
        pytest.param({"source_versioned_tag": "1.2"}, id="a version without v"),
        pytest.param({"source_versioned_tag": "v1.x"}, id="no version"),
        pytest.param({"builder_ids": ()}, id="no builder"),
        pytest.param({"builder_ids": ("x",)}, id="no builder id"),
        pytest.param({"issuer": ""}, id="no issuer"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(fields):
    with pytest.raises(InvalidPolicyError):
        SlsaPolicy(**({"source_uri": "github.com/acme/plugins"} | fields))


def test_unsigned_provenance_cannot_be_allowed_where_only_a_key_counts():
    keys = parse_trusted_keys(public_key_pem(Seed(b"policy").p256("a key")), name="release.pub")
    assert SlsaPolicy(source_uri="github.com/acme/plugins", keys=keys).keys == keys
    with pytest.raises(InvalidPolicyError, match="nobody signed"):
        SlsaPolicy(source_uri="github.com/acme/plugins", keys=keys, allow_unsigned=True)
