"""The small parts of the command line, each by itself."""

import argparse
import io
import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC
from typing import Any, cast

import pytest

from supplychain.cli import sources as sources_module
from supplychain.cli.console import Console
from supplychain.cli.exit_codes import code_of, verdict_of, worst
from supplychain.cli.flags import limits_of, platform_of, size
from supplychain.cli.main import build_parser
from supplychain.cli.parallel import map_in_order
from supplychain.cli.policies import read_file
from supplychain.cli.progress import Progress, wanted
from supplychain.cli.save import Shelf, save
from supplychain.cli.sources import LayoutTarget, PackageTarget, RegistryTarget, Sources, parse_target
from supplychain.errors import (
    InvalidCredentialsError,
    InvalidPolicyError,
    InvalidReferenceError,
    NotFoundError,
    OutputError,
    RejectedCandidate,
    RevokedError,
    UnreadableFileError,
)
from supplychain.files import write_atomically
from supplychain.limits import Limits
from supplychain.manifests import PullSecret
from supplychain.mirror.budget import Wait
from supplychain.package import unpack
from supplychain.reference import OciReference
from supplychain.report import Verdict
from supplychain.spool import Spool
from supplychain.verifier import VerifiedPlugin
from tests.support.builders import build_package
from tests.support.scenario import AT

# -- exit codes --------------------------------------------------------------------------------------------------------


def test_each_verdict_has_its_code():
    assert [code_of(verdict) for verdict in Verdict] == [0, 1, 2, 3]


def test_the_worst_verdict_decides():
    assert worst([Verdict.TRUSTED, Verdict.UNAVAILABLE, Verdict.INVALID, Verdict.REFUSED]) is Verdict.REFUSED
    assert worst([Verdict.TRUSTED, Verdict.UNAVAILABLE, Verdict.INVALID]) is Verdict.INVALID
    assert worst([Verdict.TRUSTED, Verdict.UNAVAILABLE]) is Verdict.UNAVAILABLE
    assert worst([Verdict.TRUSTED, Verdict.TRUSTED]) is Verdict.TRUSTED


def test_no_verdict_at_all_is_never_a_success():
    assert worst([]) is Verdict.INVALID


def test_each_family_of_errors_has_its_verdict():
    assert verdict_of(InvalidPolicyError("x")) is Verdict.INVALID
    assert verdict_of(NotFoundError("x")) is Verdict.UNAVAILABLE
    assert verdict_of(RevokedError("x")) is Verdict.REFUSED


# -- flags -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [("1000", 1000), ("256MiB", 256 << 20), ("64k", 65536), ("2K", 2048), ("1GiB", 1 << 30), ("5B", 5), (" 7 mib".strip(), None)],
)
def test_sizes_are_read(text, value):
    if value is None:
        with pytest.raises(argparse.ArgumentTypeError):
            size(text)
    else:
        assert size(text) == value


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5MiB", "1TiB", "9" * 20, "١"])
def test_other_texts_are_no_sizes(text):
    with pytest.raises(argparse.ArgumentTypeError):
        size(text)


def parsed(*argv):
    return build_parser().parse_args(["verify", *argv])


def test_limits_are_changed_one_by_one():
    found = limits_of(parsed("x", "--limit-package", "1MiB", "--limit-candidates", "3"))
    assert found == replace(Limits(), package=1 << 20, candidates=3)
    assert limits_of(parsed("x")) == Limits()


