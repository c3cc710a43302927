"""Stamps: what they answer for, and what takes their word away."""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from supplychain.artifact import EvidenceForm, Material, Platform
from supplychain.carry.stamp import Stamp, question
from supplychain.carry.sync import Arrival, Carried
from supplychain.cosign import CosignPolicy
from supplychain.digest import ArtifactHash, ManifestDigest
from supplychain.errors import RevokedError
from supplychain.identity_pattern import IdentityPattern
from supplychain.limits import Limits
from supplychain.output.judgement import Judgement
from supplychain.report import Layer, Outcome, Verdict
from supplychain.revocation import RevocationSet, parse_revocation_list
from supplychain.slsa import SlsaPolicy
from supplychain.trust_root import TrustRoots, parse_trust_root
from supplychain.verification_key import parse_trusted_keys
from tests.support.carrying import Hall, MemoryDestination, MemoryRepository, plugin
from tests.support.oci import Stored
from tests.support.scenario import AT, LIBRARY, SIGSTORE, policy, request, trust_root

HALL = Hall(upstream="upstream.example", mirror="mirror.example", repository="acme/echo")
ORDER = HALL.order()
SAME = {"root": None, "limits": Limits(), "second_opinion": True, "lookup": False, "version": "1"}
STAMP = Stamp(
    name="echo",
    upstream=str(ORDER.upstream),
    mirror=str(ORDER.mirror),
    digest=ManifestDigest.of(b"top"),
    question="q",
    at=AT,
    artifacts=(ArtifactHash.of(LIBRARY),),
    layers=(Layer.PULL, Layer.ED25519),
)


def lists(*hashes):
    entries = ",".join(f'{{"artifact_sha256":"{one}","reason":"x"}}' for one in hashes)
    text = f'{{"version":1,"issued_at":"2025-06-01T00:00:00Z","revocations":[{entries}]}}'
    return RevocationSet((parse_revocation_list(text.encode(), name="list.json"),))


def test_a_plugin_that_arrived_is_stamped_with_all_layers_that_passed():
    repository = MemoryRepository(stored=Stored())
    carried = HALL.carrier().carry(
        ORDER, source=MemoryRepository.of(plugin()[0]), destination=MemoryDestination(repository), mirror=repository
    )
    stamp = Stamp.of(carried, question="q", at=AT)
    assert stamp is not None
    assert stamp.artifacts == (ArtifactHash.of(LIBRARY),)
    assert set(stamp.layers) == {*Layer} - {Layer.REVOCATION}
    assert Stamp.parse(stamp.as_json()) == stamp


def test_nothing_that_did_not_arrive_is_stamped():
    carried = Carried(order=ORDER, arrival=Arrival.COPIED, artifacts=("0" * 64,))
    assert Stamp.of(carried, question="q", at=AT) is None
    repository = MemoryRepository(stored=Stored())
    carried = HALL.carrier().carry(
        ORDER, source=MemoryRepository.of(plugin()[0]), destination=MemoryDestination(repository), mirror=repository
    )
    carried.judgements[1] = replace(carried.judgements[1], verdict=Verdict.REFUSED)
    assert Stamp.of(carried, question="q", at=AT) is None
    carried.judgements.pop()
    carried.artifacts = ()
    assert Stamp.of(carried, question="q", at=AT) is None


@pytest.mark.parametrize(
    "change",
    [
        {"at": "2025-07-01T00:00:00"},
        {"at": 5},
        {"at": "never"},
        {"artifacts": []},
        {"artifacts": ["x"]},
        {"digest": "x"},
        {"upstream": 1},
        {"name": None},
        {"layers": ["nothing"]},
        {"question": None},
    ],
)
def test_what_is_no_stamp_counts_for_nothing(change):
    assert Stamp.parse({**STAMP.as_json(), **change}) is None
    assert Stamp.parse(None) is None


def test_a_stamp_counts_for_its_own_order_and_question_and_time():
    week = timedelta(days=7)
    assert STAMP.counts(ORDER, question="q", at=AT, max_age=None)
    assert STAMP.counts(ORDER, question="q", at=AT + week - timedelta(seconds=1), max_age=week)
    assert not STAMP.counts(ORDER, question="q", at=AT + week, max_age=week), "the report calls it expired from then on"
    assert not STAMP.counts(ORDER, question="q", at=AT - timedelta(seconds=1), max_age=None)
    assert not STAMP.counts(ORDER, question="other", at=AT, max_age=None)
    assert not replace(STAMP, name="other").counts(ORDER, question="q", at=AT, max_age=None)
    assert not STAMP.counts(HALL.order(":other"), question="q", at=AT, max_age=None)


