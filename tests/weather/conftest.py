"""One plugin in a real registry, a proxy with weather in front of it, a stranger beside it, and the command as a function."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import pytest

from supplychain.cli.main import main
from supplychain.digest import LayerDigest
from tests.support.cluster.publishing import make_release, publish, write_trust_root
from tests.support.loopback_server import Answer, LoopbackServer, serving
from tests.support.registries import PASSWORD, USER, docker_config
from tests.support.testdata.release import IDENTITY_PATTERN
from tests.support.virtual_sigstore import GITHUB_ISSUER
from tests.support.weather import Asked, FaultProxy, proxying
from tests.support.weather.faults import demanding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.support.cluster.publishing import Published
    from tests.support.registries import RunningRegistries
    from tests.support.testdata.release import Release
    from tests.support.weather.proxy import Fault

_SOCKET: Final = r"ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let connections that the weather tore be collected whenever it happens: which test runs then says nothing about it."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings(_SOCKET))


PATIENT: Final[Mapping[str, float]] = {"first-byte-seconds": 20, "idle-seconds": 20, "total-seconds": 60, "retries": 4}
HURRIED: Final[Mapping[str, float]] = {
    "connect-seconds": 2,
    "first-byte-seconds": 0.5,
    "idle-seconds": 0.5,
    "total-seconds": 3,
    "retries": 1,
}
SECRET: Final = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_LONGEST: Final = 90.0
"""Seconds after which a command counts as hanging: far more than its limits, because the machine may be busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass(slots=True, kw_only=True)
class World:
    """Everything that a row of the table is tried in."""

    folder: Path
    proxy: FaultProxy
    stranger: LoopbackServer
    store: FaultProxy
    """Another host that has everything, too, and wants no password."""
    mirror: FaultProxy
    """In front of an empty registry without a referrers API, to which plugins are carried."""
    bundle: Path
    """The plugin in a file."""
    later: str
    """Digest of another release in the same repository."""
    published: Published
    release: Release
    commands: dict[str, list[str]] = field(default_factory=dict)
    capture: pytest.CaptureFixture[str] | None = None

    @property
    def package(self) -> str:
        """Digest of the package."""
        return str(LayerDigest.of(self.release.package()))

    @property
    def saved(self) -> Path:
        """Where `verify --save` writes."""
        return self.folder / "saved"

    def weather(self, fault: Callable[[World], Fault] | None, *, password: bool = True) -> None:
        """Change the weather; the registry wants a password unless the fault is about that."""
        self.proxy.clear()
        self.store.clear()
        self.mirror.clear()
        self.mirror.fault = demanding(None)
        self.stranger.asked.clear()
        made = None if fault is None else fault(self)
        self.proxy.fault = demanding(made) if password else made

    def weather_at_the_mirror(self, fault: Fault | None, *, breaks: Callable[[Asked], int | None] | None = None) -> None:
        """Let the sun shine but for the mirror."""
        self.weather(None)
        self.mirror.fault = demanding(fault)
        self.mirror.breaks = breaks

    @property
    def mirrored(self) -> str:
        """What the plugin is called on the mirror, without its tag; each test has its own."""
        return f"{self.mirror.host}/m{self.folder.name.lower().replace('_', '-')}/plugin"

    def arrived(self) -> str:
        """The digest that the mirror serves under the plugin's tag, asked behind the weather's back; empty where nothing is."""
        path = f"/v2/{self.mirrored.partition('/')[2]}/manifests/{self.release.tag}"
        headers = {"accept": "application/vnd.oci.image.manifest.v1+json"}
        found = self.mirror.fetch(Asked(method="GET", path=path, headers=headers))
        return f"sha256:{hashlib.sha256(found.body).hexdigest()}" if found.status == 200 else ""

    def told_others(self) -> list[str]:
        """Whatever another host than the registry learned of the credentials, in headers, paths, or bodies."""
        texts = [repr((one.path, dict(one.headers), one.body)) for one in self.stranger.asked]
        texts += [repr((one.path, dict(one.headers), one.body)) for one in self.store.asked]
        return [text for text in texts if "authorization" in text or PASSWORD in text or SECRET in text]

    def run(self, command: str, limits: Mapping[str, float], *more: str) -> Said:
        """Run a command with time limits, in a thread, so that one that hangs is told from one that waits."""
        words = [*self.commands[command], *more]
        words += [word for name, value in limits.items() for word in (f"--limit-{name}", str(value))]
        assert self.capture is not None
        self.capture.readouterr()
        codes: list[int] = []
        began = time.monotonic()
        thread = Thread(target=lambda: codes.append(main(words)), daemon=True)
        thread.start()
        thread.join(_LONGEST)
        assert codes, f"`{' '.join(words)}` hangs"
        printed = self.capture.readouterr()
        assert "Traceback" not in printed.err
        return Said(code=codes[0], out=printed.out, err=printed.err, seconds=time.monotonic() - began)

    def leftovers(self) -> list[str]:
        """Whatever is left of a run in the folder for temporary files, nameless files that are still open among it."""
        temporary = tempfile.gettempdir()
        left = [str(path) for path in (self.folder / "tmp").iterdir()]
        for link in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                target = str(link.readlink())
                left += [target] if target.startswith(temporary) else []
        return left


