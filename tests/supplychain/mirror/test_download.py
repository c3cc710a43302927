"""A download that breaks goes on where it was, and nothing but the digest of the whole decides what it is worth."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from supplychain.errors import DigestMismatchError, NotFoundError, RegistryUnavailableError
from supplychain.limits import Limits
from supplychain.mirror.download import download
from supplychain.mirror.manifests import OciDescriptor
from supplychain.mirror.transport import RegistryClient
from supplychain.spool import Spool, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB = 1 << 20
DATA = bytes(range(256)) * (5 * MIB // 256) + b"the end"
OTHER = DATA[:-1] + b"!"
BLOB = OciDescriptor(media_type="a/b", sha256=hashlib.sha256(DATA).hexdigest(), size=len(DATA))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Server:
    """Serves `data` by ranges; each request takes the next of `faults`, which get the honest answer."""

    def __init__(self, *faults: Callable[[httpx.Response], httpx.Response], data: bytes = DATA) -> None:
        self.data = data
        self.faults = list(faults)
        self.ranges: list[str | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == f"/v2/acme/echo/blobs/{BLOB.layer_digest}"
        wanted = request.headers.get("range")
        self.ranges.append(wanted)
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted) if wanted else None
        start, stop = (int(found[1]), int(found[2]) + 1) if found else (0, len(self.data))
        part = self.data[start:stop]
        headers = {"Content-Length": str(len(part))}
        if found:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(self.data)}"
        answer = httpx.Response(206 if found else 200, headers=headers, content=pieces(part))
        return self.faults.pop(0)(answer) if self.faults else answer


def pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), MIB // 2):
        yield data[start : start + MIB // 2]


def after(size: int) -> Callable[[httpx.Response], httpx.Response]:
    """Break the connection after so many bytes."""

    def broken(answer: httpx.Response) -> httpx.Response:
        def some() -> Iterator[bytes]:
            yield from pieces(b"".join(answer.iter_bytes())[:size])
            raise httpx.ReadError("reset")

        return httpx.Response(answer.status_code, headers=answer.headers, content=some())

    return broken


def edited(status: int | None = None, *, body: Callable[[bytes], bytes] = bytes, **headers: str) -> Callable[..., httpx.Response]:
    def edit(answer: httpx.Response) -> httpx.Response:
        data = body(b"".join(answer.iter_bytes()))
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {**dict(answer.headers), "content-length": str(len(data)), **more}
        return httpx.Response(status or answer.status_code, headers=kept, content=pieces(data))

    return edit


def flip(data: bytes) -> bytes:
    return data[:-1] + b"!"


def fetch(server: Callable[[httpx.Request], httpx.Response], **options: Any) -> bytes:
    clock = Clock()
    limits = options.pop("limits", Limits())
    with RegistryClient(
        transport=httpx.MockTransport(server), clock=clock, sleep=clock.sleep, jitter=lambda: 1.0, limits=limits
    ) as client:
        talk = client.conversation("registry.example", "acme/echo")
        with download(talk, BLOB, **options) as spool:
            return bytes(spool.view)


@pytest.fixture(autouse=True)
def _no_spool_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    writers: list[SpoolWriter] = []
    spools: list[Spool] = []
    begin, finish = SpoolWriter.__init__, SpoolWriter.finish

    def begun(writer: SpoolWriter) -> None:
        begin(writer)
        writers.append(writer)

    def finished(writer: SpoolWriter) -> Spool:
        spools.append(finish(writer))
        return spools[-1]

    monkeypatch.setattr(SpoolWriter, "__init__", begun)
    monkeypatch.setattr(SpoolWriter, "finish", finished)
    yield
    assert [writer._file for writer in writers if writer._file is not None] == []
    assert [spool for spool in spools if not spool.file.closed] == []


def test_a_whole_is_one_request_and_its_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    server = Server()
    assert fetch(server, progress=lambda *bytes_: told.append(bytes_)) == DATA
    assert server.ranges == [None]
    assert told[-1] == (len(DATA), len(DATA))
    assert [arrived for arrived, _ in told] == sorted(arrived for arrived, _ in told)


def test_after_a_break_only_the_rest_is_asked_for() -> None:
    server = Server(after(2 * MIB))
    assert fetch(server) == DATA
    assert server.ranges == [None, f"bytes={2 * MIB}-{len(DATA) - 1}"]


def test_a_break_before_anything_came_asks_for_the_whole() -> None:
    server = Server(after(0))
    assert fetch(server) == DATA
    assert server.ranges == [None, None]


def test_tries_that_brought_a_mib_are_not_counted_as_failed() -> None:
    server = Server(after(MIB), after(MIB), after(MIB))
    assert fetch(server, limits=Limits(retries=1)) == DATA
    assert len(server.ranges) == 4


def test_tries_that_brought_less_are() -> None:
    server = Server(after(MIB), after(MIB // 2), after(MIB // 2))
    with pytest.raises(RegistryUnavailableError):
        fetch(server, limits=Limits(retries=1))
    assert len(server.ranges) == 2


def test_a_registry_that_breaks_off_and_knows_no_ranges_is_not_asked_for_the_same_bytes_again_and_again() -> None:
    server = Server(*[after(5 * MIB), edited(416)] * 50)
    with pytest.raises(RegistryUnavailableError):
        fetch(server, limits=Limits(retries=3, total_seconds=10_000))
    rest = f"bytes={5 * MIB}-{len(DATA) - 1}"
    assert server.ranges == [None, rest, None, rest]


def test_a_download_that_creeps_ends_with_the_time() -> None:
    def creep(request: httpx.Request) -> httpx.Response:
        server.faults = [after(1000)]
        return server(request)

    server = Server()
    with pytest.raises(RegistryUnavailableError):
        fetch(creep, limits=Limits(retries=10**6, total_seconds=60))
    assert len(server.ranges) < 100


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(edited(200, body=lambda _: DATA), id="the whole after all"),
        pytest.param(edited(416), id="no ranges"),
        pytest.param(edited(content_range="bytes 0-7/8"), id="another range"),
        pytest.param(edited(content_range=f"bytes {2 * MIB}-{len(DATA)}/*"), id="a longer range"),
        pytest.param(edited(content_range="bytes x"), id="no range in the answer"),
        pytest.param(edited(body=flip), id="other bytes"),
        pytest.param(edited(body=lambda data: data + b"x"), id="more bytes"),
        pytest.param(edited(body=lambda data: data[:-1]), id="fewer bytes"),
    ],
)
def test_what_does_not_go_on_as_it_should_is_fetched_from_its_start(fault: Callable[..., httpx.Response]) -> None:
    server = Server(after(2 * MIB), fault)
    assert fetch(server) == DATA
    assert server.ranges[2:] in ([], [None])


def test_a_total_that_nobody_knows_is_no_matter() -> None:
    server = Server(after(2 * MIB), edited(content_range=f"Bytes {2 * MIB}-{len(DATA) - 1}/*"))
    assert fetch(server) == DATA
    assert len(server.ranges) == 2


def test_parts_that_do_not_fit_are_put_together_only_once() -> None:
    server = Server(after(2 * MIB), edited(body=flip), after(2 * MIB), after(2 * MIB))
    assert fetch(server) == DATA
    assert server.ranges == [None, f"bytes={2 * MIB}-{len(DATA) - 1}", None, None, None]


def test_a_whole_that_is_another_one_is_refused_at_once() -> None:
    server = Server(data=OTHER)
    with pytest.raises(DigestMismatchError, match="other bytes"):
        fetch(server)
    assert server.ranges == [None]


def test_a_whole_that_is_another_one_is_refused_after_a_break_too() -> None:
    server = Server(after(2 * MIB), data=OTHER)
    with pytest.raises(DigestMismatchError, match="other bytes"):
        fetch(server)
    assert server.ranges == [None, f"bytes={2 * MIB}-{len(DATA) - 1}", None]


def test_parts_that_never_fit_are_no_verdict_where_there_is_no_further_try() -> None:
    server = Server(after(2 * MIB), data=OTHER)
    with pytest.raises(RegistryUnavailableError, match="do not fit"):
        fetch(server, limits=Limits(retries=1, total_seconds=1.2))


def test_a_blob_that_went_away_in_between_is_not_found() -> None:
    server = Server(after(2 * MIB), edited(404))
    with pytest.raises(NotFoundError):
        fetch(server)


def test_a_part_that_nobody_asked_for_is_no_answer() -> None:
    server = Server(edited(206, content_range=f"bytes 0-{len(DATA) - 1}/{len(DATA)}"))
    with pytest.raises(RegistryUnavailableError, match="206"):
        fetch(server)


def test_a_redirect_takes_the_range_along() -> None:
    seen: list[tuple[str, str | None]] = []
    server = Server(after(2 * MIB))

    def registry(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers.get("range")))
        if request.url.host == "registry.example":
            return httpx.Response(307, headers={"Location": f"https://store.example{request.url.path}"})
        return server(request)

    assert fetch(registry) == DATA
    rest = f"bytes={2 * MIB}-{len(DATA) - 1}"
    assert seen == [("registry.example", None), ("store.example", None), ("registry.example", rest), ("store.example", rest)]


def test_an_end_without_a_length_that_comes_too_early_is_a_break() -> None:
    def undelimited(answer: httpx.Response) -> httpx.Response:
        data = b"".join(answer.iter_bytes())[: 2 * MIB]
        response = httpx.Response(200, content=pieces(data))
        del response.headers["transfer-encoding"]
        return response

    server = Server(undelimited)
    assert fetch(server) == DATA
    assert server.ranges == [None, f"bytes={2 * MIB}-{len(DATA) - 1}"]
