import pytest

from supplychain.api import RevocationListSpec, parse_spec
from supplychain.errors import InvalidManifestError

HASH = "ab" * 32


def entry(**changes):
    return {"artifactSha256": HASH, "reason": "leaked key"} | changes


def parse(document):
    return parse_spec(RevocationListSpec, document, where="here")


def test_an_empty_list_is_valid():
    assert parse({}).revocations == ()
    assert parse({}).version == 1


def test_every_field_is_read():
    found = parse(
        {
            "version": 1,
            "issuedAt": "2026-01-31T08:00:00Z",
            "revocations": [entry(revokedAt="2026-01-31t08:00:00.123456789+01:00")],
        }
    )
    assert found.revocations[0].artifact_sha256 == HASH
    assert found.issued_at == "2026-01-31T08:00:00Z"


def test_upper_case_and_surrounding_space_are_accepted():
    assert len(parse({"revocations": [entry(artifactSha256=f" {HASH.upper()} ")]}).revocations) == 1


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"version": 2}, "version"),
        ({"version": "1"}, "version"),
        ({"issuedAt": "yesterday"}, "issuedAt"),
        ({"issuedAt": "2026-02-31T08:00:00Z"}, "issuedAt"),
        ({"issuedAt": "2026-01-31"}, "issuedAt"),
        ({"revocations": [entry(artifactSha256=HASH[:-1])]}, "revocations[0].artifactSha256"),
        ({"revocations": [entry(artifactSha256="g" * 64)]}, "revocations[0].artifactSha256"),
        ({"revocations": [entry(artifactSha256=f"sha256:{HASH}")]}, "revocations[0].artifactSha256"),
        ({"revocations": [entry(reason=" ")]}, "revocations[0].reason"),
        ({"revocations": [entry(revokedAt="2026-01-31T08:00:00")]}, "revocations[0].revokedAt"),
        ({"revocations": {}}, "revocations"),
    ],
)
def test_a_wrong_field_is_refused_by_name(document, field):
    with pytest.raises(InvalidManifestError) as caught:
        parse(document)
    assert caught.value.where == f"here, field `spec.{field}`"


def test_two_entries_for_one_artifact_are_refused_ignoring_case():
    with pytest.raises(InvalidManifestError, match="entries 0 and 1"):
        parse({"revocations": [entry(), entry(artifactSha256=HASH.upper(), reason="again")]})
