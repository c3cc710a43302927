"""`make mutate`: mutate the modules that decide and fail on a survivor that nobody explained."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.support.mutate.modules import DESELECTED, MODULES, ROOT, Batch, batches
from tests.support.mutate.reviewed import Reviewed, Survivor, read

_TESTER = Path(__file__).with_name("tester.py")
_LIST = ROOT / "tests/mutation_survivors.toml"
_WORK = ROOT / ".cache/mutate"
_COPIED = ("tests", "testdata", "supplychain", "operator", "pyproject.toml")
_CACHES = re.compile(r"^@(lru_cache\(.*\)|cache)$", re.MULTILINE)
_SURVIVED = {"survived", "no tests"}
_PENDING = {"not checked", "check was interrupted by user"}


def main() -> int:
    """Run what the arguments choose; 1 when a survivor is unexplained or an entry of the list is stale."""
    arguments = _arguments()
    chosen = tuple(one for one in MODULES if not arguments.modules or any(Path(one).match(glob) for glob in arguments.modules))
    if arguments.changed:
        base = _base(arguments.base)
        changed = _git("diff", "--name-only", base, "--", "supplychain", "operator").splitlines() if base else []
        chosen = tuple(one for one in chosen if one in changed)
        say(f"changed since {base[:12] if base else 'nothing that is known here'}: {len(chosen)} deciding modules")
    deadline = time.monotonic() + arguments.minutes * 60 if arguments.minutes else None
    reviewed = read(_LIST)
    wrong = False
    for batch in batches(chosen):
        if deadline is not None and time.monotonic() > deadline:
            say("\n".join(f"{module}: not tried for want of time" for module in batch.modules))
        else:
            results, complete = _results(batch, arguments.jobs, deadline)
            wrong |= _judge(batch, reviewed, results, complete=complete)
    return int(wrong)


def say(text: str) -> None:
    """Write a line at once: a run takes minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutate", description=__doc__)
    parser.add_argument("modules", nargs="*", help="globs such as `slsa/*` or `wire.py`; without any, all")
    parser.add_argument("--changed", action="store_true", help="only modules that differ from the base")
    parser.add_argument("--base", default="", help="a commit; else where `origin/main` was left, or the last commit's parent")
    parser.add_argument("--minutes", type=float, default=0, help="stop after so long and judge what was tried")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="mutants tried at the same time")
    return parser.parse_args()


def _base(given: str) -> str:
    """The commit to compare with: given, else the merge base with `origin/main`, else the parent (on main itself); empty if neither."""
    if given:
        return given
    head = _git("rev-parse", "HEAD")
    fork = _git("merge-base", "HEAD", "origin/main")
    return fork if fork and fork != head else _git("rev-parse", "--verify", "--quiet", "HEAD~1")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _results(batch: Batch, jobs: int, deadline: float | None) -> tuple[list[list[str]], bool]:
    """Run mutmut over a batch in a folder of its own; per mutant `[module, name, status, diff]`, and whether that is all of them."""
    folder = _prepare(batch)
    log = folder / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, _TESTER, "run", "--max-children", str(jobs)],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=None if deadline is None else max(1.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _stop(process)
    if code:
        raise SystemExit(f"mutmut failed on {batch.name}, see {log}:\n{log.read_text()[-2000:]}")
    done = subprocess.run([sys.executable, _TESTER, "results"], cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    within = batch.source.parent
    return [[str(within / path), *rest] for path, *rest in json.loads(done.stdout)], code is not None


def _prepare(batch: Batch) -> Path:
    folder = _WORK / batch.name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "mutants").mkdir(parents=True)
    # A mutant is known by the name that its module is imported by, so the package has to lie where that name says.
    package = batch.source.name
    shutil.copytree(ROOT / batch.source, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in folder.glob(f"{package}/**/*.py"):
        # A cached answer would outlive the fork and hide what a mutant does; mutmut leaves decorated functions alone besides.
        path.write_text(_CACHES.sub("", path.read_text()))
    copied = [name for name in _COPIED if name != package]
    for name in copied:
        (folder / name).symlink_to(ROOT / name)
    configuration = {
        "source_paths": [package],
        "only_mutate": [str(Path(one).relative_to(batch.source.parent)) for one in batch.modules],
        "pytest_add_cli_args_test_selection": batch.tests,
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:cov", *(f"--deselect={one}" for one in DESELECTED)],
        "also_copy": copied,
        "timeout_multiplier": ["5"],
        "timeout_constant": ["2"],
    }
    # A value over several lines is a list, on one line it may be a number.
    settings = (
        f"{key} = {values[0]}" if len(values) == 1 else "\n    ".join((f"{key} =", *values))
        for key, values in configuration.items()
    )
    (folder / "setup.cfg").write_text("\n".join(("[mutmut]", *settings)) + "\n")
    return folder


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the tester and its workers, softly first: it may be writing down a result."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _judge(batch: Batch, reviewed: tuple[Reviewed, ...], results: list[list[str]], *, complete: bool) -> bool:
    """Print the score of every module and what survived; whether something is wrong."""
    wrong = False
    for module in batch.modules:
        states = [(status, diff) for path, _, status, diff in results if path == module]
        tried = [one for one in states if one[0] not in _PENDING]
        survivors = [Survivor.parse(module, diff) for status, diff in tried if status in _SURVIVED]
        entries = [one for one in reviewed if one.module == module]
        unexplained = [one for one in survivors if not any(entry.explains(one) for entry in entries)]
        stale = [one for one in entries if not any(one.explains(survivor) for survivor in survivors)]
        killed = len(tried) - len(survivors)
        say(
            f"{module}: {killed} of {len(tried)} killed, {len(survivors) - len(unexplained)} explained, {len(unexplained)} survived"
            + ("" if complete else ", the others not tried for want of time")
        )
        for one in unexplained:
            say(f"{one.diff}\n")
        for entry in stale if complete else ():
            say(f"stale entry, no such survivor: {entry.was!r} -> {entry.now!r}")
        wrong |= bool(unexplained) or (complete and bool(stale))
    return wrong


if __name__ == "__main__":
    sys.exit(main())
