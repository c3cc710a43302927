import gc
import io
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path
from unittest.mock import Mock

import pytest

from supplychain import __main__
from supplychain.cli import hash as hash_command
from supplychain.cli import main as main_module
from supplychain.cli.main import build_parser, main
from tests.support.loopback_server import serving

ROOT = Path(__file__).parents[3]


def spawn(*argv, **options):
    """Run the command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "supplychain", *argv], env=environment, capture_output=True, check=False, timeout=60, **options
    )


def test_help_and_version_answer(run):
    found = run("--help")
    assert found.code == 0
    assert "exit codes:" in found.out
    assert run("--version").out.startswith("supplychain ")


@pytest.mark.parametrize("command", ["verify", "check", "inspect", "pack", "sign", "push", "hash", "report-schema", "completion"])
def test_every_command_explains_itself(run, command):
    found = run(command, "--help")
    assert found.code == 0
    assert found.out.startswith(f"usage: supplychain {command}")


@pytest.mark.parametrize("argv", [(), ("what",), ("verify", "--what"), ("verify", "--out", "json", "x"), ("check",)])
def test_a_wrong_command_line_is_a_wrong_request(run, argv):
    found = run(*argv)
    assert found.code == 2
    assert found.out == ""
    assert "usage: supplychain" in found.err


def test_help_imports_nothing_heavy():
    code = "import sys, supplychain.cli.main as m; m.main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    found = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True, text=True
    )
    heavy = {"pydantic", "httpx", "yaml", "cryptography", "sigstore", "oras", "re2", "json", "hashlib", "importlib.metadata"}
    assert [name for name in heavy if f"'{name}'" in found.stderr] == []


def test_a_package_without_keyless_layers_costs_no_network_and_no_models(workshop):
    code = "import sys, supplychain.cli.main as m; c = m.main(sys.argv[1:]); print(sorted(sys.modules), file=sys.stderr); sys.exit(c)"
    found = subprocess.run(
        [sys.executable, "-c", code, "verify", workshop.layout, "--key", str(workshop.key)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )
    heavy = {"pydantic", "httpx", "sigstore", "oras", "re2", "requests", "cryptography.x509"}
    assert [name for name in heavy if f"'{name}'" in found.stderr] == []


def test_the_module_runs_as_a_program(workshop):
    found = spawn("hash", str(workshop.folder / "plugin.so"))
    assert found.returncode == 0
    assert found.stdout.startswith(b"sha256:")


def test_a_refusal_is_told_by_the_process(workshop):
    found = spawn("verify", str(workshop.package), "--key", str(workshop.key), "--plugin-id", "dev.other")
    assert found.returncode == 1
    assert found.stdout.startswith(b"REFUSED")
    assert found.stderr == b""


def test_a_terminal_that_knows_only_ascii_is_served(workshop):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    found = subprocess.run(
        [sys.executable, "-m", "supplychain", "verify", str(workshop.package), "--key", str(workshop.key)],
        env=environment,
        capture_output=True,
        check=True,
    )
    assert found.stdout.isascii()
    assert b"  ok pull" in found.stdout


def test_a_reader_that_goes_away_is_no_traceback(workshop):
    command = [sys.executable, "-m", "supplychain", "report-schema"]
    read, write = os.pipe()
    os.close(read)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with os.fdopen(write, "wb") as pipe:
        found = subprocess.run(command, env=environment, stdout=pipe, stderr=subprocess.PIPE, check=False, timeout=60)
    assert found.returncode == 141
    assert found.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_report_that_cannot_be_written_is_no_success():
    with Path("/dev/full").open("wb") as full:
        found = subprocess.run(
            [sys.executable, "-m", "supplychain", "report-schema"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert found.returncode == 2
    assert b"OutputFailed" in found.stderr
    assert b"Traceback" not in found.stderr


def closed(number, *argv):
    """Run the command with one standard stream closed, as a service manager may."""
    command = ["sh", "-c", f'exec "$@" {number}>&-', "sh", sys.executable, "-m", "supplychain", *map(str, argv)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize("argv", [("report-schema",), ("--version",), ("--help",)])
def test_a_closed_standard_output_is_no_success_and_no_traceback(argv):
    found = closed(1, *argv)
    assert found.returncode == 2
    assert b"Traceback" not in found.stderr
    assert b"internal error" not in found.stderr


def test_a_closed_standard_error_hides_messages_and_changes_no_verdict(workshop):
    found = closed(2, "verify", "nohost", "--key", workshop.key)
    assert found.returncode == 2
    assert found.stdout.startswith(b"INVALID")
    assert closed(2, "hash", "/nowhere/at/all").returncode == 2
    assert closed(2, "hash", workshop.key).returncode == 0


def test_a_closed_standard_input_is_an_unreadable_file(workshop):
    found = closed(0, "verify", "-f", "-")
    assert found.returncode == 2
    assert b"UnreadableFile: cannot read standard input" in found.stdout
    assert closed(0, "verify", workshop.package, "--key", workshop.key).returncode == 0


@pytest.mark.parametrize("argv", [("--help",), ("verify", "--help"), ("verify", "--jobs", "\u2026")])
def test_help_and_usage_are_shown_on_a_terminal_that_knows_only_ascii(argv):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "supplychain", *argv]
    found = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
    assert found.returncode == (0 if "--help" in argv else 2)
    assert b"Traceback" not in found.stderr
    assert b"\\u2026" in found.stdout + found.stderr


@pytest.fixture(autouse=True)
def _keep_sigterm():
    """What the console script does with SIGTERM is not for this process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_the_console_script_ends_with_the_exit_code(monkeypatch):
    monkeypatch.setattr(__main__, "main", lambda: 3)
    monkeypatch.setattr(__main__, "gc", Mock(spec=gc))  # this process is no short one
    with pytest.raises(SystemExit) as caught:
        __main__.console()
    assert caught.value.code == 3


