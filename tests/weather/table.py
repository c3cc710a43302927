"""The table: each fault, the commands that meet it, and what they must say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from tests.support.weather.faults import (
    Tokens,
    broken,
    changed,
    closed,
    endless,
    hanging,
    on,
    one_by_one,
    redirecting,
    slow,
    status,
    times,
)
from tests.support.weather.wire import End
from tests.weather.conftest import HURRIED, PATIENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.weather.proxy import Fault
    from tests.weather.conftest import World

__all__ = ["PLACES", "ROWS", "Row"]

UNAVAILABLE: Final = (3, "RegistryUnavailable")
REFUSED: Final = (1, "DigestMismatch")
FINE: Final = (0, "")
ALL: Final = ("verify a tag", "verify a digest", "verify and save", "inspect", "sync", "create a bundle")
JUDGING: Final = ("verify a tag", "verify and save", "sync", "create a bundle")
ONE: Final = ("verify and save",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault."""

    name: str
    fault: Callable[[World], Fault]
    expected: tuple[int, str]
    """Exit code, and the reason where it is not 0."""
    commands: tuple[str, ...] = ONE
    limits: Mapping[str, float] = field(default_factory=lambda: HURRIED)
    password: bool = True
    """Whether the registry wants one by HTTP Basic."""
    also: Callable[[World], None] | None = None
    """What else must be true afterwards."""


PLACES: Final[dict[str, Callable[[int, int], int]]] = {
    "before the first byte": lambda _head, _body: 0,
    "in the head": lambda head, _: head // 2,
    "after the head": lambda head, _: head,
    "in the body": lambda head, body: head + body // 2,
    "before the last byte": lambda head, body: head + body - 1,
}
PARTS: Final[dict[str, Callable[[World], str]]] = {
    "manifest": lambda _: "/manifests/",
    "package": lambda world: f"/blobs/{world.package}",
    "referrers": lambda _: "/referrers/",
}


def _flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def _every_answer(name: str, fault: Callable[[], Fault], expected: tuple[int, str] = UNAVAILABLE, **more: object) -> Row:
    return Row(name=name, fault=lambda _: fault(), expected=expected, **more)  # type: ignore[arg-type]


def _anything(_: World) -> str:
    return "/"


def _at(path: Callable[[World], str], fault: Fault, *, often: int | None = None) -> Callable[[World], Fault]:
    """A fault of one part; it counts anew for each row that is tried."""
    return lambda world: on(path(world), fault if often is None else times(often, fault))


def _busy() -> list[Row]:
    later = ("Retry-After", "1")
    rows = [
        _every_answer("429 with Retry-After, twice", lambda: times(2, status(429, later)), FINE, commands=ALL, limits=PATIENT),
        _every_answer("429 with a date in Retry-After", lambda: times(1, status(429, *_DATES)), FINE, limits=PATIENT),
        _every_answer("429 with Retry-After beyond patience", lambda: status(429, ("Retry-After", "3600")), commands=ALL),
        _every_answer("429 without Retry-After, twice", lambda: times(2, status(429)), FINE, limits=PATIENT),
        _every_answer("429 without Retry-After, always", lambda: status(429), commands=ALL),
    ]
    for code in (500, 502, 503, 504):
        rows.append(Row(name=f"a burst of {code}", fault=_at(_anything, status(code), often=2), expected=FINE, limits=PATIENT))
        rows.append(Row(name=f"{code} without end", fault=_at(_anything, status(code)), expected=UNAVAILABLE))
    rows.append(_every_answer("503 for referrers alone", lambda: on("/referrers/", status(503)), commands=JUDGING))
    rows.append(_every_answer("503 for one piece of evidence", lambda: on("/manifests/sha256:", status(503)), commands=JUDGING))
    return rows


_DATES: Final = (("Date", "Sat, 21 Nov 2026 10:00:00 GMT"), ("Retry-After", "Sat, 21 Nov 2026 10:00:01 GMT"))


def _breaking() -> list[Row]:
    rows = []
    for place, cut in PLACES.items():
        for part, path in PARTS.items():
            name = f"{place} of the {part}"
            reset, hang = broken(cut), hanging(cut)
            rows += [
                Row(name=f"reset {name}, always", fault=_at(path, reset), expected=UNAVAILABLE),
                Row(
                    name=f"reset {name}, once",
                    fault=_at(path, reset, often=1),
                    expected=FINE,
                    limits=PATIENT,
                    commands=(*ONE, "sync", "create a bundle") if place == "in the body" else ONE,
                ),
                Row(
                    name=f"silence {name}, always", fault=_at(path, hang), expected=UNAVAILABLE, limits={**HURRIED, "retries": 0}
                ),
            ]
            if part == "package":
                patient = {**PATIENT, "first-byte-seconds": 2, "idle-seconds": 2}
                rows.append(Row(name=f"silence {name}, once", fault=_at(path, hang, often=1), expected=FINE, limits=patient))
    return rows