def test_the_judgement_of_a_stamp_is_of_its_own_time_and_asks_the_lists_of_today():
    judgement = STAMP.judgement(ORDER, revocations=lists("0" * 64))
    assert isinstance(judgement, Judgement)
    assert (judgement.at, judgement.verdict, judgement.target) == (AT, Verdict.TRUSTED, "echo (unchanged)")
    outcomes = {result.layer: result.outcome for result in judgement.layers}
    assert outcomes[Layer.REVOCATION] is Outcome.PASSED
    assert outcomes[Layer.SLSA] is Outcome.NOT_CONFIGURED
    without = STAMP.judgement(ORDER, revocations=None)
    assert {result.layer: result.outcome for result in without.layers}[Layer.REVOCATION] is Outcome.NOT_CONFIGURED
    with pytest.raises(RevokedError):
        STAMP.judgement(ORDER, revocations=lists(ArtifactHash.of(LIBRARY)))


def asked(**changes):
    wanted = changes.pop("request", request())
    return question(wanted, **{**SAME, **changes})


def other_root():
    return TrustRoots((parse_trust_root(SIGSTORE.trusted_root() + b" ", name="other"),))


SLSA = SlsaPolicy(source_uri="github.com/acme/plugins", source_tag="v1.2.3")
MATERIAL = Material(form=EvidenceForm.BUNDLE, data=b"x", where="w")


@pytest.mark.parametrize(
    "changes",
    [
        {"root": trust_root()},
        {"limits": Limits(candidates=1)},
        {"second_opinion": False},
        {"lookup": True},
        {"version": "2"},
        {"request": request(platform=Platform(architecture="arm64"))},
        {"request": request(provenance=())},
        {"request": request(provenance=(MATERIAL,))},
        {"request": request(provenance=(replace(MATERIAL, data=b"y"),))},
        {"request": request(policy=policy(plugin_id="other"))},
        {"request": request(policy=policy(keys=()))},
        {"request": request(policy=policy(cosign=None))},
        {
            "request": request(
                policy=policy(cosign=CosignPolicy(identity=IdentityPattern.exactly("https://x/y"), issuer="https://i"))
            )
        },
        {
            "request": request(
                policy=policy(cosign=CosignPolicy(identity=IdentityPattern.exactly("https://x/z"), issuer="https://i"))
            )
        },
        {"request": request(policy=policy(slsa=SLSA))},
        {"request": request(policy=policy(slsa=replace(SLSA, workflow_inputs={"a": "b"})))},
        {"request": request(policy=policy(slsa=replace(SLSA, allow_unsigned=True)))},
        {"request": request(policy=policy(slsa=replace(SLSA, builder_ids=("https://builder",))))},
    ],
)
def test_every_change_of_what_is_asked_is_another_question(changes):
    assert asked(**changes) not in {asked(), *SEEN}
    SEEN.add(asked(**changes))


SEEN: set[str] = set()


def test_another_root_is_another_question_and_the_same_one_is_not():
    assert asked(root=trust_root()) == asked(root=trust_root()) != asked(root=other_root())


def test_another_key_of_the_builder_is_another_question(tmp_path):
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    def keyed():
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return request(policy=policy(slsa=replace(SLSA, keys=parse_trusted_keys(pem, name="k"))))

    assert asked(request=keyed()) != asked(request=keyed())


def test_what_a_request_is_called_is_no_part_of_the_question():
    assert asked(request=request(target="other")) == asked(request=request(target="one"))


def test_every_field_of_a_policy_is_part_of_the_question():
    assert {field.name for field in fields(policy())} <= {"keys", "plugin_id", "version", "plugin_class", "cosign", "slsa"}


@dataclass(frozen=True)
class Unknown:
    value: object


def test_a_policy_with_a_value_of_an_unknown_kind_is_a_defect():
    with pytest.raises(TypeError, match="unknown kind"):
        asked(request=request(policy=policy(plugin_id=Unknown(object()))))


def test_times_are_kept_in_utc():
    stamp = Stamp.parse({**STAMP.as_json(), "at": "2025-07-01T11:30:00+02:00"})
    assert stamp == replace(STAMP, at=datetime(2025, 7, 1, 9, 30, tzinfo=UTC))
