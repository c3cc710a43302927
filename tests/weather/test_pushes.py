"""What befalls plugins on their way into a mirror: nothing half-carried is served, and the next run finishes the work."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from tests.support.weather.faults import changed, hanging, on, redirecting, slow, status, times
from tests.support.weather.wire import End, Reply
from tests.weather.conftest import HURRIED, PATIENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.weather.proxy import Asked, Fault
    from tests.weather.conftest import World

UNAVAILABLE = (3, "RegistryUnavailable")
FINE = (0, "")
BLOBS = "/blobs/uploads/"
MANIFESTS = "/manifests/"
_BUSY = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault of a mirror; `breaks` is about the request and not the answer."""

    name: str
    expected: tuple[int, str] = FINE
    fault: Callable[[World], Fault] | None = None
    breaks: Callable[[World], Callable[[Asked], int | None]] | None = None
    limits: Mapping[str, float] = field(default_factory=lambda: PATIENT)


def puts(part: str, fault: Fault, *, often: int | None = None) -> Callable[[World], Fault]:
    def made(_: World) -> Fault:
        return on(part, fault if often is None else times(often, fault), method="PUT")

    return made


def lost(_: Asked, own: Callable[[], Reply]) -> Reply:
    """It was done, and nobody heard of it."""
    return replace(own(), cut=lambda _head, _body: 0, end=End.RESET)


def done_but_said_otherwise(number: int) -> Fault:
    """It was done, and the answer is an error."""

    def answer(asked: Asked, own: Callable[[], Reply]) -> Reply | None:
        own()
        return status(number, code="UNKNOWN")(asked, own)

    return answer


def swallowed(_: Asked, own: Callable[[], Reply]) -> Reply:
    """It was not done, and the answer is that it was."""
    return Reply(status=201, headers=(("Location", "/nowhere"),))


def in_mid_upload(often: int | None = None) -> Callable[[World], Callable[[Asked], int | None]]:
    def made(_: World) -> Callable[[Asked], int | None]:
        left = [often]

        def breaks(asked: Asked) -> int | None:
            size = int(asked.headers.get("content-length") or 0)
            if asked.method != "PUT" or size < 100_000 or left[0] == 0:
                return None
            left[0] = None if left[0] is None else left[0] - 1
            return size // 2

        return breaks

    return made