def _slow() -> list[Row]:
    hurried = {**HURRIED, "retries": 0}
    return [
        Row(name=f"slow {part}", fault=_at(path, slow(piece=1, pause=0.1)), expected=UNAVAILABLE, limits=hurried)
        for part, path in PARTS.items()
    ]


def _short() -> list[Row]:
    half = PLACES["in the body"]
    cut_off = broken(half, end=End.CLOSE)
    rows = [Row(name=f"truncated {part}", fault=_at(path, cut_off), expected=UNAVAILABLE) for part, path in PARTS.items()]
    return [
        *rows,
        Row(
            name="a package without a length that ends early",
            fault=lambda world: on(world.package, closed(half)),
            expected=UNAVAILABLE,
        ),
        Row(
            name="a package without a length that ends early, once",
            fault=lambda world: on(world.package, times(1, closed(half))),
            expected=FINE,
            limits=PATIENT,
        ),
        Row(
            name="a package said to be shorter",
            fault=lambda world: on(world.package, changed(body=lambda reply: reply.body[:-1])),
            expected=REFUSED,
        ),
        Row(
            name="a package said to be longer",
            fault=lambda world: on(world.package, changed(body=lambda reply: reply.body + b"x")),
            expected=REFUSED,
        ),
        Row(
            name="a package of more bytes and no length",
            fault=lambda world: on(world.package, changed(body=lambda reply: reply.body + b"x", length=None)),
            expected=REFUSED,
        ),
    ]


def _wrong() -> list[Row]:
    flip = changed(body=lambda reply: _flipped(reply.body))
    return [
        Row(name="other bytes in the package", fault=lambda world: on(world.package, flip), expected=REFUSED, commands=ALL),
        Row(
            name="other bytes in a pinned manifest",
            fault=lambda world: on(world.published.digest, flip),
            expected=REFUSED,
            commands=("verify a digest",),
        ),
        Row(
            name="other bytes under a tag than the registry's own header says",
            fault=lambda world: on("/manifests/1.2.3", flip),
            expected=REFUSED,
            commands=("verify a tag",),
        ),
    ]


def _leading_away() -> list[Row]:
    there = lambda world: redirecting(f"http://{world.store.host}{{path}}")  # noqa: E731
    stranger = lambda world: redirecting(f"{world.stranger.url}{{path}}")  # noqa: E731
    return [
        Row(name="a redirect to itself", fault=lambda _: redirecting("{path}"), expected=UNAVAILABLE, commands=ALL),
        Row(name="packages are elsewhere", fault=lambda world: on("/blobs/", there(world)), expected=FINE, also=_store_was_asked),
        Row(name="everything is elsewhere", fault=there, expected=FINE, commands=ALL, limits=PATIENT, also=_store_was_asked),
        Row(name="a stranger has the package", fault=lambda world: on(world.package, stranger(world)), expected=REFUSED),
        Row(
            name="a stranger has the pinned manifest",
            fault=lambda world: on(world.published.digest, stranger(world)),
            expected=REFUSED,
            commands=("verify a digest",),
        ),
        Row(
            name="the other host wants a password",
            fault=lambda world: _with_store(world, status(401, ("WWW-Authenticate", 'Basic realm="store"'))),
            expected=(3, "RegistryAuthFailed"),
        ),
        Row(
            name="the other host breaks off",
            fault=lambda world: _with_store(world, broken(PLACES["in the body"])),
            expected=UNAVAILABLE,
        ),
    ]


def _with_store(world: World, fault: Fault) -> Fault:
    world.store.fault = fault
    return on("/blobs/", redirecting(f"http://{world.store.host}{{path}}"))


def _store_was_asked(world: World) -> None:
    assert world.store.asked