def test_a_limit_of_nothing_is_a_wrong_request():
    with pytest.raises(InvalidPolicyError, match="at least 1"):
        limits_of(parsed("x", "--limit-evidence", "0"))


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("--limit-connect-seconds 1.5 --limit-total-seconds 9", {"connect_seconds": 1.5, "total_seconds": 9}),
        ("--limit-first-byte-seconds 2 --limit-idle-seconds 3", {"first_byte_seconds": 2, "idle_seconds": 3}),
        ("--limit-retries 0", {"retries": 0}),
        ("--registry-requests-per-minute 30", {"requests_per_minute": 30}),
        ("--registry-bytes-per-minute 64MiB", {"bytes_per_minute": 64 << 20}),
    ],
)
def test_patience_is_changed_one_by_one(words, changes):
    assert limits_of(parsed("x", *words.split())) == replace(Limits(), **changes)


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--limit-connect-seconds", "0"),
        ("--limit-first-byte-seconds", "-1"),
        ("--limit-idle-seconds", "nan"),
        ("--limit-total-seconds", "inf"),
        ("--limit-retries", "-1"),
        ("--registry-requests-per-minute", "0"),
        ("--registry-bytes-per-minute", "1023KiB"),
    ],
)
def test_patience_that_cannot_hold_is_a_wrong_request(flag, value):
    with pytest.raises(InvalidPolicyError, match="at least") as caught:
        limits_of(parsed("x", flag, value))
    assert flag in str(caught.value)


def test_what_asks_no_registry_has_no_patience():
    with pytest.raises(SystemExit):
        build_parser().parse_args(["materialise", "--limit-retries", "1"])


def test_platforms_are_read():
    assert str(platform_of(parsed("x"))) == "linux/amd64/gnu"
    assert platform_of(parsed("x", "--platform", "darwin/arm64")).libc is None
    with pytest.raises(SystemExit):
        parsed("x", "--platform", "linux")
    with pytest.raises(SystemExit):
        parsed("x", "--platform", "linux/amd64/uclibc")


# -- console -----------------------------------------------------------------------------------------------------------


class Ascii(io.StringIO):
    encoding = "ascii"


class Broken(io.StringIO):
    def write(self, _):
        raise OSError(28, "No space left on device")


def test_the_report_goes_out_and_notes_go_beside_it():
    out, err = io.StringIO(), io.StringIO()
    console = Console(out=out, err=err)
    console.print("report\n")
    console.note("noted")
    console.error("wrong")
    assert (out.getvalue(), err.getvalue()) == ("report\n", "note: noted\nerror: wrong\n")


def test_quiet_keeps_errors():
    err = io.StringIO()
    console = Console(out=io.StringIO(), err=err, quiet=True)
    console.note("noted")
    console.error("wrong")
    assert err.getvalue() == "error: wrong\n"


def test_signs_that_a_stream_cannot_show_are_escaped():
    out = Ascii()
    Console(out=out, err=io.StringIO()).print("✓")
    assert out.getvalue() == "\\u2713"


def test_a_report_that_cannot_be_written_is_an_error():
    with pytest.raises(OutputError) as caught:
        Console(out=Broken(), err=io.StringIO()).print("x")
    assert caught.value.got == "No space left on device"
    closed = io.StringIO()
    closed.close()
    with pytest.raises(OutputError):
        Console(out=closed, err=io.StringIO()).print("x")


def test_a_standard_error_that_nobody_reads_changes_nothing():
    Console(out=io.StringIO(), err=Broken()).error("x")


def test_an_error_is_explained_with_its_candidates():
    err = io.StringIO()
    inner = RejectedCandidate(where="a", error=InvalidPolicyError("inner", got="`x`"))
    Console(out=io.StringIO(), err=err).refuse(InvalidPolicyError("outer", candidates=(inner,)))
    assert err.getvalue().startswith("error: InvalidPolicy: outer\n")
    assert "  InvalidPolicy: inner\n    got       `x`" in err.getvalue()


def test_time_is_utc_in_whole_seconds():
    now = Console(out=io.StringIO(), err=io.StringIO()).now()
    assert now.tzinfo is UTC
    assert now.microsecond == 0
    assert Console(out=io.StringIO(), err=io.StringIO(), clock=lambda: AT).now() == AT


# -- threads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 3, 50])
def test_results_keep_the_order_of_the_items(jobs):
    assert map_in_order(lambda item: item * 2, range(20), jobs=jobs) == [item * 2 for item in range(20)]


def test_no_items_give_no_results():
    assert map_in_order(lambda item: item, [], jobs=4) == []


