"""Concrete subjects for an identity pattern, made from its syntax tree: what matches, what almost does, what an attacker uses.

Nothing made here is believed: the caller hands in what decides whether a subject matches, and only what was tried is returned.
Matching examples are in the shape of a GitHub workflow's identity wherever the pattern leaves that open, because most are.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from supplychain.re2_characters import Characters
from supplychain.re2_syntax import Alternation, Anchor, Node, Repetition, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["MAX_EXAMPLES", "NearMiss", "almost_matching", "attacking", "expanded", "flat", "matching"]

MAX_EXAMPLES: Final = 3
_MAX_LENGTH: Final = 200
_MAX_EXPANDED: Final = 64
_MAX_COPIES: Final = 16

_ATTACKER: Final = "attacker.example"
_WILD: Final = (_ATTACKER, f"https://{_ATTACKER}/x", "x", "")
_HOST: Final = re.compile(r"^(?:[^/@]+@|[^/]+://)([^/@]+)")
_WORKFLOW: Final = re.compile(r"(https://[^/@]+)/([^/@]+)/([^/@]+)/([^@]+)@(.+)")
_AUTHORITY: Final = re.compile(r"[^/]+://[^/]*")

_OWNERS: Final = ("acme", "other-owner", "third-owner")
_REPOSITORIES: Final = ("plugins", "tools", "anything")
_WORKFLOWS: Final = (".github/workflows/release.yml", ".github/workflows/ci.yml", ".github/workflows/any.yaml")
_REFS: Final = ("refs/tags/v1.2.3", "refs/heads/main", "refs/pull/7/merge")
_ENDINGS: Final = {
    "refs/tags/v": ("1.2.3", "2.0.0-rc.1", "10.0.0"),
    "refs/tags/": ("v1.2.3", "v2.0.0-rc.1", "nightly"),
    "refs/heads/": ("main", "release-1.2", "any-branch"),
    "refs/": ("tags/v1.2.3", "heads/main", "pull/7/merge"),
    "@": _REFS,
}
_ANYWHERE: Final = (("release", "1", "x"), ("2", "ci", "y"), ("10", "any", "z"))
_SINGLE: Final = ("1axA-/", "2byB_/", "3czC./")


class NearMiss(NamedTuple):
    """A subject that does not match, and the one thing in which it differs from one that does."""

    subject: str
    differs: str


def flat(node: Node) -> tuple[Node, ...]:
    """Take groups apart that change nothing, and write small exact repetitions out."""
    match node:
        case Sequence(items=items):
            return tuple(part for item in items for part in flat(item))
        case Repetition(item=item, low=low, high=high) if low == high and low <= _MAX_COPIES:
            return flat(item) * low
        case _:
            return (node,)


def expanded(items: tuple[Node, ...]) -> list[tuple[Node, ...]]:
    """Write every choice between alternatives out, in order; more than 64 results are left as they stand."""
    found: list[tuple[Node, ...]] = [()]
    for item in items:
        options = (
            [one for option in item.options for one in expanded(flat(option))] if isinstance(item, Alternation) else [(item,)]
        )
        if len(found) * len(options) > _MAX_EXPANDED:
            return [items]
        found = [before + option for before in found for option in options]
    return found


def matching(options: Iterable[tuple[Node, ...]], *, accepts: Callable[[str], bool]) -> tuple[str, ...]:
    """Up to three subjects that match."""
    written = (_write(items, variant=variant) for variant in range(MAX_EXAMPLES) for items in options)
    good = (subject for subject in written if len(subject) <= _MAX_LENGTH and subject.isprintable() and accepts(subject))
    return tuple(dict.fromkeys(good))[:MAX_EXAMPLES]


def almost_matching(subjects: Iterable[str], *, accepts: Callable[[str], bool]) -> tuple[NearMiss, ...]:
    """Up to three subjects that do not match, each one change away from one that does; the finest change first."""
    misses = (miss for subject in subjects for miss in _changed(subject) if not accepts(miss.subject))
    return tuple({miss.differs: miss for miss in reversed([*misses])}.values())[::-1][:MAX_EXAMPLES]


def attacking(
    options: Iterable[tuple[Node, ...]], *, text: str, matches: Callable[[str], bool], around: bool = False
) -> str | None:
    """Build a subject that matches on a host which the pattern's text does not show; None where that is not easy.

    `around` puts the attacker's text before or behind the match, for patterns without anchors.
    """
    shown = text.replace("\\", "").lower()
    frames = ((f"https://{_ATTACKER}/", ""), ("", f".{_ATTACKER}/x"), ("", f"@{_ATTACKER}")) if around else (("", ""),)
    for items, wild, (head, tail) in product(options, _WILD, frames):
        subject = head + "".join(_sample(item, wild=wild) for item in items) + tail
        host = _HOST.search(subject)
        if host is None or host[1].lower() in shown or len(subject) > _MAX_LENGTH or not subject.isprintable():
            continue
        if matches(subject):
            return subject
    return None


def _sample(node: Node, *, wild: str) -> str:
    match node:
        case Anchor():
            return ""
        case Characters():
            return next((character for character in "x0/-" if character in node), chr(node.ranges[0][0]))
        case Sequence(items=items):
            return "".join(_sample(item, wild=wild) for item in items)
        case Alternation(options=options):
            return _sample(options[0], wild=wild)
        case _:
            if _fits(wild, node):
                return wild
            return _sample(node.item, wild=wild) * min(node.low, _MAX_LENGTH)


def _write(items: tuple[Node, ...], *, variant: int) -> str:
    written, done = "", 0
    literals = [(item.literal or "") if isinstance(item, Characters) else "" for item in items]
    text = "".join(literals)
    for item, literal in zip(items, literals, strict=True):
        if len(written) > _MAX_LENGTH:  # no example is that long, and a short pattern can ask for a hundred thousand characters
            break
        done += len(literal)
        written += _written(item, before=written, rest=text[done : done + _MAX_LENGTH], variant=variant)
    return written


def _written(node: Node, *, before: str, rest: str, variant: int) -> str:
    match node:
        case Anchor():
            return ""
        case Characters():
            return next((character for character in _SINGLE[variant] if character in node), chr(node.ranges[0][0]))
        case Sequence():
            return _write(flat(node), variant=variant)
        case Alternation(options=options):
            return _written(options[variant % len(options)], before=before, rest=rest, variant=variant)
        case _:
            for filling in _fillings(before, rest=rest, variant=variant):
                if _fits(filling, node):
                    return filling
            copies = node.low if node.high == node.low or variant == 0 else max(node.low, 1)
            return _written(node.item, before=before, rest=rest, variant=variant) * min(copies, _MAX_LENGTH)


def _fits(text: str, node: Repetition) -> bool:
    """Whether a repetition of one set of characters can stand for the whole text."""
    if not isinstance(node.item, Characters) or not all(character in node.item for character in text):
        return False
    return node.low <= len(text) <= (len(text) if node.high is None else node.high)


def _fillings(before: str, *, rest: str, variant: int) -> Iterator[str]:
    """What could stand between `before` and `rest` in a workflow's identity, the longest first."""
    ended = next((texts for end, texts in _ENDINGS.items() if before.endswith(end) and (end != "@" or "://" in before)), None)
    authority = _AUTHORITY.match(before)
    if ended is not None:
        yield ended[variant]
    elif authority is not None and "@" not in before:
        yield from _of_path(before[authority.end() + 1 :], rest=rest, variant=variant)
    elif rest.startswith("@") and not before:
        yield ("release-bot", "joe", "a.b")[variant]
    yield from _ANYWHERE[variant]


