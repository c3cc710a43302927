"""The status models: what they write, and that nothing else can be written."""

from __future__ import annotations

import jsonschema
import pytest
from pydantic import ValidationError

from mcpg_operator.api import Condition, FailedEntry, PluginSetStatus, PluginStatus, RevocationListStatus
from mcpg_operator.conditions import Condition as Wanted
from mcpg_operator.conditions import Truth, merge
from mcpg_operator.crds.schema import structural
from tests.operators.samples import CONDITION, STATUSES


def test_a_field_that_is_none_is_absent_and_names_are_those_of_the_wire():
    status = PluginStatus(signature_valid=False, cosign_verified=None, resolved_digest="a" * 64)
    assert status.render() == {"signatureValid": False, "resolvedDigest": "a" * 64}


def test_lists_are_written_as_lists():
    failed = FailedEntry(id="dev.acme.audit", reason="PluginNotReady", message="not yet")
    status = PluginSetStatus(conditions=(CONDITION,), failed_entries=(failed,))
    assert status.render()["failedEntries"] == [{"id": "dev.acme.audit", "reason": "PluginNotReady", "message": "not yet"}]
    assert isinstance(status.render()["conditions"], list)


@pytest.mark.parametrize("status", STATUSES, ids=lambda status: type(status).__name__)
def test_a_full_status_fits_the_schema_that_is_shipped(status):
    assert all(value is not None for value in dict(status).values()), "a field without a sample"
    jsonschema.validate(status.render(), structural(type(status), path="status"))


@pytest.mark.parametrize("status", STATUSES, ids=lambda status: type(status).__name__)
def test_a_rendered_status_is_read_back_as_it_was(status):
    assert type(status).model_validate(status.render()) == status


def test_conditions_as_controllers_write_them_fit_the_schema(now):
    written = merge([], [Wanted(type="Ready", status=Truth.FALSE, reason="VerificationFailed", message="")], generation=3, at=now)
    schema = structural(Condition, path="status")
    for one in written:
        jsonschema.validate(one, schema)
        assert one.keys() <= schema["properties"].keys()


@pytest.fixture
def now():
    from datetime import UTC, datetime

    return datetime(2026, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (PluginStatus, {"resolvedDigest": "sha256:" + "a" * 64}),
        (PluginStatus, {"manifestDigest": "a" * 64}),
        (PluginStatus, {"signatureValid": "yes"}),
        (PluginStatus, {"signaturevalid": True}),
        (RevocationListStatus, {"observedRevocations": -1}),
        (PluginSetStatus, {"failedEntries": [{"id": "a.b"}]}),
    ],
)
def test_a_status_that_is_wrong_cannot_be_made(model, fields):
    with pytest.raises(ValidationError):
        model.model_validate(fields)