def test_jobs_run_at_the_same_time():
    barrier = threading.Barrier(3, timeout=30)
    assert len(map_in_order(lambda _: barrier.wait(), range(3), jobs=3)) == 3


def test_the_first_error_is_raised_after_all_are_done():
    done = []

    def work(item):
        done.append(item)
        if item in (1, 2):
            raise ValueError(item)

    with pytest.raises(ValueError, match="1"):
        map_in_order(work, range(4), jobs=2)
    assert sorted(done) == [0, 1, 2, 3]


# -- progress ----------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "quiet", "environment", "expected"),
    [
        (Terminal(), False, {}, True),
        (Terminal(), True, {}, False),
        (Terminal(), False, {"CI": "true"}, False),
        (Terminal(), False, {"TERM": "dumb"}, False),
        (io.StringIO(), False, {}, False),
    ],
)
def test_progress_is_for_people_who_watch(stream, quiet, environment, expected, monkeypatch):
    for name in ("CI", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wanted(stream, quiet=quiet) is expected


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("supplychain.cli.progress.time.monotonic", lambda: now[0])
    return now


def test_nothing_is_shown_in_the_first_second(clock):
    progress = Progress(Terminal(), enabled=False)
    progress.start("ghcr.io/acme/audit:1")
    clock[0] += 0.9
    assert progress.line() is None
    clock[0] += 0.1
    assert progress.line() == "ghcr.io/acme/audit:1 … 1 s"
    progress.follow("ghcr.io/acme/audit:1")(3 << 20, 10 << 20)
    assert progress.line() == "ghcr.io/acme/audit:1 … 1 s, 3 of 10 MiB"
    progress.start("second")
    clock[0] += 4
    assert progress.line() == "ghcr.io/acme/audit:1 … 5 s, 3 of 10 MiB and 1 more"
    progress.finish("ghcr.io/acme/audit:1")
    progress.finish("second")
    progress.finish("never started")
    assert progress.line() is None


def test_waiting_for_a_budget_is_part_of_the_line(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("supplychain.cli.progress.time.monotonic", lambda: now[0])
    monkeypatch.setattr(
        "supplychain.mirror.budget.waits", lambda: (Wait(host="ghcr.io", seconds=41.6), Wait(host="b", seconds=1))
    )
    progress = Progress(Terminal(), enabled=False)
    progress.start("ghcr.io/acme/audit:1")
    assert progress.line() is None
    now[0] = 2.0
    assert progress.line() == "ghcr.io/acme/audit:1 … 2 s, waiting 42 s for the budget of ghcr.io"


class Watched(Terminal):
    def __init__(self):
        super().__init__()
        self.written = threading.Event()
        self.cleared = threading.Event()

    def write(self, text):
        (self.written if "task" in text else self.cleared).set()
        return super().write(text)


def test_the_line_is_drawn_and_wiped_away():
    stream = Watched()
    with Progress(stream, enabled=True, delay=0, step=0.001) as progress:
        progress.start("task\x1b")
        assert stream.written.wait(30)
        progress.finish("task\x1b")
        assert stream.cleared.wait(30)
        stream.written.clear()
        progress.start("task\x1b")
        assert stream.written.wait(30)
    assert stream.getvalue().endswith("\r\x1b[K")
    assert "task\\x1b" in stream.getvalue()


def test_progress_nobody_wants_starts_no_thread():
    with Progress(Terminal(), enabled=False) as progress:
        assert not progress._thread.is_alive()


def test_progress_with_nothing_slow_draws_nothing():
    stream = Terminal()
    with Progress(stream, enabled=True, delay=1000, step=0.001) as progress:
        progress.start("x")
        assert not progress._done.wait(0.01)
    assert stream.getvalue() == ""


def test_a_terminal_that_goes_away_ends_the_progress():
    class Gone(Broken):
        def isatty(self):
            return True

    with Progress(Gone(), enabled=True, delay=0, step=0.001) as progress:
        progress.start("x")
        assert progress._done.wait(30)


# -- targets -----------------------------------------------------------------------------------------------------------

HEX = "a" * 64


@pytest.mark.parametrize(
    ("text", "path", "tag", "digest"),
    [
        ("oci-layout:dir", "dir", None, None),
        ("oci-layout:./a/b:1.2.3", "a/b", "1.2.3", None),
        (f"oci-layout:/x@sha256:{HEX}", "/x", None, f"sha256:{HEX}"),
        ("oci-layout:/x:y/z", "/x:y/z", None, None),
        ("oci-layout:a:b:c", "a:b", "c", None),
        ("oci-layout:a@b", "a@b", None, None),
    ],
)
def test_layout_targets_are_read(text, path, tag, digest):
    found = parse_target(text)
    assert isinstance(found, LayoutTarget)
    assert (str(found.path), found.tag, found.digest) == (path, tag, digest)


def test_package_and_registry_targets_are_read():
    assert isinstance(parse_target("a/b.zip"), PackageTarget)
    assert parse_target("ghcr.io/a/b:1") == RegistryTarget(reference=OciReference.parse("ghcr.io/a/b:1"))


def test_what_is_no_target_gets_a_hint(tmp_path):
    (tmp_path / "layout").mkdir()
    (tmp_path / "layout" / "oci-layout").write_text("{}")
    (tmp_path / "plugin.so").write_text("")
    for path, hint in ((tmp_path / "layout", "oci-layout:"), (tmp_path, "directory"), (tmp_path / "plugin.so", "pack")):
        with pytest.raises(InvalidReferenceError) as caught:
            parse_target(str(path))
        assert hint in caught.value.hint


@pytest.mark.parametrize("text", ["", "oci-layout:", "https://ghcr.io/a:1", "ghcr.io/a", "a\0b", "x" * 5000, "latest"])
def test_what_is_no_target_is_refused(text):
    with pytest.raises(InvalidReferenceError) as caught:
        parse_target(text)
    assert caught.value.hint


def sources(*flags):
    return Sources(parsed("x", *flags), limits=Limits())


REFERENCE = OciReference.parse("registry.example:5000/acme/audit:1")


def test_targets_of_the_same_credentials_share_a_client(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    with sources("--insecure-registry", "other.example") as found:
        found.open(RegistryTarget(reference=REFERENCE))
        found.open(RegistryTarget(reference=replace(REFERENCE, tag="2")))
        assert len(found._clients) == 1
        found.open(RegistryTarget(reference=REFERENCE, anonymous=True))
        found.open(RegistryTarget(reference=REFERENCE, insecure=True))
        found.open(RegistryTarget(reference=REFERENCE, pull_secret=PullSecret(data=b'{"auths": {}}', where="here")))
        assert len(found._clients) == 4
        assert found.warnings() == ()


def test_a_registry_that_asked_in_vain_for_credentials_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    with sources() as found:
        found.open(RegistryTarget(reference=REFERENCE, anonymous=True))
        [client] = found._clients.values()
        monkeypatch.setattr(type(client), "anonymous", frozenset({"registry.example:5000"}))
        assert found.warnings() == ("no credentials for `registry.example:5000`, which asked for some; it was asked anonymously",)


@pytest.mark.parametrize("flags", [("--registry-config", "/nonexistent/config.json")])
def test_an_unusable_docker_config_never_becomes_anonymous(flags):
    with sources(*flags) as found, pytest.raises(InvalidCredentialsError):
        found.open(RegistryTarget(reference=REFERENCE))


def test_a_broken_pull_secret_never_becomes_anonymous():
    with sources() as found, pytest.raises(InvalidCredentialsError):
        found.open(RegistryTarget(reference=REFERENCE, pull_secret=PullSecret(data=b"{", where="here")))


def test_hosts_to_avoid_reach_the_client(monkeypatch):
    from supplychain.mirror import registry

    seen = {}
    monkeypatch.setattr(registry, "RegistrySource", lambda reference, **options: seen.update(options))
    with sources() as found:
        found.open(RegistryTarget(reference=REFERENCE, avoid=frozenset({"ghcr.io"}), anonymous=True))
    assert seen["avoid"] == {"ghcr.io"}
    assert sources_module.__all__


# -- files -------------------------------------------------------------------------------------------------------------


def test_standard_input_is_read_within_its_bound(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"abc")))
    assert read_file("-", limit=3) == b"abc"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"abcd")))
    with pytest.raises(UnreadableFileError, match="too large"):
        read_file("-", limit=3)


