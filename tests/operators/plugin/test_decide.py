"""Every rule of `decide`, one by one: each test fails when its rule is taken out of `RULES` or changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcpg_operator.controllers.plugin import decide as rules
from mcpg_operator.controllers.plugin.decide import decide
from mcpg_operator.controllers.plugin.fetch import Arrival
from mcpg_operator.controllers.plugin.model import Conclusion, Facts, Failure, Memory, Observation, Running, Step
from mcpg_operator.controllers.plugin.rules import retry_pause
from mcpg_operator.keeping import Asked, KeptPlugin
from mcpg_operator.ledger import Standing, Stored
from mcpg_operator.resources import PLUGIN, Resource
from mcpg_operator.settings import Settings
from supplychain.digest import ArtifactHash, LayerDigest, ManifestDigest
from supplychain.errors import InvalidManifestError, MirrorUnresolvedError, TrustRootUnavailableError, VerificationExpiredError
from supplychain.findings import problem
from supplychain.manifests import ManifestRequest
from supplychain.reference import OciReference
from supplychain.report import Layer
from supplychain.revocation import RevocationSet, from_spec
from tests.support import scenario

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
AGO = NOW - timedelta(hours=1)
SETTINGS = Settings()
HASH = ArtifactHash.of(b"library")
TOP = ManifestDigest.of(b"top")
IMAGE = "registry.example/acme/echo:1.2.3"
ASKED = Asked(image=IMAGE, mirror=None, location="registry.example/acme/echo", platform="linux/amd64/gnu")


def lists(*hashes: ArtifactHash, bad: bool = False) -> RevocationSet:
    entries: list[Any] = [{"artifactSha256": one.hex, "reason": "x"} for one in hashes] + (["bad"] if bad else [])
    return RevocationSet((from_spec({"revocations": entries}, name="cluster-default"),))


def past(standing: Standing = Standing.VERIFIED, **changes: Any) -> Conclusion:
    whole = Conclusion(uid="u", terms="t", asked=ASKED, standing=standing, facts=Facts(), top=TOP, examined=HASH, judged_at=NOW)
    return replace(whole, **changes)


def kept(**changes: Any) -> KeptPlugin:
    whole = KeptPlugin(
        plugin="echo",
        uid="u",
        asked=ASKED,
        version="1.2.3",
        source="",
        manifest_digest=TOP,
        manifest=b"",
        index_digest=None,
        index=None,
        layer_digest=LayerDigest.of(b""),
        platform=None,
        pulled_at=AGO,
        confirmed_at=AGO,
        descriptor=b"",
        signature=None,
        artifact_name="plugin.so",
        artifact_hash=HASH,
        stored=Stored(secret="s", digests={}, size=1),
        evidence=None,
    )
    return replace(whole, **changes)


def request(image: str = IMAGE) -> ManifestRequest:
    reference = OciReference.parse(image)
    return ManifestRequest(
        request=scenario.request(), upstream=reference, location=reference, insecure=False, pull_secret=None, anonymous=False
    )


def seen(**changes: Any) -> Observation:
    """A verified plugin that was looked at and checked a moment ago."""
    memory = Memory(past=past(), looked_at=NOW, checked_at=NOW)
    whole = Observation(
        plugin=Resource(PLUGIN, {"metadata": {"name": "echo", "uid": "u", "generation": 1}}),
        now=NOW,
        asked=ASKED,
        request=request(),
        terms="t",
        attempt="a",
        version="1.2.3",
        revocations=lists(),
        kept=kept(),
        memory=memory,
    )
    return replace(whole, **changes)


def remembering(**changes: Any) -> Memory:
    return replace(seen().memory, **changes)


def arrival(**changes: Any) -> Arrival:
    whole = Arrival(uid="u", asked=ASKED, terms="t", attempt="a", at=NOW, seconds=0.0)
    return replace(whole, **changes)


def failure(count: int = 1, *, at: datetime = NOW, attempt: str = "a") -> Failure:
    return Failure(problem=problem(InvalidManifestError("x")), at=at, count=count, attempt=attempt)


def step(found: Observation, settings: Settings = SETTINGS) -> Step:
    return decide(found, settings).step


def pinned(**changes: Any) -> Observation:
    image = f"registry.example/acme/echo@{TOP}"
    asked = replace(ASKED, image=image)
    changes.setdefault("memory", remembering(past=past(asked=asked), looked_at=AGO))
    return seen(asked=asked, request=request(image), kept=kept(asked=asked), **changes)


def refused(**changes: Any) -> Conclusion:
    return past(Standing.REFUSED, **{"layer": Layer.COSIGN, "problem": problem(InvalidManifestError("x")), **changes})


def test_what_is_verified_and_was_looked_at_rests():
    assert decide(seen(), SETTINGS).after == 600
    assert step(seen()) is Step.REST


def test_nothing_is_done_before_it_is_known_what_is_revoked():
    assert step(seen(revocations=None)) is Step.WAIT


@pytest.mark.parametrize(
    "change", [{"uid": "other"}, {"terms": "other"}, {"attempt": "other"}, {"asked": replace(ASKED, image="x")}]
)
def test_an_answer_to_another_question_is_thrown_away(change):
    assert step(seen(arrival=arrival(**change))) is Step.DISCARD


def test_an_answer_is_thrown_away_when_the_request_became_wrong():
    assert step(seen(arrival=arrival(), error=InvalidManifestError("x"))) is Step.DISCARD


def test_an_answer_is_thrown_away_when_it_became_a_rollback():
    assert step(seen(arrival=arrival(), kept=kept(version="2.0.0"))) is Step.DISCARD


def test_an_answer_is_taken():
    assert step(seen(arrival=arrival())) is Step.TAKE


def test_a_wrong_request_is_refused():
    found = decide(seen(error=InvalidManifestError("x")), SETTINGS)
    assert (found.step, found.after) == (Step.REFUSE, 600)


@pytest.mark.parametrize(
    ("accepted", "wanted", "allowed", "answer"),
    [
        ("1.3.0", "1.2.3", None, Step.REFUSE),
        ("1.3.0", "1.2.3", "1.2.2", Step.REFUSE),
        ("1.3.0", "1.2.3", "1.2.3", Step.REST),
        ("1.2.3", "1.2.3", None, Step.REST),
        ("1.2.2", "1.2.3", None, Step.REST),
        ("1.2.3", "1.2.3-rc.1", None, Step.REFUSE),
    ],
)
def test_an_older_version_needs_permission(accepted, wanted, allowed, answer):
    found = seen(kept=kept(version=accepted), version=wanted, allowed_rollback=allowed)
    assert step(found) is answer


def test_another_object_of_the_same_name_is_no_rollback():
    assert step(seen(kept=kept(version="2.0.0", uid="other"))) is Step.REST


def test_in_a_new_process_what_is_kept_is_judged_first():
    assert step(seen(memory=Memory())) is Step.JUDGE


def test_on_new_terms_what_is_kept_is_judged_first():
    assert step(seen(terms="other")) is Step.JUDGE


def test_for_another_object_what_is_kept_is_judged_first():
    assert step(seen(memory=remembering(past=past(uid="other")))) is Step.JUDGE


def test_without_anything_kept_it_is_pulled():
    assert step(seen(memory=Memory(), kept=None)) is Step.PULL


@pytest.mark.parametrize("change", [{"image": "registry.example/acme/echo:other"}, {"platform": "linux/arm64"}])
def test_another_image_or_platform_is_pulled(change):
    assert step(seen(memory=Memory(), kept=kept(asked=replace(ASKED, **change)))) is Step.PULL


def test_a_pin_on_what_is_kept_under_another_name_needs_no_pull():
    assert step(replace(pinned(), memory=Memory(), kept=kept())) is Step.JUDGE


def test_what_cannot_be_opened_is_not_judged_again():
    assert step(seen(memory=Memory(kept_broken=problem(InvalidManifestError("x"))))) is Step.PULL


def test_a_listed_artifact_is_revoked():
    assert step(seen(revocations=lists(HASH))) is Step.REVOKE


def test_a_listed_artifact_is_revoked_although_another_entry_is_bad():
    assert step(seen(revocations=lists(HASH, bad=True))) is Step.REVOKE


def test_a_revoked_artifact_is_left_alone():
    found = seen(revocations=lists(HASH), memory=remembering(past=past(Standing.REVOKED), looked_at=AGO, checked_at=AGO))
    assert step(found) is Step.REST


def test_off_the_list_again_what_is_kept_is_judged():
    assert step(seen(memory=remembering(past=past(Standing.REVOKED)))) is Step.JUDGE


def test_off_the_list_again_without_anything_kept_it_is_pulled():
    assert step(seen(memory=remembering(past=past(Standing.REVOKED)), kept=None)) is Step.PULL


def test_stored_bytes_are_looked_after_as_often_as_the_secrets_are_listed():
    assert step(seen(memory=remembering(checked_at=None))) is Step.CHECK
    assert step(seen(memory=remembering(checked_at=NOW - timedelta(seconds=115)))) is Step.CHECK
    assert step(seen(memory=remembering(checked_at=NOW - timedelta(seconds=110)))) is Step.REST


def test_damaged_bytes_are_written_again_from_what_is_kept():
    assert step(seen(memory=remembering(lost=("s",)))) is Step.JUDGE


def test_damaged_bytes_are_pulled_where_nothing_is_kept():
    assert step(seen(memory=remembering(lost=("s",)), kept=None)) is Step.PULL


def test_what_nobody_could_look_at_for_too_long_expires():
    old = replace(SETTINGS, max_verification_age=3000.0)
    assert step(seen(memory=remembering(looked_at=AGO)), old) is Step.EXPIRE
    assert step(seen(memory=remembering(looked_at=None)), old) is Step.EXPIRE  # the record is an hour old
    assert step(seen(), old) is Step.REST
    assert step(pinned(), old) is Step.REST


@pytest.mark.parametrize("ahead", [timedelta(seconds=61), timedelta(days=36500)])
def test_a_look_in_the_future_is_none(ahead):
    old = replace(SETTINGS, max_verification_age=3000.0)
    forged = kept(confirmed_at=NOW + ahead)
    assert step(seen(kept=forged, memory=remembering(looked_at=None)), old) is Step.EXPIRE
    assert step(seen(memory=remembering(looked_at=NOW + ahead)), old) is Step.EXPIRE
    assert step(seen(kept=forged), old) is Step.REST  # somebody looked in this process
    assert step(seen(memory=remembering(looked_at=NOW + ahead))) is Step.LOOK


def test_clocks_of_two_machines_may_differ_a_little():
    old = replace(SETTINGS, max_verification_age=3000.0)
    soon = NOW + timedelta(seconds=60)
    assert step(seen(kept=kept(confirmed_at=soon), memory=remembering(looked_at=None)), old) is Step.LOOK
    assert step(seen(memory=remembering(looked_at=soon)), old) is Step.REST


def test_what_expired_is_judged_again_after_a_good_look():
    aged = past(Standing.UNAVAILABLE, problem=problem(VerificationExpiredError("x")))
    old = replace(SETTINGS, max_verification_age=3000.0)
    assert step(seen(memory=remembering(past=aged)), old) is Step.JUDGE
    assert step(seen(memory=remembering(past=aged, looked_at=AGO)), old) is Step.LOOK


def test_a_pin_that_is_kept_is_never_asked_about():
    assert step(pinned()) is Step.REST


def test_a_pin_is_pulled_from_a_new_place():
    moved = replace(ASKED, image=f"registry.example/acme/echo@{TOP}", location="mirror.example/echo")
    assert step(replace(pinned(), asked=moved)) is Step.PULL


def test_while_a_list_is_bad_nothing_new_is_let_in():
    assert step(seen(revocations=lists(bad=True), memory=Memory(), kept=None)) is Step.HOLD


def test_while_a_list_is_bad_what_is_verified_is_not_asked_about():
    assert step(seen(revocations=lists(bad=True), memory=remembering(looked_at=AGO))) is Step.REST


def test_while_a_list_is_bad_what_was_refused_stays_refused():
    assert step(seen(revocations=lists(bad=True), memory=remembering(past=refused(), looked_at=AGO))) is Step.REST


def test_what_no_registry_can_cure_is_judged_again_after_a_while():
    trouble = past(Standing.UNAVAILABLE, from_kept=True, problem=problem(TrustRootUnavailableError("x")), layer=Layer.COSIGN)
    assert step(seen(memory=remembering(past=trouble))) is Step.REST
    assert step(seen(memory=remembering(past=replace(trouble, judged_at=AGO)))) is Step.JUDGE


def test_without_a_place_nothing_is_pulled():
    found = seen(memory=Memory(), kept=None, place_error=MirrorUnresolvedError("x"))
    assert (step(found), decide(found, SETTINGS).after) == (Step.HOLD, 60)


def test_without_a_place_what_is_verified_stays():
    assert step(seen(memory=remembering(looked_at=AGO), place_error=MirrorUnresolvedError("x"))) is Step.REST


def test_without_a_place_what_was_refused_stays_refused():
    assert step(seen(memory=remembering(past=refused(), looked_at=AGO), place_error=MirrorUnresolvedError("x"))) is Step.REST


def test_a_download_is_waited_for():
    found = seen(memory=Memory(), kept=None, running=Running(attempt="a", seconds=0.5))
    assert (step(found), decide(found, SETTINGS).after) == (Step.REST, 2.5)
    later = replace(found, running=Running(attempt="a", seconds=3.0))
    assert decide(later, SETTINGS).after == 600


def test_a_download_that_has_not_begun_is_not_looked_after():
    found = seen(memory=Memory(), kept=None, running=Running(attempt="a", seconds=0.0, waiting=True))
    assert (step(found), decide(found, SETTINGS).after) == (Step.REST, 600)


def test_a_download_of_something_else_is_not_waited_for():
    assert step(seen(memory=Memory(), kept=None, running=Running(attempt="b", seconds=0.5))) is Step.PULL


def test_pinned_bytes_that_are_bad_by_themselves_stay_bad():
    image = f"registry.example/acme/echo@{TOP}"
    bad = refused(layer=Layer.ED25519, asked=replace(ASKED, image=image))
    assert step(pinned(memory=remembering(past=bad, looked_at=AGO))) is Step.REST
    assert step(pinned(memory=remembering(past=replace(bad, layer=Layer.COSIGN), looked_at=AGO))) is Step.PULL


def test_what_was_refused_is_pulled_again_at_the_next_resync():
    assert step(seen(memory=remembering(past=refused()))) is Step.REST
    assert step(seen(memory=remembering(past=refused(), looked_at=AGO))) is Step.PULL


def test_what_was_refused_for_its_bytes_is_only_looked_at():
    assert step(seen(memory=remembering(past=refused(layer=Layer.ED25519), looked_at=AGO))) is Step.LOOK


def test_what_is_refused_on_kept_evidence_is_pulled_at_once():
    assert step(seen(memory=remembering(past=refused(from_kept=True)))) is Step.PULL


def test_what_failed_is_tried_again_later():
    assert step(seen(memory=Memory(failure=failure()), kept=None)) is Step.REST
    assert step(seen(memory=Memory(failure=failure(at=AGO)), kept=None)) is Step.PULL
    assert step(seen(memory=Memory(failure=failure(attempt="b")), kept=None)) is Step.PULL
    assert step(seen(memory=remembering(failure=failure(at=AGO)))) is Step.LOOK


def test_pauses_grow_and_end_at_half_the_resync_interval():
    assert [retry_pause(failure(count), SETTINGS) for count in (1, 2, 3, 4, 50)] == [60, 120, 240, 300, 300]


def test_a_tag_is_looked_at_once_in_a_resync_interval():
    assert step(seen(memory=remembering(looked_at=AGO))) is Step.LOOK
    assert step(seen(memory=remembering(looked_at=None))) is Step.LOOK
    assert step(seen(memory=remembering(looked_at=NOW - timedelta(seconds=400)))) is Step.REST


def test_from_a_new_place_a_tag_is_pulled_at_once():
    assert step(seen(asked=replace(ASKED, location="mirror.example/echo"))) is Step.PULL


def test_the_last_rule_always_answers():
    assert rules.RULES[-1].__name__ == "_pull"
    assert step(seen(memory=Memory(), kept=None)) is Step.PULL
