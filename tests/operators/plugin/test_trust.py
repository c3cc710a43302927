"""The trust root: loaded late, read again when it changes, the last good one kept."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from mcpg_operator.settings import Settings
from mcpg_operator.trust import Trust
from supplychain.errors import TrustRootUnavailableError
from supplychain.trust_root import parse_trust_root
from tests.support import scenario
from tests.support.virtual_sigstore import VirtualSigstore

OTHER = VirtualSigstore(seed=b"other").trusted_root()


class Clock:
    def __init__(self):
        self.at = datetime(2026, 1, 31, tzinfo=UTC)

    def __call__(self):
        return self.at

    def later(self, **by):
        self.at += timedelta(**by)


def test_a_file_is_read_when_somebody_asks_and_again_when_it_changes(tmp_path):
    path = tmp_path / "trusted_root.json"
    trust = Trust(path=path, now=Clock())
    assert trust.refresh() is False
    assert not trust.wanted
    path.write_bytes(scenario.SIGSTORE.trusted_root())
    first = trust.fingerprint
    assert trust().each[0].sha256 == first
    roots = trust()
    assert trust.refresh() is False
    assert trust() is roots, "an unchanged file is not read into new objects"
    path.write_bytes(OTHER)
    assert trust.fingerprint == first
    assert trust.refresh() is True
    assert trust.fingerprint != first
    assert trust.warning is None
    assert trust.pause == 15


@pytest.mark.parametrize("content", [b"", b"rubbish", b"{}", None])
def test_a_file_that_goes_bad_leaves_the_last_good_root_in_force(tmp_path, content):
    path = tmp_path / "trusted_root.json"
    path.write_bytes(scenario.SIGSTORE.trusted_root())
    trust = Trust(path=path, now=Clock())
    first = trust.fingerprint
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert trust.refresh() is False
    assert trust.fingerprint == first
    assert "the last good trust root stays in force" in (trust.warning or "")
    assert "trusted_root.json" in (trust.warning or "")
    path.write_bytes(scenario.SIGSTORE.trusted_root())
    trust.refresh()
    assert trust.warning is None


def test_without_a_good_root_every_question_is_unavailable_and_the_file_is_read_again_soon(tmp_path):
    path = tmp_path / "trusted_root.json"
    clock = Clock()
    trust = Trust(path=path, now=clock)
    assert trust.fingerprint == "none"
    with pytest.raises(TrustRootUnavailableError):
        trust()
    path.write_bytes(scenario.SIGSTORE.trusted_root())
    with pytest.raises(TrustRootUnavailableError):
        trust()
    clock.later(seconds=15)
    assert trust().each
    assert trust.warning is None


def test_a_file_may_hold_several_roots(tmp_path):
    path = tmp_path / "roots.jsonl"
    path.write_text("\n".join(json.dumps(json.loads(one)) for one in (scenario.SIGSTORE.trusted_root(), OTHER)))
    trust = Trust(path=path, now=Clock())
    assert len(trust().each) == 2
    assert trust.fingerprint == ",".join(one.sha256 for one in trust().each)


def test_a_file_that_appears_late_is_news(tmp_path):
    path = tmp_path / "trusted_root.json"
    trust = Trust(path=path, now=Clock())
    assert trust.fingerprint == "none"
    assert trust.refresh() is False
    path.write_bytes(scenario.SIGSTORE.trusted_root())
    assert trust.refresh() is True
    assert trust().each


def test_threads_that_ask_at_once_wait_for_one_answer_of_the_repository():
    asked, begun, over = [], threading.Event(), threading.Event()

    def fetch():
        asked.append(1)
        begun.set()
        over.wait(20)
        return scenario.trust_root()

    trust = Trust(path=None, now=Clock(), fetch=fetch)
    found = []
    threads = [threading.Thread(target=lambda: found.append(trust().each)) for _ in range(4)]
    threads[0].start()
    assert begun.wait(20)
    for one in threads[1:]:
        one.start()
    for one in threads[1:]:
        one.join(0.05)  # whoever does not wait is back by now, without a root
    over.set()
    for one in threads:
        one.join(20)
    assert (len(found), len(asked)) == (4, 1)


def test_the_online_root_is_asked_for_once_and_refreshed_daily():
    asked = []
    clock = Clock()

    def fetch():
        asked.append(clock.at)
        return scenario.trust_root()

    trust = Trust(path=None, now=clock, fetch=fetch)
    for _ in range(3):
        assert trust().each
    assert len(asked) == 1
    assert trust.pause == 86_400
    clock.later(days=2)
    roots = trust()
    assert len(asked) == 1, "who asks for a root that is there waits for nobody"
    assert trust.refresh() is False
    assert len(asked) == 2
    assert trust() is roots


def test_an_online_root_that_cannot_be_had_is_not_asked_for_by_every_plugin():
    asked = []
    clock = Clock()

    def fetch():
        asked.append(clock.at)
        raise TrustRootUnavailableError("away")

    trust = Trust(path=None, now=clock, fetch=fetch)
    for _ in range(5):
        with pytest.raises(TrustRootUnavailableError, match="away"):
            trust()
    assert len(asked) == 1
    assert trust.pause == 60
    clock.later(seconds=59)
    assert trust.fingerprint == "none"
    assert len(asked) == 1
    clock.later(seconds=1)
    assert trust.fingerprint == "none"
    assert len(asked) == 2


def test_an_online_root_that_changes_is_news():
    roots = [scenario.trust_root(), parse_trust_root(OTHER, name="other")]
    trust = Trust(path=None, now=Clock(), fetch=lambda: roots.pop(0))
    first = trust.fingerprint
    assert trust.refresh() is True
    assert trust.fingerprint != first


def test_the_settings_name_the_file_and_the_cache(tmp_path, monkeypatch):
    from supplychain import tuf_root

    path = tmp_path / "trusted_root.json"
    path.write_bytes(scenario.SIGSTORE.trusted_root())
    assert Trust.of(Settings(trust_root=path), now=Clock())().each
    caches = []

    def fetch(*, cache):
        caches.append(cache)
        raise TrustRootUnavailableError("away")

    monkeypatch.setattr(tuf_root, "fetch_trust_root", fetch)
    for settings in (Settings(work_dir=tmp_path), Settings()):
        with pytest.raises(TrustRootUnavailableError):
            Trust.of(settings, now=Clock())()
    with pytest.raises(TrustRootUnavailableError):
        Trust(path=None, now=Clock())()
    assert caches == [tmp_path / "tuf", None, None]