def rows() -> list[Row]:
    found = [
        Row(name="a reset in mid-upload", breaks=in_mid_upload(1)),
        Row(name="resets in every upload", breaks=in_mid_upload(), expected=UNAVAILABLE, limits=HURRIED),
        Row(
            name="no upload may begin",
            fault=lambda _: on(BLOBS, status(503), method="POST"),
            expected=UNAVAILABLE,
            limits=HURRIED,
        ),
        Row(name="a HEAD that fails", fault=lambda _: times(1, status(502))),
        Row(name="a mirror that is down", fault=lambda _: status(503), expected=UNAVAILABLE, limits=HURRIED),
        Row(name="a mirror that refuses", fault=puts(MANIFESTS, status(403, code="DENIED")), expected=(3, "RegistryAuthFailed")),
        Row(
            name="a mirror that forgets the package",
            fault=lambda world: on(world.package.partition(":")[2], swallowed, method="PUT"),
            expected=(3, ""),
        ),
        Row(
            name="a mirror that serves other bytes",
            fault=lambda world: on(f"/blobs/{world.package}", changed(body=lambda one: one.body[:-1] + b"!"), method="GET"),
            expected=(1, "DigestMismatch"),
        ),
        Row(
            name="a mirror whose uploads are with a stranger",
            fault=lambda world: on(
                BLOBS,
                lambda _asked, _own: Reply(status=202, headers=(("Location", f"{world.stranger.url}/upload"),)),
                method="POST",
            ),
            expected=UNAVAILABLE,
            limits=HURRIED,
        ),
        Row(
            name="a mirror that redirects writing to a stranger",
            fault=lambda world: on(BLOBS, redirecting(f"{world.stranger.url}{{path}}"), method="POST"),
            expected=UNAVAILABLE,
            limits=HURRIED,
        ),
    ]
    for what, part in (("blob", BLOBS), ("manifest", MANIFESTS)):
        found += [
            Row(name=f"429 with Retry-After on PUT of a {what}", fault=puts(part, status(429, ("Retry-After", "1")), often=1)),
            Row(name=f"429 without Retry-After on PUT of a {what}", fault=puts(part, status(429), often=1)),
            Row(
                name=f"429 beyond patience on PUT of a {what}",
                fault=puts(part, status(429, ("Retry-After", "3600"))),
                expected=UNAVAILABLE,
            ),
            Row(name=f"429 on every PUT of a {what}", fault=puts(part, status(429)), expected=UNAVAILABLE, limits=HURRIED),
            Row(name=f"500 after a PUT of a {what}", fault=puts(part, done_but_said_otherwise(500), often=1)),
            Row(name=f"502 after every PUT of a {what}", fault=puts(part, done_but_said_otherwise(502)), expected=UNAVAILABLE, limits=HURRIED),
            Row(name=f"a lost answer to PUT of a {what}", fault=puts(part, lost, often=1)),
            Row(name=f"every answer to PUT of a {what} lost", fault=puts(part, lost), expected=UNAVAILABLE, limits=HURRIED),
            Row(
                name=f"silence after PUT of a {what}",
                fault=puts(part, hanging(lambda _head, _body: 0)),
                expected=UNAVAILABLE,
                limits={**HURRIED, "retries": 0},
            ),
            Row(
                name=f"an answer to PUT of a {what} that never ends",
                fault=puts(part, slow(piece=1, pause=0.1)),
                expected=UNAVAILABLE,
                limits={**HURRIED, "retries": 0},
            ),
        ]  # fmt: skip
    return found


@pytest.mark.parametrize("command", ["sync", "load"])
@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in rows()])
def test_the_weather_at_the_mirror_lets_nothing_half_carried_through(world: World, row: Row, command: str) -> None:
    fault = None if row.fault is None else row.fault(world)
    world.weather_at_the_mirror(fault, breaks=None if row.breaks is None else row.breaks(world))
    said = world.run(command, row.limits)
    code, reason = row.expected
    assert said.code == code, said.out + said.err
    assert reason in said.out + said.err
    assert said.seconds < row.limits["total-seconds"] + _BUSY
    assert world.told_others() == []
    assert world.leftovers() == []
    assert world.arrived() == ("" if code else world.published.digest)
    if code:
        world.weather(None)
        again = world.run(command, PATIENT)
        assert again.code == 0, again.out + again.err
    world.weather(None)
    assert world.run("verify the mirror", PATIENT).code == 0


# --- a publisher's push, which is not tried again by itself


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, id=row.name) for row in rows() if "PUT" in row.name or "upload" in row.name],
)
def test_a_push_that_met_bad_weather_is_simply_done_again(world: World, row: Row) -> None:
    package = world.folder / "weather.zip"
    package.write_bytes(world.release.package())
    world.commands["push"] = [
        *("push", str(package), f"{world.mirrored}:{world.release.tag}"),
        *("--registry-config", str(world.folder / "config.json")),
    ]
    fault = None if row.fault is None else row.fault(world)
    world.weather_at_the_mirror(fault, breaks=None if row.breaks is None else row.breaks(world))
    said = world.run("push", row.limits)
    assert (said.code, "RegistryUnavailable" in said.err) == (3, True), said.out + said.err
    assert said.seconds < row.limits["total-seconds"] + _BUSY
    assert world.told_others() == []
    assert world.leftovers() == []
    world.weather(None)
    again = world.run("push", PATIENT)
    assert again.code == 0, again.out + again.err
    assert again.out.strip() == world.arrived()
