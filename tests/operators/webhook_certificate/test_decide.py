"""The next step about the webhook's certificate, from every state that it can be found in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder
from cryptography.x509.verification import Store as TrustStore

from mcpg_operator.controllers.webhook_certificate.decide import Rest, Seen, Store, decide
from mcpg_operator.serving import Kept, Pair
from mcpg_operator.serving.authority import issue, life_of, still_valid, trusts, united

NAMES = ("mcpg-operator-webhook.mcpg-system.svc", "mcpg-operator-webhook.mcpg-system.svc.cluster.local")
START = datetime(2026, 1, 31, 12, tzinfo=UTC)
LIFE = timedelta(days=90)


def made(at=START, names=NAMES, life=LIFE):
    found = issue(names, now=at, lifetime=life)
    return Kept(pair=found.pair, authorities=found.authority)


def seen(kept, *, now=START, published=..., since=None, names=NAMES):
    trusted = (kept.authorities if kept else None) if published is ... else published
    return Seen(kept=kept, published=trusted, since=since, names=names, lifetime=LIFE, now=now)


def changed(found) -> Any:
    """The next step, which must be a change; gives what is kept then."""
    step = decide(found)
    assert isinstance(step, Store)
    return step.kept


def verify(authorities, pair, at):
    """As an API server does."""
    roots = TrustStore(x509.load_pem_x509_certificates(authorities))
    policy = PolicyBuilder().store(roots).time(at.replace(tzinfo=None)).build_server_verifier(x509.DNSName(NAMES[0]))
    policy.verify(x509.load_pem_x509_certificate(pair.certificate), [])


def test_a_certificate_is_made_that_an_api_server_trusts_for_the_service():
    step = decide(seen(None))
    assert isinstance(step, Store)
    verify(step.kept.authorities, step.kept.pair, START)
    life = life_of(step.kept.pair)
    assert life is not None
    assert (life.names, life.ends) == (NAMES, START + LIFE)
    with pytest.raises(x509.verification.VerificationError):
        verify(step.kept.authorities, step.kept.pair, START + LIFE + timedelta(hours=1))


def test_nobody_keeps_what_could_sign_another_one():
    data = changed(seen(None)).data()
    assert b"".join(data.values()).count(b"PRIVATE KEY-----") == 2, "begin and end of one key"


def test_a_good_certificate_rests_until_two_thirds_of_its_life_are_over():
    kept = made()
    step = decide(seen(kept, now=START + LIFE / 2))
    assert isinstance(step, Rest)
    assert abs(step.until - (START + LIFE * 2 / 3)) < timedelta(minutes=10)


def test_renewal_publishes_first_waits_and_then_switches():
    kept = made()
    late = START + LIFE * 0.7
    prepared = decide(seen(kept, now=late))
    assert isinstance(prepared, Store)
    assert prepared.kept.pair == kept.pair, "what is presented does not change yet"
    assert prepared.kept.following is not None
    for pair in (kept.pair, prepared.kept.following):
        verify(prepared.kept.authorities, pair, late)

    waiting = decide(seen(prepared.kept, now=late, published=kept.authorities))
    assert isinstance(waiting, Rest), "not every API server trusts it yet"
    waiting = decide(seen(prepared.kept, now=late + timedelta(seconds=30), since=late))
    assert waiting == Rest(until=late + timedelta(seconds=60))

    switched = decide(seen(prepared.kept, now=late + timedelta(seconds=60), since=late))
    assert isinstance(switched, Store)
    assert switched.kept == replace(prepared.kept, pair=prepared.kept.following, following=None)
    verify(switched.kept.authorities, kept.pair, late)


def test_an_authority_is_forgotten_when_its_time_is_over():
    old, late = made(), START + LIFE * 0.7
    young = made(late)
    kept = replace(young, authorities=united(young.authorities, old.authorities))
    assert isinstance(decide(seen(kept, now=late)), Rest)
    step = decide(seen(kept, now=START + LIFE + timedelta(minutes=1)))
    assert isinstance(step, Store)
    assert step.kept == young


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kept: replace(kept, pair=replace(kept.pair, certificate=b"rubbish")),
        lambda kept: replace(kept, pair=replace(kept.pair, key=b"rubbish")),
        lambda kept: replace(kept, pair=replace(kept.pair, key=made().pair.key)),
        lambda kept: replace(kept, authorities=b""),
        lambda kept: replace(kept, authorities=b"rubbish"),
        lambda kept: replace(kept, authorities=made().authorities),
    ],
)
def test_what_cannot_be_used_is_made_anew_and_what_was_trusted_stays_so(spoil):
    kept = made()
    step = decide(seen(spoil(kept), published=kept.authorities))
    assert isinstance(step, Store)
    verify(step.kept.authorities, step.kept.pair, START)
    assert trusts(step.kept.authorities, kept.pair), "replicas still present the old one"


def test_an_ended_certificate_is_made_anew():
    kept = made()
    now = START + LIFE + timedelta(days=1)
    step = decide(seen(kept, now=now))
    assert isinstance(step, Store)
    verify(step.kept.authorities, step.kept.pair, now)
    assert not trusts(step.kept.authorities, kept.pair)


def test_a_service_of_another_name_gets_another_certificate_after_the_same_wait():
    kept = made(names=("old.mcpg-system.svc",))
    found = changed(seen(kept))
    assert found.pair == kept.pair
    life = life_of(found.following)
    assert life is not None
    assert life.names == NAMES


@pytest.mark.parametrize("spoil", [lambda pair: replace(pair, key=b"rubbish"), lambda _: made().pair])
def test_a_prepared_one_that_cannot_be_used_is_prepared_again(spoil):
    kept = made()
    late = START + LIFE * 0.7
    prepared = changed(seen(kept, now=late))
    found = changed(seen(replace(prepared, following=spoil(prepared.following)), now=late, since=START))
    assert found.following is None
    assert changed(seen(found, now=late)).following is not None


def test_a_short_life_has_a_short_grace_time():
    now = START
    kept = made(life=timedelta(seconds=60))
    following = issue(NAMES, now=now, lifetime=timedelta(seconds=60))
    kept = replace(kept, following=following.pair, authorities=united(kept.authorities, following.authority))
    step = decide(seen(kept, now=now, since=now))
    assert isinstance(step, Rest)
    assert step.until - now < timedelta(seconds=20)


def test_authorities_stand_each_once_and_the_youngest_first():
    old, young = made(), made(START + timedelta(days=1))
    both = united(old.authorities, young.authorities, old.authorities)
    assert both == young.authorities + old.authorities == united(both)
    assert still_valid(both, START + LIFE + timedelta(hours=1)) == young.authorities
    assert Pair(certificate=b"", key=b"") is not None
    assert life_of(Pair(certificate=b"", key=b"")) is None
