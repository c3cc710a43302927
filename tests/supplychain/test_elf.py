"""Reading library headers: every platform word, and hostile headers."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supplychain.artifact import Platform
from supplychain.elf import ElfFacts, check_platform, read_elf, read_library
from supplychain.errors import PlatformMismatchError
from supplychain.spool import Spool
from tests.support.builders import build_elf, build_macho, build_pe, build_wasm

ARCHITECTURES = ("amd64", "arm64", "386", "arm", "riscv64", "ppc64le", "s390x", "loong64")


def changed(data: bytes, at: int, form: str, value: int) -> bytes:
    copy = bytearray(data)
    struct.pack_into(form, copy, at, value)
    return bytes(copy)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("libc", ["gnu", "musl", None])
def test_a_library_says_for_what_it_was_built(architecture: str, libc: str | None) -> None:
    assert read_elf(build_elf(architecture=architecture, libc=libc)) == ElfFacts(os="linux", architecture=architecture, libc=libc)


def test_a_library_is_read_from_a_spool() -> None:
    with Spool.of(build_elf()) as spool:
        assert str(read_elf(spool.view)) == "linux/amd64/gnu"


@pytest.mark.parametrize(
    ("needed", "libc"),
    [
        (("libm.so.6", "libc.so.6"), "gnu"), (("ld-linux-x86-64.so.2",), "gnu"), (("libc.so",), "musl"),
        (("ld-musl-aarch64.so.1",), "musl"), (("libc.musl-aarch64.so.1", "libc.so"), "musl"), (("libm.so.6",), None),
        (("libc.so.6", "libc.so"), None), (("x" * 300,), None), ((), None),
    ],
)  # fmt: skip
def test_the_c_library_is_told_by_what_is_needed(needed: tuple[str, ...], libc: str | None) -> None:
    assert read_elf(build_elf(needed=needed)).libc == libc


@pytest.mark.parametrize(
    ("osabi", "os"),
    [("linux", "linux"), ("gnu-linux", "linux"), ("freebsd", "freebsd"), ("netbsd", "netbsd"), ("openbsd", "openbsd")],
)
def test_the_system_is_told_by_the_abi(osabi: str, os: str) -> None:
    assert read_elf(build_elf(osabi=osabi)).os == os


def test_unknown_numbers_are_shown_as_they_are() -> None:
    assert str(read_elf(changed(build_elf(libc=None), 18, "<H", 999))) == "linux/unknown-999"
    assert str(read_elf(changed(build_elf(libc=None), 7, "B", 200))) == "unknown-200/amd64"
    assert str(read_library(build_pe(machine=7))[0]) == "windows/unknown-7"
    assert str(read_library(build_macho(cpus=(7,)))[0]) == "darwin/unknown-7"


def test_a_processor_in_the_wrong_byte_order_is_unknown() -> None:
    elf = changed(build_elf(architecture="s390x", libc=None), 5, "B", 1)
    with pytest.raises(PlatformMismatchError):
        read_elf(elf)


@pytest.mark.parametrize(
    ("data", "got"),
    [
        pytest.param(build_elf(kind=1), "an object file", id="object-file"),
        pytest.param(build_elf(kind=2), "a program", id="program"),
        pytest.param(build_elf(kind=4), "a core dump", id="core-dump"),
        pytest.param(build_elf(kind=77), "type 77", id="unknown-type"),
        pytest.param(build_elf(flags_1=0x08000001), "a program", id="position-independent-program"),
        pytest.param(b"", "an empty file", id="empty"),
        pytest.param(b"#!/bin/sh\n", "`23212f62`", id="script"),
        pytest.param(build_wasm(), "`0061736d`", id="wasm"),
        pytest.param(b"\x7fELF", "a broken one", id="only-the-magic"),
        pytest.param(build_elf()[:63], "a broken one", id="cut-off"),
        pytest.param(build_elf(architecture="386")[:51], "a broken one", id="cut-off-32-bit"),
        pytest.param(changed(build_elf(), 4, "B", 3), "a broken one", id="word-class"),
        pytest.param(changed(build_elf(), 5, "B", 0), "a broken one", id="byte-order"),
        pytest.param(changed(build_elf(), 6, "B", 2), "a broken one", id="version"),
        pytest.param(build_pe(characteristics=0x22), "a Windows program", id="exe"),
        pytest.param(b"MZ", "a broken one", id="dos"),
        pytest.param(b"MZ" + bytes(100), "a broken one", id="dos-program"),
        pytest.param(build_pe()[:-1], "a broken one", id="pe-cut-off"),
        pytest.param(build_macho(kind=2), "something else", id="mac-program"),
        pytest.param(build_macho()[:12], "something else", id="mach-o-cut-off"),
        pytest.param(build_macho(universal=True)[:6], "something else", id="universal-cut-off"),
        pytest.param(build_macho(universal=True)[:20], "something else", id="universal-table-cut-off"),
        pytest.param(build_macho(universal=True)[:-20], "something else", id="universal-slice-cut-off"),
        pytest.param(build_macho(universal=True, cpus=(7, 7))[:-20], "something else", id="second-slice-cut-off"),
        pytest.param(changed(build_macho(universal=True), 28, ">I", 0), "something else", id="slice-without-magic"),
        pytest.param(build_macho(universal=True, cpus=(7,) * 17), "something else", id="too-many-slices"),
        pytest.param(build_macho(universal=True, cpus=()), "something else", id="no-slice"),
        pytest.param(b"\xca\xfe\xba\xbe\x00\x00\x00\x34" + bytes(4000), "something else", id="java-class"),
    ],
)
def test_what_is_no_shared_library_is_refused(data: bytes, got: str) -> None:
    with pytest.raises(PlatformMismatchError, match="not a shared library") as caught:
        read_library(data)
    assert caught.value.got == got


@pytest.mark.parametrize(
    ("library", "platform"),
    [
        pytest.param(build_elf(), Platform(), id="exact"),
        pytest.param(build_elf(), Platform(libc="gnu"), id="with-libc"),
        pytest.param(build_elf(libc=None), Platform(libc="musl"), id="library-without-libc"),
        pytest.param(build_elf(libc="musl"), Platform(), id="any-libc"),
        pytest.param(build_elf(architecture="arm64"), Platform(architecture="arm64"), id="arm64"),
        pytest.param(build_pe(), Platform(os="windows"), id="windows"),
        pytest.param(build_pe(machine=0xAA64), Platform(os="windows", architecture="arm64"), id="windows-arm64"),
        pytest.param(build_macho(), Platform(os="darwin", architecture="arm64"), id="darwin"),
        pytest.param(build_macho(universal=True, cpus=(0x0100000C, 0x01000007)), Platform(os="darwin"), id="second-slice"),
    ],
)
def test_a_library_for_the_platform_passes(library: bytes, platform: Platform) -> None:
    facts = check_platform(library, platform=platform, where="`plugin.so`")
    assert (facts.os, facts.architecture) == (platform.os, platform.architecture)


@pytest.mark.parametrize(
    ("library", "platform", "got"),
    [
        pytest.param(build_elf(architecture="arm64"), Platform(), "`linux/arm64/gnu`", id="processor"),
        pytest.param(build_elf(), Platform(libc="musl"), "`linux/amd64/gnu`", id="libc"),
        pytest.param(build_elf(libc="musl"), Platform(libc="gnu"), "`linux/amd64/musl`", id="libc-other-way"),
        pytest.param(build_elf(osabi="freebsd"), Platform(), "`freebsd/amd64/gnu`", id="system"),
        pytest.param(build_pe(), Platform(), "`windows/amd64`", id="windows"),
        pytest.param(build_macho(), Platform(), "`darwin/arm64`", id="darwin"),
        pytest.param(
            build_macho(universal=True, cpus=(0x0100000C, 0x01000007)),
            Platform(),
            "`darwin/arm64`, `darwin/amd64`",
            id="universal",
        ),
        pytest.param(build_elf(), Platform(os="windows"), "`linux/amd64/gnu`", id="linux-on-windows"),
    ],
)
def test_a_library_for_another_platform_is_refused(library: bytes, platform: Platform, got: str) -> None:
    with pytest.raises(PlatformMismatchError) as caught:
        check_platform(library, platform=platform, where="`plugin.so`")
    assert (caught.value.expected, caught.value.got, caught.value.where) == (f"`{platform}`", got, "`plugin.so`")


def test_a_file_that_is_no_library_is_refused_with_its_place() -> None:
    with pytest.raises(PlatformMismatchError) as caught:
        check_platform(b"hello", platform=Platform(), where="`plugin.so`")
    assert caught.value.where == "`plugin.so`"


@pytest.mark.parametrize(
    ("at", "form", "value", "libc"),
    [
        pytest.param(32, "<Q", 2**64 - 1, None, id="segment-table-beyond-the-end"),
        pytest.param(32, "<Q", 0, None, id="segment-table-on-the-header"),
        pytest.param(54, "<H", 0, None, id="segments-of-no-size"),
        pytest.param(56, "<H", 0, None, id="no-segments"),
        pytest.param(56, "<H", 65535, "gnu", id="many-segments"),
        pytest.param(64 + 56 + 8, "<Q", 2**63, None, id="dynamic-beyond-the-end"),
        pytest.param(64 + 56 + 32, "<Q", 2**64 - 1, "gnu", id="dynamic-endless"),
        pytest.param(64 + 8, "<Q", 2**63, None, id="load-beyond-the-end"),
        pytest.param(64 + 32, "<Q", 0, None, id="nothing-loaded"),
        pytest.param(64, "<I", 4, None, id="no-load-segment"),
        pytest.param(64 + 16, "<Q", 0x2000, None, id="names-not-loaded"),
    ],
)
def test_hostile_tables_only_hide_the_c_library(at: int, form: str, value: int, libc: str | None) -> None:
    assert read_elf(changed(build_elf(), at, form, value)) == ElfFacts(os="linux", architecture="amd64", libc=libc)


def test_what_follows_the_end_of_the_dynamic_table_does_not_count() -> None:
    program_flag = struct.pack("<2Q", 0x6FFFFFFB, 0x08000000)
    elf = build_elf(payload=program_flag)
    (size,) = struct.unpack_from("<Q", elf, 64 + 56 + 32)
    assert read_elf(changed(elf, 64 + 56 + 32, "<Q", size + len(program_flag))).libc == "gnu"


def test_a_dynamic_table_without_end_is_left_after_4096_entries() -> None:
    names = tuple(f"lib{index}.so" for index in range(5000))
    assert read_elf(build_elf(needed=(*names, "libc.so.6"))).libc is None
    assert read_elf(build_elf(needed=("libc.so.6", *names))).libc is None  # the string table is named after the names
    assert read_elf(build_elf(needed=("libc.so.6", *names[:100]))).libc == "gnu"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_headers_never_crash(data: st.DataObject) -> None:
    library: Any = data.draw(
        st.sampled_from([build_elf(), build_elf(architecture="386"), build_pe(), build_macho(universal=True), build_macho()])
    )
    copy = bytearray(library)
    for _ in range(data.draw(st.integers(1, 4))):
        copy[data.draw(st.integers(0, len(copy) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_library(bytes(copy[: data.draw(st.integers(0, len(copy)))]))
    except PlatformMismatchError:
        return
    assert all(str(facts).isprintable() for facts in found)