@pytest.fixture(scope="module")
def stranger() -> Iterator[LoopbackServer]:
    """Another host: it takes what it gets, and gives nothing of use."""
    with serving(lambda _: Answer(status=200, body=b'{"token":"a token of a stranger"}')) as server:
        yield server


@pytest.fixture(scope="module")
def release() -> Release:
    found = make_release("weather", size=3 << 20)
    found.attach_provenance = True
    return found


@pytest.fixture(scope="module")
def proxy(registries: RunningRegistries) -> Iterator[FaultProxy]:
    with proxying(registries.referrers.host) as found:
        yield found


@pytest.fixture(scope="module")
def store(registries: RunningRegistries) -> Iterator[FaultProxy]:
    with proxying(registries.referrers.host) as found:
        yield found


@pytest.fixture(scope="module")
def mirror(registries: RunningRegistries) -> Iterator[FaultProxy]:
    with proxying(registries.distribution.host) as found:
        yield found


@pytest.fixture(scope="module")
def bundle(published: Published, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "release.pub").write_bytes(release.trusted_keys)
    write_trust_root(folder / "root.json")
    file = folder / "weather.mcpg.tar.zst"
    assert main(["bundle", "create", published.tagged, *_policy(folder), "-o", str(file)]) == 0
    return file


@pytest.fixture(scope="module")
def later(registries: RunningRegistries) -> str:
    return publish(make_release("weather", version="1.2.4"), host=registries.referrers.host, repository="weather/plugin").digest


@pytest.fixture(scope="module")
def published(registries: RunningRegistries, proxy: FaultProxy, release: Release) -> Published:
    return publish(release, host=registries.referrers.host, repository="weather/plugin", ask=proxy.host)


@pytest.fixture
def world(  # noqa: PLR0917 — fixtures
    tmp_path: Path,
    proxy: FaultProxy,
    stranger: LoopbackServer,
    store: FaultProxy,
    mirror: FaultProxy,
    bundle: Path,
    later: str,
    published: Published,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[World]:
    for name in ("tmp", "out"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    found = World(
        folder=tmp_path,
        proxy=proxy,
        stranger=stranger,
        store=store,
        mirror=mirror,
        bundle=bundle,
        later=later,
        published=published,
        release=published.release,
        capture=capsys,
    )
    logins = [json.loads(docker_config(host))["auths"] for host in (proxy.host, mirror.host)]
    (tmp_path / "config.json").write_text(json.dumps({"auths": logins[0] | logins[1]}))
    (tmp_path / "release.pub").write_bytes(found.release.trusted_keys)
    write_trust_root(tmp_path / "root.json")
    found.commands = _commands(found)
    yield found
    for one in (proxy, store, mirror):
        one.clear()


def _commands(world: World) -> dict[str, list[Any]]:
    """Each command as somebody uses it; `verify` asks for every layer."""
    folder, tagged = world.folder, world.published.tagged
    registry = ["--registry-config", str(folder / "config.json")]
    policy = _policy(folder)
    ways = ["--from", f"{world.proxy.host}/weather", "--to", world.mirrored.rpartition("/")[0]]
    return {
        "sync": ["mirror", "sync", tagged, *policy, *registry, *ways],
        "load": ["bundle", "load", str(world.bundle), *policy, *registry, *ways],
        "create a bundle": ["bundle", "create", tagged, *policy, *registry, "-o", str(folder / "out" / "new.mcpg.tar.zst")],
        "verify the mirror": ["verify", f"{world.mirrored}:{world.release.tag}", *policy, *registry],
        "verify a tag": ["verify", world.published.tagged, *policy, *registry],
        "verify a digest": ["verify", world.published.pinned, *policy, *registry],
        "verify and save": ["verify", world.published.pinned, *policy, *registry, "--save", str(world.saved)],
        "inspect": ["inspect", world.published.tagged, *registry],
    }


def _policy(folder: Path) -> list[str]:
    policy = ["--key", str(folder / "release.pub"), "--trust-root", str(folder / "root.json"), "--single-verifier"]
    policy += ["--certificate-identity-regexp", IDENTITY_PATTERN, "--certificate-oidc-issuer", GITHUB_ISSUER]
    return [*policy, "--source-uri", "github.com/acme/plugins", "--source-tag", "v1.2.3"]
