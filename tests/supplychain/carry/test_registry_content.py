"""Reading a repository by digests: from registries that behave, and from one that does not."""

import json
import re

import pytest

from supplychain.carry.content import fallback_tag
from supplychain.carry.registry_content import RegistryContentSource
from supplychain.digest import ManifestDigest
from supplychain.errors import DigestMismatchError, EvidenceLimitError, NotFoundError, RegistryUnavailableError
from supplychain.limits import Limits
from supplychain.mirror.manifests import OciDescriptor
from supplychain.mirror.transport import RegistryClient
from tests.support.carrying import plugin
from tests.support.loopback_server import Answer, serving
from tests.support.oci import canonical

INDEX = "application/vnd.oci.image.index.v1+json"
SUBJECT = ManifestDigest.of(b"subject")


def entry(number):
    return {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": f"sha256:{number:064x}", "size": number + 1}


def listing(*entries, **headers):
    body = canonical({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)})
    return Answer(headers={"Content-Type": INDEX, **headers}, body=body)


@pytest.fixture
def served():
    """A registry that answers the paths of `answers`, by pattern, and 404 otherwise."""
    answers: dict[str, Answer] = {}

    def answer(asked):
        return next(
            (given for pattern, given in answers.items() if re.search(pattern, f"{asked.method} {asked.path}")),
            Answer(status=404),
        )

    with serving(answer) as server, RegistryClient(sleep=lambda _: None) as client:
        yield RegistryContentSource(server.host, "acme/echo", client=client, limits=Limits(retries=0)), answers, server


def test_everything_is_read_by_digest_from_a_real_registry(hall):
    stored, descriptor = plugin()
    hall.publish(stored)
    source, digest = hall.source(), ManifestDigest.parse(descriptor["digest"])
    document = source.document(str(digest))
    assert (document.digest, source.digest(str(digest))) == (digest, digest)
    listed = source.referrers(digest)
    assert len(listed) == 2
    [layer] = json.loads(document.data)["layers"]
    blob = OciDescriptor(media_type=layer["mediaType"], sha256=layer["digest"][7:], size=layer["size"])
    source.check(blob)
    with source.spool(blob) as spool:
        assert bytes(spool.view) == source.read(blob) == stored.blobs[layer["digest"]]


def test_what_is_not_there_is_none_or_not_found(hall):
    source = hall.source()
    assert source.document("nothing") is None
    assert source.digest("nothing") is None
    assert source.referrers(SUBJECT) == ()
    lost = OciDescriptor(media_type="x/y", sha256="0" * 64, size=1)
    for read in (source.read, source.spool, source.check):
        with pytest.raises(NotFoundError):
            read(lost)


def test_other_bytes_than_were_asked_for_are_refused(served):
    source, answers, _ = served
    answers["blobs"] = Answer(body=b"other")
    answers["manifests"] = Answer(body=b"{}")
    for read in (source.read, source.spool, source.check):
        with pytest.raises(DigestMismatchError):
            read(OciDescriptor(media_type="x/y", sha256="0" * 64, size=5))
    with pytest.raises(DigestMismatchError):
        source.document(f"sha256:{'0' * 64}")


def test_a_registry_that_does_not_name_the_digest_is_read(served):
    source, answers, server = served
    body = canonical({"schemaVersion": 2, "manifests": []})
    answers["manifests/tag"] = Answer(body=body)
    assert source.digest("tag") == ManifestDigest.of(body)
    assert [one.method for one in server.asked] == ["HEAD", "GET"]
    answers["GET .*manifests/tag"] = answers.pop("manifests/tag")
    answers["HEAD .*manifests/tag"] = Answer()
    answers["GET .*manifests/tag"] = Answer(status=404)
    assert source.digest("tag") is None


def test_pages_are_followed_and_bad_entries_left_out(served):
    source, answers, _ = served
    path = f"/v2/acme/echo/referrers/{SUBJECT}"
    answers["page=2"] = listing(entry(2), "no descriptor")
    answers["referrers"] = listing(entry(1), Link=f'<{path}?page=2>; rel="next"')
    assert [one.size for one in source.referrers(SUBJECT)] == [2, 3]
    assert source.lists(SUBJECT) == {entry(1)["digest"][7:], entry(2)["digest"][7:]}


def test_a_next_page_that_is_gone_is_no_missing_api(served):
    source, answers, _ = served
    answers["page=2"] = Answer(status=404)
    answers["referrers"] = listing(entry(1), Link=f'</v2/acme/echo/referrers/{SUBJECT}?page=2>; rel="next"')
    with pytest.raises(NotFoundError):
        source.referrers(SUBJECT)


def test_a_list_that_never_ends_is_left_alone(served):
    source, answers, _ = served
    answers["referrers"] = listing(Link=f'</v2/acme/echo/referrers/{SUBJECT}>; rel="next"')
    with pytest.raises(EvidenceLimitError, match="pages"):
        source.referrers(SUBJECT)
    answers["referrers"] = listing(*map(entry, range(1025)))
    with pytest.raises(EvidenceLimitError, match="1024 entries"):
        source.referrers(SUBJECT)
    answers["referrers"] = listing(*map(entry, range(60_000)))
    with pytest.raises(EvidenceLimitError, match="too large"):
        source.referrers(SUBJECT)


def test_the_fallback_tag_counts_where_the_api_lists_no_bundle(served):
    source, answers, _ = served
    tag = fallback_tag(SUBJECT)
    answers["referrers"] = listing(entry(1))
    answers[tag] = listing(entry(1), entry(2))
    assert [one.size for one in source.referrers(SUBJECT)] == [2, 3]
    answers["referrers"] = listing({**entry(1), "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"})
    assert [one.size for one in source.referrers(SUBJECT)] == [2]
    del answers["referrers"]
    assert source.lists(SUBJECT) is None


def test_what_is_no_list_under_the_fallback_tag_is_nothing_and_what_is_too_long_is_left_alone(served):
    source, answers, _ = served
    tag = fallback_tag(SUBJECT)
    answers[tag] = Answer(body=b"[]")
    assert source.referrers(SUBJECT) == ()
    answers[tag] = listing(*map(entry, range(1025)))
    with pytest.raises(EvidenceLimitError, match="1024 entries"):
        source.referrers(SUBJECT)
    answers[tag] = Answer(body=b" " * (4 * 1024 * 1024 + 1))
    with pytest.raises(EvidenceLimitError, match="too large"):
        source.referrers(SUBJECT)


def test_a_registry_that_is_down_is_unavailable(served):
    source, answers, _ = served
    answers["."] = Answer(status=503)
    with pytest.raises(RegistryUnavailableError):
        source.document("tag")