def _tokens() -> list[Row]:
    unauthorized = (3, "RegistryAuthFailed")
    common = {"password": False, "commands": ("verify a tag", "verify and save", "inspect")}

    def row(name: str, expected: tuple[int, str], *, uses: int, realm: Callable[[], Fault] | None = None, **more: object) -> Row:
        make = lambda world: Tokens(world.proxy.url, uses=uses, realm=None if realm is None else realm())  # noqa: E731
        return Row(name=name, fault=make, expected=expected, **{**common, **more})  # type: ignore[arg-type]

    return [
        row("tokens that last", FINE, uses=1000, limits=PATIENT),
        row("a token that ages in mid-pull", FINE, uses=2, limits=PATIENT),
        row("a token that is good once", FINE, uses=1, limits=PATIENT),
        row("tokens that are never good", unauthorized, uses=0),
        row("a realm that refuses", unauthorized, uses=9, realm=lambda: status(403, code="DENIED")),
        row("a realm that is busy twice", FINE, uses=9, realm=lambda: times(2, status(503)), limits=PATIENT),
        row("a realm that is down", UNAVAILABLE, uses=9, realm=lambda: status(503)),
        row("a realm that is silent", UNAVAILABLE, uses=9, realm=lambda: hanging(PLACES["before the first byte"])),
        row("a realm that leads to a stranger", unauthorized, uses=9, realm=lambda: redirecting("http://127.0.0.1:1/token")),
    ]


def _evidence() -> list[Row]:
    return [
        _every_answer("referrers that page for ever", lambda: on("/referrers/", endless(junk=False)), FINE, limits=PATIENT),
        _every_answer(
            "referrers that page for ever, to be carried",  # all of them cannot be, and a part would not be what left
            lambda: on("/referrers/", endless(junk=False)),
            (3, "EvidenceLimit"),
            limits=PATIENT,
            commands=("sync", "create a bundle"),
        ),
        _every_answer(
            "referrers of strangers that page for ever",
            lambda: on("/referrers/", endless(junk=True)),
            (3, "EvidenceLimit"),
            limits=PATIENT,
            commands=JUDGING,
        ),
        Row(
            name="no referrers today, although there are some",
            fault=lambda _: on("/referrers/", changed(status=404, body=b"{}")),
            expected=(1, "CosignSignatureMissing"),
        ),
        Row(
            name="a tag that moves between two requests",
            fault=lambda world: on("/manifests/1.2.3", one_by_one(None, _moved(world))),
            expected=FINE,
            commands=("verify a tag", "inspect", "sync", "create a bundle"),
            limits=PATIENT,
            also=_the_first_arrived,
        ),
    ]


def _moved(world: World) -> Fault:
    """The tag leads to another release."""
    return lambda asked, _: world.proxy.fetch(replace(asked, path=asked.path.replace(world.release.tag or "", world.later)))


def _the_first_arrived(world: World) -> None:
    assert world.arrived() in {"", world.published.digest}


def _resumed() -> list[Row]:
    half, flip = PLACES["in the body"], changed(body=lambda reply: _flipped(reply.body))
    break_off, whole = broken(half, end=End.CLOSE), changed(status=200)  # a reset may take with it what had arrived

    def row(name: str, *faults: Fault | None, expected: tuple[int, str] = FINE, ranges: list[bool]) -> Row:
        def also(world: World) -> None:
            asked = [one for one in world.proxy.asked if world.package in one.path and "authorization" in one.headers]
            assert ["range" in one.headers for one in asked] == ranges

        fault = lambda world: on(world.package, one_by_one(*faults))  # noqa: E731
        return Row(name=name, fault=fault, expected=expected, limits=PATIENT, also=also)

    moved = changed(headers=lambda reply: reply.with_header("Content-Range", "bytes 1-2/3"))
    no_range = status(416, code="UNKNOWN")
    return [
        row("a package that goes on where it broke off", break_off, None, ranges=[False, True]),
        row("a package that breaks off twice", break_off, break_off, None, ranges=[False, True, True]),
        row("other bytes after the break", break_off, flip, None, ranges=[False, True, False]),
        row("other bytes after the break and ever after", break_off, flip, flip, expected=REFUSED, ranges=[False, True, False]),
        row(
            "more bytes after the break", break_off, changed(body=lambda one: one.body + b"x"), None, ranges=[False, True, False]
        ),
        row("another range after the break", break_off, moved, None, ranges=[False, True, False]),
        row("no ranges after the break", break_off, no_range, None, ranges=[False, True, False]),
        row("a whole that is none after the break", break_off, whole, flip, expected=REFUSED, ranges=[False, True]),
    ]


ROWS: Final = [
    *_busy(),
    *_breaking(),
    *_slow(),
    *_short(),
    *_wrong(),
    *_leading_away(),
    *_tokens(),
    *_evidence(),
    *_resumed(),
]
