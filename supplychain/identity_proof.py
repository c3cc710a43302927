"""The proof that an identity pattern is safe: see `identity_pattern` for what it must show, and `re2_syntax` for the trees."""

from __future__ import annotations

import re
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import re2

from supplychain.errors import InvalidIdentityPatternError
from supplychain.re2_characters import Characters
from supplychain.re2_syntax import Alternation, Anchor, Node, Place, Repetition, Sequence, SyntaxTreeError, parse_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["PatternProof", "prove"]

_URI_PREFIX: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::[0-9]+)?)/")
_MAIL_SUFFIX: Final = re.compile(r"@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)")
_ATTACKER: Final = "attacker.example"
_WILD: Final = (_ATTACKER, f"https://{_ATTACKER}/x", "x", "")
_HOST: Final = re.compile(r"^(?:[^/@]+@|[^/]+://)([^/@]+)")
_MAX_EXAMPLE: Final = 200


class PatternProof(NamedTuple):
    """What a whole pattern is proved to match."""

    prefixes: tuple[str, ...]
    """What a subject that is no e-mail address begins with; empty where the pattern is for e-mail addresses only."""
    warnings: tuple[str, ...]
    accepts: Callable[[str], bool]
    """Whether the pattern matches the whole subject."""


class _Proof(NamedTuple):
    """What one alternative is proved to match: a subject that begins with `prefix`, or an e-mail address."""

    prefix: str | None
    warning: str | None = None


def prove(text: str) -> PatternProof:
    """Compile and prove a pattern.

    Raises:
        InvalidIdentityPatternError: it does not compile, or the proof fails.
    """
    if not text.startswith("^") or not text.endswith("$"):
        raise _refusal("the pattern is not anchored", text, expected="`^` at the start and `$` at the end")
    compiled = _compile(text)
    try:
        tree = parse_tree(text)
    except SyntaxTreeError as exc:
        raise _refusal(f"the pattern cannot be proved safe: {exc}", text) from exc
    options = [_flat(option) for option in (tree.options if isinstance(tree, Alternation) else (tree,))]
    if not all(_is_anchored(option) for option in options):
        raise _refusal(
            "an alternative is not anchored at both ends",
            text,
            expected="`^` and `$` around every alternative",
            example=_example(options, text=text, compiled=compiled),
        )
    if compiled.fullmatch("") is not None:
        example = _example(options, text=text, compiled=compiled)
        raise _refusal("the pattern matches the empty identity", text, example=example)
    proofs = [_prove(option, text=text, compiled=compiled) for option in options]
    return PatternProof(
        prefixes=tuple(proof.prefix for proof in proofs if proof.prefix is not None),
        warnings=tuple(dict.fromkeys(proof.warning for proof in proofs if proof.warning is not None)),
        accepts=partial(_accepts, compiled),
    )


def _accepts(compiled: Any, subject: str) -> bool:
    try:
        return compiled.fullmatch(subject) is not None
    except UnicodeError:  # a lone surrogate, which no certificate text holds
        return False


def _compile(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except Exception as exc:  # the edge of the library: re2.error, and UnicodeEncodeError for text that is no Unicode
        detail = exc.args[0] if isinstance(exc, re2.error) and exc.args else "not Unicode text"
        said = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        raise _refusal(f"the pattern does not compile as RE2 ({said})", ascii(text)[1:-1]) from exc


def _is_anchored(items: tuple[Node, ...]) -> bool:
    return items[:1] == (Anchor(Place.TEXT_BEGIN),) and items[-1:] == (Anchor(Place.TEXT_END),)


def _prove(items: tuple[Node, ...], *, text: str, compiled: Any) -> _Proof:
    inner = [item for item in items if not isinstance(item, Anchor)]
    prefix = _literal_run(inner)
    if len(prefix) == len(inner):
        return _Proof(prefix=prefix)
    if (uri := _URI_PREFIX.match(prefix)) is not None:
        owner, slash, _ = prefix[uri.end() :].partition("/")
        named = owner and slash
        warning = None if named else f"the identity pattern names no single owner behind `{uri[2]}/`: all of them can match it"
        return _Proof(prefix=uri[0], warning=warning)
    suffix = _literal_run(reversed(inner))[::-1]
    if (mail := _MAIL_SUFFIX.fullmatch("@" + suffix.rpartition("@")[2])) is not None and "@" in suffix:
        return _Proof(prefix=None, warning=f"the identity pattern accepts more than one address at `{mail[1]}`")
    raise _refusal(
        "the pattern does not name its host literally",
        text,
        expected=r"`^https://host/…` or `…@host$` with every dot of the host escaped as `\.`",
        example=_example([items], text=text, compiled=compiled),
    )


def _flat(node: Node) -> tuple[Node, ...]:
    """Take groups apart that change nothing, and write small exact repetitions out."""
    match node:
        case Sequence(items=items):
            return tuple(part for item in items for part in _flat(item))
        case Repetition(item=item, low=low, high=high) if low == high and low <= 16:  # noqa: PLR2004 — enough for a host
            return _flat(item) * low
        case _:
            return (node,)


def _literal_run(items: Iterable[Node]) -> str:
    run = ""
    for item in items:
        character = item.literal if isinstance(item, Characters) else None
        if character is None:
            break
        run += character
    return run


def _example(options: list[tuple[Node, ...]], *, text: str, compiled: Any) -> str | None:
    """Build a subject that matches on a host which the pattern's text does not show; None where that is not easy."""
    shown = text.replace("\\", "").lower()
    for items, wild in product(options, _WILD):
        subject = "".join(_sample(item, wild=wild) for item in items)
        host = _HOST.search(subject)
        if host is None or host[1].lower() in shown or len(subject) > _MAX_EXAMPLE or not subject.isprintable():
            continue
        if compiled.fullmatch(subject) is not None:
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
            fits = isinstance(node.item, Characters) and all(character in node.item for character in wild)
            if fits and node.low <= len(wild) <= (len(wild) if node.high is None else node.high):
                return wild
            return _sample(node.item, wild=wild) * min(node.low, _MAX_EXAMPLE)


def _refusal(what: str, text: str, *, expected: str | None = None, example: str | None = None) -> InvalidIdentityPatternError:
    if example is not None:
        what += f", so the subject `{example}` would be accepted"
    return InvalidIdentityPatternError(what, expected=expected, got=f"`{text}`")
