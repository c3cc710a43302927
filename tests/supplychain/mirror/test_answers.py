"""One answer by itself: what is read of it, how long it may take, and what its failures mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from supplychain.errors import ArtifactTooLargeError, RegistryUnavailableError
from supplychain.mirror.answers import Answer, PassingError, back_off, failure, translate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Body(httpx.SyncByteStream):
    """A body that counts how much of it was asked for."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            self.read += 1
            yield chunk


def answer(
    *chunks: bytes,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    url: str = "https://registry.example/v2/",
    remaining: float = 60,
) -> tuple[Answer, httpx.Response, Body]:
    body = Body(*chunks)
    request = httpx.Request("GET", url, extensions={"timeout": {}})
    response = httpx.Response(
        status, headers=[(name.encode(), text.encode()) for name, text in (headers or {}).items()], stream=body, request=request
    )
    return Answer(response, idle=10, remaining=lambda: remaining), response, body


@pytest.mark.parametrize(("remaining", "wait"), [(60, 10), (0.5, 0.5), (-1, 0.001)])
def test_a_wait_for_bytes_is_never_longer_than_what_is_left(remaining: float, wait: float) -> None:
    _, response, _ = answer(remaining=remaining)
    assert response.request.extensions["timeout"]["read"] == wait


def test_an_answer_that_lacks_one_byte_broke_off() -> None:
    with pytest.raises(PassingError, match="broke off: expected 5 bytes, got 4 bytes"):
        answer(b"ab", b"cd", headers={"content-length": "5"})[0].read(100)
    assert answer(b"ab", b"cde", headers={"content-length": "5"})[0].read(100) == b"abcde"


def test_an_answer_that_says_it_is_too_long_is_not_read() -> None:
    one, _, body = answer(b"abc", headers={"content-length": "3"})
    with pytest.raises(ArtifactTooLargeError):
        one.read(2)
    assert body.read == 0


class Ending(httpx.SyncByteStream):
    """The body of an answer to HEAD: empty, and known to be over only by whoever looks."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.looked = 0
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        self.looked += 1
        if self.error is not None:
            raise self.error
        yield from ()

    def close(self) -> None:
        self.closed += 1


def ending(method: str, error: Exception | None = None) -> tuple[Answer, Ending]:
    body = Ending(error)
    request = httpx.Request(method, "https://registry.example/v2/", extensions={"timeout": {}})
    return Answer(httpx.Response(200, stream=body, request=request), idle=10, remaining=lambda: 60), body


@pytest.mark.parametrize(("method", "looked"), [("HEAD", 1), ("GET", 0)])
def test_the_connection_of_an_answer_without_body_can_be_used_again(method: str, looked: int) -> None:
    one, body = ending(method)
    one.close()
    assert (body.looked, body.closed > 0) == (looked, True)


def test_an_answer_to_head_that_was_read_is_not_read_again() -> None:
    one, body = ending("HEAD")
    assert one.read(10) == b""
    one.close()
    assert body.looked == 1


def test_a_connection_that_breaks_while_it_is_given_back_harms_nothing() -> None:
    one, body = ending("HEAD", httpx.ReadError("gone"))
    one.close()
    assert (body.looked, body.closed > 0) == (1, True)


def test_an_answer_gives_its_connection_back() -> None:
    one, response, _ = answer()
    with one:
        assert not response.is_closed
    assert response.is_closed
    one, response, _ = answer()
    one.close()
    assert response.is_closed


def test_only_a_bad_request_in_clear_suggests_that_the_port_speaks_tls() -> None:
    def hint(status: int, url: str) -> str | None:
        error = failure(answer(status=status, url=url)[0])
        return (error.error if isinstance(error, PassingError) else error).hint  # type: ignore[attr-defined]

    assert "speaks TLS" in str(hint(400, "http://registry.example/"))
    assert "speaks TLS" not in str(hint(400, "https://registry.example/"))
    assert "speaks TLS" not in str(hint(500, "http://registry.example/"))


def test_at_most_three_error_codes_are_shown() -> None:
    codes = ", ".join(f'{{"code": "{code}"}}' for code in "ABCD")
    error = failure(answer(f'{{"errors": [{codes}]}}'.encode(), status=400)[0])
    assert "`A`, `B`, `C`)" in str(error)


def test_a_connection_that_took_too_long_is_told_from_an_answer_that_did() -> None:
    for raised, what in ((httpx.ConnectTimeout("x"), "no connection"), (httpx.ReadTimeout("x"), "no answer")):
        error = translate(raised, where="here")
        assert isinstance(error, PassingError)
        assert error.error.what == f"{what} within the time-out"
        assert str(error) == str(error.error)


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("9" * 20, 999_999_999.0), ("\u0663", None), ("", None), ("soon", None)]
)
def test_how_long_to_wait_is_a_number_in_ascii(text: str, seconds: float | None) -> None:
    error = failure(answer(status=503, headers={"retry-after": text})[0])
    assert isinstance(error, PassingError)
    assert isinstance(error.error, RegistryUnavailableError)
    assert error.error.retry_after == seconds
    assert back_off(error.error, attempt=0, jitter=1.0) == (0.5 if seconds is None else seconds)


@pytest.mark.parametrize(
    "text", ["Tue, 01 Jan 2030 00:00:00 +9999999999999999", "Tue, 01 Jan 99999999999999999999 00:00:00 +0000"]
)
def test_a_date_beyond_all_calendars_is_no_time_to_wait(text: str) -> None:
    headers = {"retry-after": text, "date": "Tue, 01 Jan 2030 00:00:00 GMT"}
    error = failure(answer(status=503, headers=headers)[0])
    assert isinstance(error, PassingError)
    assert error.error.retry_after is None