def test_a_closed_standard_input_is_an_error(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO())
    stream.buffer.close()
    monkeypatch.setattr(sys, "stdin", stream)
    with pytest.raises(UnreadableFileError):
        read_file("-", limit=3)


# -- saving ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def plugin():
    with Spool.of(build_package()) as spool:
        package = unpack(spool, limits=Limits())
        with package.artifact:
            yield VerifiedPlugin(package=package, report=cast("Any", None))


def names(directory):
    return sorted(path.name for path in directory.iterdir())


SAVED = ["plugin.so", "plugin.so.plugin.yaml", "plugin.so.sig"]


def test_a_new_directory_appears_whole(plugin, tmp_path):
    assert sorted(path.name for path in save(plugin, tmp_path / "a" / "out")) == SAVED
    assert names(tmp_path / "a") == ["out"]
    assert names(tmp_path / "a" / "out") == SAVED


def test_an_empty_directory_is_filled_and_a_full_one_is_renewed(plugin, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    save(plugin, out)
    (out / "plugin.so").write_bytes(b"old")
    (out / "other").write_bytes(b"")
    save(plugin, out)
    assert names(out) == ["other", *SAVED]
    assert (out / "plugin.so").read_bytes() == bytes(plugin.package.artifact.view)
    assert names(tmp_path) == ["out"]


def test_a_file_in_the_way_is_an_error(plugin, tmp_path):
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(OutputError):
        save(plugin, tmp_path / "out")
    with pytest.raises(OutputError):
        save(plugin, tmp_path / "out" / "deeper")
    assert names(tmp_path) == ["out"]


def test_a_failed_attempt_leaves_nothing_behind(plugin, tmp_path, monkeypatch):
    honest = write_atomically

    def failing(path, data):
        if path.name == "plugin.so":
            raise OutputError("disk full")
        honest(path, data)

    monkeypatch.setattr("supplychain.cli.save.write_atomically", failing)
    with pytest.raises(OutputError):
        save(plugin, tmp_path / "out")
    assert names(tmp_path) == []


def test_two_plugins_of_one_id_do_not_overwrite_each_other(plugin, tmp_path):
    shelf = Shelf(tmp_path / "out", several=True)
    shelf.save(plugin)
    with pytest.raises(OutputError, match="only the first"):
        shelf.save(plugin)
    assert names(tmp_path / "out") == ["dev.mcpg.example.echo"]


# -- completion --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script(run, shell):
    found = run("completion", shell)
    assert found.code == 0
    assert "report-schema" in found.out
    assert "certificate-identity-regexp" in found.out


def test_another_shell_is_a_wrong_request(run):
    assert run("completion", "cmd").code == 2


@pytest.mark.skipif(not os.path.exists("/bin/bash"), reason="needs bash")  # noqa: PTH110
def test_bash_completes_commands_and_flags(run, tmp_path):
    script = tmp_path / "completion.bash"
    script.write_text(run("completion", "bash").out)

    def complete(*words):
        quoted = " ".join(f'"{word}"' for word in words)
        code = f'. {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _supplychain; echo "${{COMPREPLY[*]}}"'
        return subprocess.run(["/bin/bash", "-c", code], capture_output=True, check=True, text=True).stdout.split()

    assert complete("supplychain", "ver") == ["verify"]
    assert complete("supplychain", "check", "pro") == ["provenance"]
    assert complete("supplychain", "check", "cosign", "--certificate-o") == ["--certificate-oidc-issuer"]
    assert complete("supplychain", "completion", "z") == ["zsh"]
    assert complete("supplychain", "trust") == ["trust-root"]
    assert complete("supplychain", "trust-root", "up") == ["update"]
    assert complete("supplychain", "trust-root", "show", "--max") == ["--max-trust-root-age"]
