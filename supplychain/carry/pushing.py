"""What a registry's answers to writing mean, and the bytes that are sent. Nothing here knows where they go."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final, Self

from supplychain.errors import RegistryUnavailableError
from supplychain.mirror.answers import PassingError
from supplychain.mirror.push_session import read_answer, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    import requests
    from typing_extensions import Buffer

__all__ = ["Body", "finish", "may_pass", "refused"]

_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_SHORT: Final = 64 * 1024
_PIECE: Final = 1024 * 1024


def finish(answer: requests.Response) -> None:
    """Read what nobody needs to its end, if that is near: only then the connection serves the next request."""
    read_answer(answer, bound=_SHORT)


def refused(answer: requests.Response) -> Exception:
    """Say what an answer other than the wanted one means: a `PassingError` where a later try may have the wanted one."""
    error = refusal(answer)
    if isinstance(error, RegistryUnavailableError) and answer.status_code in _PASSING:
        return PassingError(error)
    return error


def may_pass(error: RegistryUnavailableError) -> bool:
    """Whether a later try may cure it: a broken connection may, a certificate that nobody trusts never."""
    cause = error.__cause__
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return error.__cause__ is not None and cause is None


class Body:
    """Bytes as requests streams them, from the start each time they are asked for; close it after use."""

    def __init__(self, data: Buffer) -> None:
        self._view = memoryview(data).cast("B")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._view.release()  # an error that keeps the request would keep the spool's disk space

    def __len__(self) -> int:
        return len(self._view)

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._view), _PIECE):
            yield bytes(self._view[start : start + _PIECE])
