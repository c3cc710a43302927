"""`make fuzz`: run targets over changed inputs, or one saved input again.

python -m tests.fuzz [--target NAME ...] [--runs N] [--seed N] [--first N] [--findings FOLDER]
python -m tests.fuzz --target NAME --input FILE
"""

from __future__ import annotations

import argparse
import resource
import sys
from pathlib import Path

from tests.fuzz.runner import Finding, judged, run
from tests.fuzz.targets import TARGETS

_MEMORY = 4 << 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description="Fuzz everything that reads foreign bytes.")
    parser.add_argument("--target", action="append", choices=sorted(TARGETS), help="which reader; all of them by default")
    parser.add_argument("--runs", type=int, default=10_000, help="changed inputs of each target")
    parser.add_argument("--seed", type=int, default=1, help="equal seeds give equal inputs")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--findings", type=Path, default=Path(".fuzz"), help="where inputs that broke a rule are put")
    parser.add_argument("--input", type=Path, help="judge this file alone, as a finding is repeated")
    args = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    names = args.target or list(TARGETS)
    if args.input is not None:
        return _again(names, args.input)
    broken = 0
    for name in names:
        session = run(TARGETS[name], seed=args.seed, runs=args.runs, first=args.first, note=lambda text: _say(f"  {text}"))
        _say(session.summary())
        for finding in session.findings.values():
            path = finding.save(args.findings)
            _say(f"  FINDING {finding.kind}\n  again: make fuzz TARGET={name} INPUT={path}")
            broken += 1
    return 1 if broken else 0


def _again(names: list[str], path: Path) -> int:
    broken = 0
    for name in names:
        answer, spent = judged(TARGETS[name], path.read_bytes())
        if isinstance(answer, Finding):
            broken += 1
            _say(f"{name}: FINDING {answer.kind}\n{answer.report}")
        else:
            _say(f"{name}: {f'refused: {answer}' if answer else 'accepted'} in {1000 * spent:.1f} ms")
    return 1 if broken else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
