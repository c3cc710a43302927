"""The private Sigstore runs beside another one, and leaves nothing running."""

from contextlib import ExitStack

import httpx
import pytest

from tests.support.private_sigstore import PrivateSigstore


def _answers(url):
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_two_run_side_by_side_with_keys_of_their_own(tmp_path):
    with ExitStack() as stack:
        both = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            both.append(stack.enter_context(PrivateSigstore.running(tmp_path / name)))
        assert [_answers(f"{one.fulcio}/healthz") and _answers(f"{one.rekor1}/api/v1/log") for one in both] == [True, True]
        assert both[0].keys.trusted_root() != both[1].keys.trusted_root()


def _fail_within(directory, urls):
    with PrivateSigstore.running(directory) as running:
        urls += [f"{running.fulcio}/healthz", f"{running.rekor1}/api/v1/log", f"{running.rekor2}/healthz"]
        assert all(map(_answers, urls))
        raise ZeroDivisionError


def test_nothing_is_left_after_a_failure(tmp_path):
    urls: list[str] = []
    with pytest.raises(ZeroDivisionError):
        _fail_within(tmp_path, urls)
    assert [url for url in urls if _answers(url)] == []


def test_a_program_that_ends_at_once_shows_what_it_said(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.support.private_sigstore.stack._REKOR_CALLS", "noSuchCall")
    with pytest.raises(RuntimeError, match="did not come up"), PrivateSigstore.running(tmp_path):
        pass