def _of_path(path: str, *, rest: str, variant: int) -> Iterator[str]:
    """What could follow behind a path that holds none, some or all of owner, repository and workflow."""
    parts = [_OWNERS[variant], _REPOSITORIES[variant], _WORKFLOWS[variant]]
    done = path.count("/")
    if path and not path.endswith("/"):
        missing = ["-x", *parts[done + 1 :]]
    else:
        missing = parts[done:] or [_WORKFLOWS[variant].rpartition("/")[2]]
    is_last = not {"@", "/"} & set(rest)
    if is_last:
        yield "/".join(missing) + "@" + _REFS[variant]
    lengths = range(1, len(missing) + 1)
    for length in reversed(lengths) if is_last or "/" not in rest else lengths:
        yield "/".join(missing[:length])


def _changed(subject: str) -> Iterator[NearMiss]:
    """Change one thing at a time, the finest part first."""
    if (workflow := _WORKFLOW.fullmatch(subject)) is not None:
        host, owner, repository, path, ref = workflow.groups()
        for other in ("refs/heads/main", "refs/tags/v9.9.9"):
            if other != ref:
                yield NearMiss(f"{host}/{owner}/{repository}/{path}@{other}", "another ref")
        yield NearMiss(f"{host}/{owner}/{repository}/.github/workflows/other.yml@{ref}", "another workflow")
        yield NearMiss(f"{host}/{owner}/{repository}-fork/{path}@{ref}", "another repository")
        yield NearMiss(f"{host}/{owner}-evil/{repository}/{path}@{ref}", "another owner")
        yield NearMiss(f"{host}.{_ATTACKER}/{owner}/{repository}/{path}@{ref}", "another host")
    elif (host_of := _HOST.search(subject)) is not None:
        start, end = host_of.span(1)
        yield NearMiss(f"{subject[:start]}{_ATTACKER}{subject[end:]}", "another host")
        yield NearMiss(f"{subject[:end]}.{_ATTACKER}{subject[end:]}", "a longer host")
    yield NearMiss(f"{subject}x", "text after the end")
    yield NearMiss(f"https://{_ATTACKER}/{subject}", "text before the start")