def test_whoever_is_terminated_tidies_up_and_ends_with_143(monkeypatch):
    tidied = []

    def work():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            tidied.append("half-written file")

    monkeypatch.setattr(__main__, "main", work)
    monkeypatch.setattr(__main__, "gc", Mock(spec=gc))
    with pytest.raises(SystemExit) as caught:
        __main__.console()
    assert (caught.value.code, tidied) == (143, ["half-written file"])


def test_a_process_that_waits_for_a_registry_is_terminated_at_once():
    asked = threading.Event()
    go_on = threading.Event()

    def hang(_):
        asked.set()
        go_on.wait(60)

    with serving(hang) as registry:
        words = [sys.executable, "-m", "supplychain", "inspect", f"{registry.host}/acme/audit:1"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                assert asked.wait(60)
                process.terminate()
                out, err = process.communicate(timeout=30)
            finally:
                go_on.set()
                process.kill()
    assert (process.returncode, out, err) == (143, b"", b"")


def test_a_command_pays_for_no_other_command():
    code = "import sys, supplychain.cli.main as m; m.main(['hash', '--help']); print(*sys.modules, file=sys.stderr)"
    found = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True, text=True
    )
    loaded = set(found.stderr.split())
    assert "supplychain.cli.hash" in loaded
    assert {"supplychain.cli.verify", "supplychain.cli.check", "supplychain.cli.completion"} & loaded == set()


def test_streams_that_were_closed_are_opened(monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    __main__._mend_streams()
    opened = [sys.stdin, sys.stdout, sys.stderr]
    try:
        with pytest.raises(OSError, match="Bad file descriptor"):
            sys.stdin.read()
        sys.stdout.write("lost")
        assert __main__._flushed(0) == 2
        assert __main__._flushed(1) == 1
        sys.stderr.write("dropped")
        sys.stderr.flush()
    finally:
        for stream in opened:
            stream.close()


def test_a_stream_that_cannot_be_adjusted_is_left_alone(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    __main__._mend_streams()
    assert sys.stdout is stream
    assert __main__._flushed(0) == 0


def failing(error):
    def run(args, console):
        raise error

    return run


def test_an_interrupt_is_130(run, monkeypatch):
    monkeypatch.setattr(hash_command, "run", failing(KeyboardInterrupt()))
    found = run("hash", "x")
    assert found.code == 130
    assert found.err == "error: interrupted\n"


def test_a_broken_pipe_in_process_is_141(run, monkeypatch):
    monkeypatch.setattr(hash_command, "run", failing(BrokenPipeError()))
    assert run("hash", "x").code == 141


def test_a_defect_is_one_line_and_never_a_success(run, monkeypatch):
    monkeypatch.setattr(hash_command, "run", failing(ZeroDivisionError("boom")))
    found = run("hash", "x")
    assert found.code == 3
    assert found.out == ""
    assert found.err == "error: internal error, nothing was evaluated: ZeroDivisionError: boom; `--verbose` shows where\n"


def test_a_defect_shows_where_it_is_when_asked(monkeypatch, capsys):
    monkeypatch.setattr(hash_command, "run", failing(ZeroDivisionError("boom")))
    assert main(["hash", "x", "--verbose"]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_standard_output_that_is_no_file_can_break_too(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    main_module._forget_stdout()


def test_an_uninstalled_source_tree_has_a_version(run, monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert run("--version").out == "supplychain 0+source\n"


def test_flags_cannot_be_abbreviated():
    parser = build_parser()
    with pytest.raises(SystemExit):
        parser.parse_args(["verify", "--insecure", "x"])


def test_the_package_runs_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["supplychain", "report-schema"])
    monkeypatch.delitem(sys.modules, "supplychain.__main__")
    monkeypatch.setattr(gc, "set_threshold", lambda _: None)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("supplychain", run_name="__main__", alter_sys=True)
    assert caught.value.code == 0
    assert json.loads(capsys.readouterr().out)["$schema"].endswith("2020-12/schema")


def test_a_reader_that_goes_away_while_printing_is_141(run, monkeypatch):
    class Gone(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    assert main(["report-schema"]) == 141


def test_targets_may_stand_on_both_sides_of_a_flag(run):
    found = run("verify", "a.zip", "--plugin-id", "dev.acme.audit", "b.zip")
    assert found.code == 2
    assert "a.zip" in found.out
    assert "b.zip" in found.out


def test_a_word_that_no_command_takes_is_a_wrong_request(run):
    assert run("verify", "a.zip", "--no-such-flag").code == 2
    assert run("hash", "a", "b").code == 2


@pytest.mark.parametrize("words", [("sign", "plugin.so", "--key", "k"), ("pack", "-d", "d", "-a", "a", "-v", "1.0.0")])
def test_a_blank_output_is_not_the_default_one(run, words):
    found = run(*words, "-o", "")
    assert found.code == 2
    assert "`--output` is blank" in found.err
