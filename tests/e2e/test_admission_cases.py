"""Every object of `testdata/admission` before a real API server with the webhook: judged as the models and the rules judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from supplychain.rules.check import admit
from supplychain.rules.world import Documents
from tests.e2e.admission_cases import CASES, as_stored, create, read
from tests.e2e.webhook import Webhook, admitting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cluster import RunningCluster


@pytest.fixture(scope="module")
def webhook(cluster: RunningCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    with admitting(Webhook(cluster, tmp_path_factory.mktemp("tls"), name="cases")) as found:
        yield found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_webhook_judges_as_the_models_and_the_rules_do(webhook: Webhook, case: Path) -> None:
    document, expected = read(case)
    error = create(webhook.cluster, document)
    if expected["schema"]["verdict"] == "Refused":
        assert error is not None
        assert expected["schema"]["message"] in error.message, "the schema speaks before the webhook is asked"
        return
    plain = as_stored(document)
    ruling = admit(plain, world=Documents([]))
    assert (error is None) is ruling.allowed, error
    if expected["model"]["verdict"] == "Refused" and plain == document:
        assert error is not None
        assert expected["model"]["field"] in error.message
    if error is not None:
        assert error.status == ruling.code
        assert error.message.endswith(ruling.message)
