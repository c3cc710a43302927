"""The controller of the webhook's certificate on an API server in memory."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from mcpg_operator.admission.configuration import ServiceTarget, configuration
from mcpg_operator.controllers.webhook_certificate import WebhookCertificateReconciler
from mcpg_operator.resources import PLUGIN, SECRET, WEBHOOK_CONFIGURATION, Key
from mcpg_operator.services import Outcome
from mcpg_operator.serving import from_store, read_kept
from mcpg_operator.settings import Settings
from supplychain.errors import ClusterUnavailableError, NameConflictError
from tests.operators.world import NAMESPACE, World

KEY = Key(WEBHOOK_CONFIGURATION, "mcpg-operator-validation")
SETTINGS = Settings(namespace=NAMESPACE, tls_self_signed=True, tls_lifetime=90 * 86400)


class Keeping:
    """One leader after the other, over one cluster."""

    def __init__(self, *, configured=True):
        self.world = World(settings=SETTINGS).watch()
        if configured:
            self.configure()
        self.lead()

    def configure(self, authorities=b""):
        target = ServiceTarget(namespace=NAMESPACE, name="mcpg-operator-webhook")
        found = configuration(KEY.name, target, authorities=authorities)
        self.world.cluster.put(WEBHOOK_CONFIGURATION, found)

    def lead(self):
        self.reconciler = WebhookCertificateReconciler(self.world.services())

    def run(self, passes=1):
        for _ in range(passes):
            result = self.reconciler.reconcile(KEY)
        return result

    @property
    def secret(self) -> Any:
        return self.world.cluster.get(SECRET, SETTINGS.tls_secret, namespace=NAMESPACE)

    @property
    def configuration(self) -> Any:
        return self.world.cluster.get(WEBHOOK_CONFIGURATION, KEY.name)

    @property
    def kept(self) -> Any:
        return read_kept(self.secret)

    @property
    def trusted(self):
        found = self.configuration
        bundles = {one["clientConfig"].get("caBundle", "") for one in found.body["webhooks"]}
        assert len(bundles) == 1
        return base64.b64decode(bundles.pop())


def test_the_certificate_is_made_published_and_served_by_every_replica():
    keeping = Keeping()
    assert keeping.run().changed
    assert keeping.trusted == keeping.kept.authorities
    assert from_store(keeping.world.store, SETTINGS)() == keeping.kept.pair
    rest = keeping.run()
    assert (rest.changed, rest.outcome, rest.after) == (False, Outcome.SUCCESS, 30)
    secret = keeping.secret
    assert secret.body["type"] == "kubernetes.io/tls"
    assert secret.labels["app.kubernetes.io/managed-by"] == "mcpg-operator"


def test_nothing_else_of_the_configuration_changes():
    keeping = Keeping()
    before = keeping.configuration.body["webhooks"]
    keeping.run()
    after = keeping.configuration.body["webhooks"]
    for one in after:
        del one["clientConfig"]["caBundle"]
    assert after == before


def test_without_a_configuration_the_certificate_waits_for_it():
    keeping = Keeping(configured=False)
    keeping.run()
    assert keeping.kept is not None
    assert keeping.run().outcome is Outcome.DEPENDENCY_PENDING
    keeping.configure()
    assert keeping.run().changed
    assert keeping.trusted == keeping.kept.authorities


@pytest.mark.parametrize("authorities", [b"", b"rubbish"])
def test_trust_that_somebody_took_away_comes_back(authorities):
    keeping = Keeping()
    keeping.run(2)
    keeping.configure(authorities)
    assert keeping.run().changed
    assert keeping.trusted == keeping.kept.authorities


def test_a_renewal_survives_a_change_of_leaders_at_every_step():
    keeping = Keeping()
    keeping.run(2)
    first = keeping.kept.pair
    keeping.world.later(SETTINGS.tls_lifetime * 0.7)
    presented = []
    for _ in range(12):
        keeping.run()
        presented.append(keeping.kept.pair)
        assert keeping.trusted == keeping.kept.authorities
        keeping.lead()
        keeping.run()
        keeping.world.later(61)
        keeping.run()
    assert presented[0] == first
    assert presented[-1] != first
    assert len(set(presented)) == 2


def test_a_lost_secret_is_made_anew_and_old_replicas_stay_trusted():
    keeping = Keeping()
    keeping.run(2)
    before = keeping.kept
    keeping.world.cluster.remove(Key(SECRET, SETTINGS.tls_secret, NAMESPACE))
    keeping.run()
    assert keeping.kept.pair != before.pair
    assert before.authorities in keeping.trusted


def test_somebody_elses_secret_is_left_alone():
    keeping = Keeping()
    secret = {"metadata": {"name": SETTINGS.tls_secret, "namespace": NAMESPACE}, "type": "kubernetes.io/tls", "data": {}}
    keeping.world.cluster.put(SECRET, secret)
    with pytest.raises(NameConflictError, match="--tls-secret"):
        keeping.run()
    assert keeping.kept is None


def test_an_api_server_that_is_away_changes_nothing():
    keeping = Keeping()
    keeping.run(2)
    before = keeping.kept
    keeping.world.cluster.fail_with(ClusterUnavailableError("down"))
    with pytest.raises(ClusterUnavailableError):
        keeping.run()
    keeping.world.cluster.heal()
    assert keeping.kept == before


def test_only_its_own_secret_and_its_own_key_concern_it():
    keeping = Keeping()
    [watch] = keeping.reconciler.watches
    keeping.run()
    secret = keeping.secret
    assert set(watch.keys(None, secret)) == {KEY}
    other = replace(secret, body={**secret.body, "metadata": {"name": "other", "namespace": NAMESPACE}})
    assert set(watch.keys(None, other)) == set()
    assert keeping.reconciler.reconcile(Key(PLUGIN, "a")).outcome is Outcome.SUCCESS
    assert keeping.reconciler.first == (KEY,)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda webhooks: webhooks[0]["clientConfig"].update(caBundle=""),
        lambda webhooks: webhooks[0]["clientConfig"].update(caBundle="no base64"),
        lambda webhooks: [one["clientConfig"].update(caBundle="no base64") for one in webhooks],
        lambda webhooks: webhooks[0].update(clientConfig=None),
    ],
)
def test_webhooks_that_trust_differently_are_made_to_trust_alike(spoil):
    keeping = Keeping()
    keeping.run(2)
    keeping.world.cluster.edit(KEY, lambda body: spoil(body["webhooks"]))
    assert keeping.run().changed
    assert keeping.trusted == keeping.kept.authorities


def test_a_configuration_without_webhooks_is_left_alone():
    keeping = Keeping()
    keeping.run(2)
    keeping.world.cluster.edit(KEY, lambda body: body.update(webhooks=None))
    keeping.run()
    assert keeping.configuration.body["webhooks"] in (None, [])
