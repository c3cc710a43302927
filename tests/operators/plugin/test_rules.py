"""The small questions behind the rules, at their edges; and what a rule leaves to the next one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mcpg_operator.controllers.plugin.decide import decide
from mcpg_operator.controllers.plugin.model import Memory, Running, Step
from mcpg_operator.controllers.plugin.rules import (
    aged,
    answered,
    bad_list,
    due,
    kept_fits,
    last_look,
    list_error,
    listed,
    may_try,
    moved_place,
    pin,
    same_question,
    taken_back,
    unchanging,
)
from mcpg_operator.controllers.plugin.semver import older
from mcpg_operator.ledger import Standing
from supplychain.digest import ManifestDigest
from supplychain.errors import (
    ArtifactTooLargeError,
    InvalidManifestError,
    MirrorUnresolvedError,
    RevocationListInvalidError,
    TrustRootUnavailableError,
    VerificationExpiredError,
    VersionRollbackError,
)
from supplychain.findings import problem
from supplychain.report import Layer
from supplychain.revocation import RevocationSet, from_spec
from tests.operators.plugin.test_decide import (
    AGO,
    ASKED,
    HASH,
    NOW,
    SETTINGS,
    arrival,
    failure,
    kept,
    lists,
    past,
    refused,
    remembering,
    request,
    seen,
    step,
)

STRICT = replace(SETTINGS, max_verification_age=3000.0)
UNAVAILABLE = past(Standing.UNAVAILABLE, problem=problem(MirrorUnresolvedError("x")))
EXPIRED = past(Standing.UNAVAILABLE, problem=problem(VerificationExpiredError("x")))


@pytest.mark.parametrize("change", [{"image": "registry.example/acme/echo:1.2.4"}, {"platform": "linux/arm64/gnu"}])
def test_another_image_or_platform_is_another_question(change):
    assert same_question(seen(), past())
    assert not same_question(seen(asked=replace(ASKED, **change)), past())
    assert not same_question(seen(asked=None), past())


def test_nothing_kept_fits_a_request_that_cannot_be_understood():
    assert kept_fits(seen())
    assert not kept_fits(seen(asked=None))
    assert not kept_fits(seen(kept=None))


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        ({"asked": replace(ASKED, location="mirror.example/echo")}, True),
        ({}, False),
        ({"asked": replace(ASKED, location=None)}, False),
        ({"asked": None}, False),
        ({"kept": None}, False),
        ({"kept": None, "asked": None}, False),
    ],
)
def test_a_place_has_moved_only_where_both_are_known(change, moved):
    assert moved_place(seen(**change)) is moved


def test_one_bad_list_is_enough():
    (bad,), (good,) = lists(bad=True).lists, lists().lists
    assert bad_list(seen(revocations=RevocationSet((good, bad))))
    assert not bad_list(seen(revocations=RevocationSet((good,))))
    assert not bad_list(seen(revocations=None))


def test_of_many_bad_entries_three_are_shown_and_the_others_are_counted():
    def got(count: int) -> str:
        bad = from_spec({"revocations": ["bad"] * count}, name="cluster-default")
        return str(list_error(seen(revocations=RevocationSet((bad,)))).got)

    assert got(3).count("`cluster-default`: ") == 3
    assert "more" not in got(3)
    assert got(5).count("`cluster-default`: ") == 3
    assert got(5).endswith("; and 2 more")
    assert not list_error(seen(revocations=None)).got


def test_without_a_list_nothing_is_known_to_be_revoked():
    assert listed(seen(revocations=lists(HASH)), past())
    assert not listed(seen(revocations=None), past())
    assert taken_back(seen(revocations=lists(HASH)), HASH) is not None
    assert taken_back(seen(revocations=None), HASH) is None


def test_without_an_arrival_nothing_is_answered():
    assert answered(seen(arrival=arrival()))
    assert not answered(seen())


def test_three_quarters_of_the_pause_are_enough():
    assert due(NOW - timedelta(seconds=450), now=NOW, every=600)
    assert not due(NOW - timedelta(seconds=449), now=NOW, every=600)
    assert due(None, now=NOW, every=600)


def test_after_no_failure_and_after_another_attempt_the_registry_may_be_asked():
    assert may_try(seen(), SETTINGS)
    assert may_try(seen(memory=Memory(failure=failure(attempt="b"))), SETTINGS)
    assert not may_try(seen(memory=Memory(failure=failure())), SETTINGS)


def test_the_last_look_is_remembered_or_recorded_or_unknown():
    assert last_look(seen()) == NOW
    assert last_look(seen(memory=Memory())) == AGO
    assert last_look(seen(memory=Memory(), kept=None)) is None


def test_the_age_that_is_allowed_is_allowed_to_its_end():
    assert not aged(seen(memory=remembering(looked_at=NOW - timedelta(seconds=3000))), STRICT)
    assert aged(seen(memory=remembering(looked_at=NOW - timedelta(seconds=3001))), STRICT)
    assert not aged(seen(memory=Memory(), kept=None), STRICT)


def test_every_pause_is_as_long_as_it_is_meant_to_be():
    bad = {"revocations": lists(bad=True)}
    waits = past(Standing.UNAVAILABLE, from_kept=True, problem=problem(TrustRootUnavailableError("x")))
    place = {"place_error": MirrorUnresolvedError("x"), "memory": remembering(looked_at=AGO)}
    for found, what, after in (
        (seen(revocations=None), Step.WAIT, 5),
        (seen(version="1.2.2"), Step.REFUSE, 600),
        (seen(**bad, memory=remembering(looked_at=AGO)), Step.REST, 60),
        (seen(**bad, memory=Memory(), kept=None), Step.HOLD, 600),
        (seen(memory=remembering(past=waits)), Step.REST, 60),
        (seen(**place), Step.REST, 60),
        (seen(memory=Memory(), kept=None, running=Running(attempt="a", seconds=2.5)), Step.REST, 600),
    ):
        assert (decide(found, SETTINGS).step, decide(found, SETTINGS).after) == (what, after)


def test_what_was_refused_neither_expires_nor_is_restored():
    assert step(seen(memory=remembering(past=refused(), looked_at=AGO)), STRICT) is Step.PULL
    assert step(seen(memory=remembering(past=refused(), lost=("s",)))) is Step.REST


def test_what_expired_and_is_not_kept_any_more_is_pulled():
    assert step(seen(memory=remembering(past=EXPIRED), kept=None), STRICT) is Step.PULL
    assert step(seen(memory=remembering(past=EXPIRED, looked_at=AGO), kept=None), STRICT) is Step.PULL


def test_what_could_not_be_looked_at_is_held_with_the_reason_of_today():
    held = seen(revocations=lists(bad=True), memory=remembering(past=UNAVAILABLE), kept=None)
    assert step(held) is Step.HOLD
    held = seen(place_error=MirrorUnresolvedError("x"), memory=remembering(past=UNAVAILABLE), kept=None)
    assert step(held) is Step.HOLD


@pytest.mark.parametrize(("ago", "there", "what"), [(43, True, Step.REST), (45, True, Step.JUDGE), (3600, False, Step.REST)])
def test_what_no_registry_can_cure_is_judged_again_from_what_is_kept(ago, there, what):
    waits = past(Standing.UNAVAILABLE, from_kept=True, problem=problem(TrustRootUnavailableError("x")))
    waits = replace(waits, judged_at=NOW - timedelta(seconds=ago))
    assert step(seen(memory=remembering(past=waits), kept=kept() if there else None)) is what


def test_a_refusal_and_a_hold_say_why():
    wrong, place = InvalidManifestError("x"), MirrorUnresolvedError("y")
    empty = {"memory": Memory(), "kept": None}
    for found, what, reason in (
        (seen(error=wrong), Step.REFUSE, wrong.reason),
        (seen(version="1.2.2"), Step.REFUSE, VersionRollbackError.reason),
        (seen(revocations=lists(bad=True), **empty), Step.HOLD, RevocationListInvalidError.reason),
        (seen(place_error=place, **empty), Step.HOLD, place.reason),
    ):
        decision = decide(found, SETTINGS)
        assert decision.error is not None
        assert (decision.step, decision.error.reason) == (what, reason)


def test_only_what_is_missing_beside_kept_bytes_is_waited_for_without_a_pull():
    assert step(seen(memory=remembering(past=past(from_kept=True), looked_at=AGO))) is Step.LOOK
    waits = past(Standing.UNAVAILABLE, problem=problem(TrustRootUnavailableError("x")))
    assert step(seen(memory=remembering(past=waits))) is Step.PULL


def test_a_failure_is_waited_for_as_long_as_its_pause():
    assert decide(seen(memory=Memory(failure=failure(2)), kept=None), SETTINGS).after == 120


def test_bytes_that_are_bad_by_themselves_are_pulled_again_where_a_registry_did_not_serve_them():
    bad = refused(layer=Layer.ED25519, from_kept=True)
    assert step(seen(memory=remembering(past=bad, looked_at=AGO))) is Step.PULL


def test_a_pin_is_read_from_the_request():
    other = ManifestDigest.of(b"other")
    image = f"registry.example/acme/echo@{other}"
    found = seen(asked=replace(ASKED, image=image), request=request(image))
    assert pin(found) == other
    assert not kept_fits(found)
    assert kept_fits(replace(found, kept=kept(manifest_digest=other)))
    assert pin(seen(request=None)) is None


def test_only_bytes_that_were_examined_and_are_bad_stay_bad():
    large = problem(ArtifactTooLargeError("x"))
    assert unchanging(refused(layer=Layer.DESCRIPTOR))
    assert unchanging(refused(layer=Layer.PULL, problem=large))
    assert not unchanging(refused(layer=Layer.PULL))
    assert not unchanging(past(Standing.UNAVAILABLE, layer=Layer.ED25519))
    assert not unchanging(past(Standing.UNAVAILABLE, problem=large))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1.2.3", "1.2.4"),
        ("1.2.9", "1.2.10"),
        ("1.9.0", "1.10.0"),
        ("v1.2.3", "2.0.0"),
        ("1.2.3-rc.1", "1.2.3"),
        ("1.2.3-rc.9", "1.2.3-rc.10"),
        ("1.2.3-9", "1.2.3-10"),
        ("1.2.3-9", "1.2.3-alpha"),
        ("1.2.3-alpha", "1.2.3-beta"),
        ("1.2.3-rc", "1.2.3-rc.1"),
        ("1.2.3-a.b", "1.2.3-a.c"),
        ("1.2.3-a.b", "1.2.3-a-b"),
    ],
)
def test_versions_have_the_order_of_the_specification(before, after):
    assert older(before, after)
    assert not older(after, before)
    assert not older(before, before)


@pytest.mark.parametrize(("left", "right"), [("1.2.3", "latest"), ("latest", "1.2.3"), ("one", "two"), ("1.2.3+a", "1.2.3+b")])
def test_what_is_no_version_and_builds_of_one_version_have_no_order(left, right):
    assert not older(left, right)
    assert not older(right, left)
