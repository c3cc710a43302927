"""`supplychain bundle create --sign-keyless`: what is asked for, what is refused, and that nothing unproven is written."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest
from sigstore.models import Bundle
from sigstore.sign import SigningContext

from tests.supplychain.carry.test_bundle_create import MemoryDestination, shops
from tests.supplychain.carry.test_keyless_bundle import BELIEVED
from tests.support.bundling import NAME
from tests.support.keyless import config, token
from tests.support.private_sigstore.settings import signing_config
from tests.support.scenario import SIGSTORE
from tests.support.virtual_sigstore import VirtualSigstore

__all__ = ["shops"]
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def desk(tmp_path: Any, capsys: Any, shops: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI"):
        monkeypatch.delenv(name, raising=False)
    desk = MemoryDestination(tmp_path, capsys)
    signing = signing_config(fulcio=NOWHERE, rekor=NOWHERE, rekor_version=1, tsa=None)
    (tmp_path / "config.json").write_text(config(SIGSTORE.trusted_root(), signing))
    (tmp_path / "token").write_text(token() + "\n")
    return desk


def keyless(desk: Any, *argv: Any) -> int:
    files = ("--identity-token", desk.folder / "token", "--trust-config", desk.folder / "config.json")
    return int(desk.create(NAME, "--sign-keyless", *files, *argv))


def signing(monkeypatch: pytest.MonkeyPatch, sigstore: VirtualSigstore = SIGSTORE, **options: Any) -> None:
    """Let the instance be a virtual one."""

    class Signer:
        def sign_dsse(self, statement: Any) -> Bundle:
            return Bundle.from_json(sigstore.sign_statement(statement._contents, **{"log": "rekor1", **options}))

    @contextmanager
    def signer(self: Any, identity: Any) -> Any:
        yield Signer()

    monkeypatch.setattr(SigningContext, "signer", signer)


def test_a_summary_signed_by_identity_is_read_at_the_other_side(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    signing(monkeypatch)
    assert keyless(desk) == 0, desk.out
    assert desk.extra["signed"] is True
    verify = ("bundle", "verify", desk.path, *BELIEVED, "--trust-root", desk.folder / "root.json")
    assert desk.run(*verify, "--single-verifier") == 0


def test_an_instance_that_does_not_answer_leaves_no_file(desk: Any) -> None:
    assert keyless(desk) == 3
    assert "did not sign" in desk.err
    assert not desk.path.exists()


def test_an_answer_that_proves_nothing_leaves_no_file(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    signing(monkeypatch, VirtualSigstore(seed=b"somebody else"))
    assert keyless(desk) == 3
    assert "did not prove it" in desk.err
    assert not desk.path.exists()


def test_the_token_of_a_ci_job_is_taken(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    signing(monkeypatch)
    monkeypatch.setenv("GITLAB_CI", "true")
    files = ("--sign-keyless", "--trust-config", desk.folder / "config.json")
    assert desk.create(NAME, *files) == 2, "the job may not have one"
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", token())
    assert desk.create(NAME, *files) == 0


def test_without_a_token_there_is_no_identity(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sigstore.oidc.detect_credential", lambda: None)
    assert desk.create(NAME, "--sign-keyless", "--trust-config", desk.folder / "config.json") == 2
    assert "no identity to sign as" in desk.out


@pytest.mark.parametrize("flag", [("--identity-token", "token"), ("--trust-config", "config.json")])
def test_flags_that_would_be_ignored_are_refused(desk: Any, flag: tuple[str, str]) -> None:
    assert desk.create(NAME, *flag) == 2


def test_what_contradicts_or_is_missing_is_refused(desk: Any) -> None:
    assert keyless(desk, "--sign-key", desk.folder / "verifier.seed") == 2
    assert desk.create(NAME, "--sign-keyless", "--identity-token", desk.folder / "token") == 2
    (desk.folder / "config.json").write_text("{}")
    assert keyless(desk) == 2
    assert "no Sigstore instance" in desk.out
    (desk.folder / "token").write_text(token(exp=1))
    assert keyless(desk) == 2
    assert "identity token" in desk.out
