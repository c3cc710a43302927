"""Patterns for certificate identities that are proved to be safe before anything is matched with them.

A pattern is RE2 syntax, is matched against the whole subject, and must carry `^` and `$` in its text. That alone proves nothing
(`^a|.*$` has both), so its syntax tree must show, for each alternative at the top level by itself:

* it begins with `^` and ends with `$`, and no flag changes what these mean;
* it cannot match the empty subject;
* the host is named literally: `^https://host/…`, where nothing before the slash behind the host is optional, repeated,
  alternative or more than one possible character (an unescaped dot is such a hole: `github.com` also matches `githubxcom`);
  or an e-mail address `…@host$` with a literal host; or a wholly literal subject.

An e-mail alternative matches plain e-mail addresses only (one `@`, neither `/` nor `:`), whatever its text allows: `^.*@host$`
must not let in `https://attacker.example/…@host`. Where the host is named but not the owner behind it (`^https://host/.*$`, or
any address at a mail host), `warnings` says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from supplychain.errors import InvalidIdentityPatternError
from supplychain.re2_characters import Characters
from supplychain.re2_syntax import Alternation, Anchor, Node, Place, Repetition, Sequence, SyntaxTreeError, parse_tree

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_LENGTH", "IdentityPattern"]

MAX_LENGTH: Final = 1024
"""Characters of a pattern."""

_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_URI_PREFIX: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::[0-9]+)?)/")
_MAIL_SUFFIX: Final = re.compile(r"@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)")
_ATTACKER: Final = "attacker.example"
_WILD: Final = (_ATTACKER, f"https://{_ATTACKER}/x", "x", "")
_HOST: Final = re.compile(r"^(?:[^/@]+@|[^/]+://)([^/@]+)")
_MAX_EXAMPLE: Final = 200


class _Proof(NamedTuple):
    """What one alternative is proved to match: a subject that begins with `prefix`, or an e-mail address."""

    prefix: str | None
    warning: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPattern:
    """A proved pattern. `warnings` names what it leaves open, in words."""

    text: str
    warnings: tuple[str, ...] = ()
    _prefixes: tuple[str, ...] = field(repr=False)
    """What a subject that is no e-mail address begins with; empty where the pattern is for e-mail addresses only."""
    _compiled: Any = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Compile and prove a pattern.

        Raises:
            InvalidIdentityPatternError: it does not compile, or the proof fails; where one is easily built, the message shows a
                subject that an attacker could use.
        """
        if len(text) > MAX_LENGTH:
            raise _refusal("the pattern is too long", text[:80] + "…", expected=f"at most {MAX_LENGTH} characters")
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
        return cls(
            text=text,
            warnings=tuple(dict.fromkeys(proof.warning for proof in proofs if proof.warning is not None)),
            _prefixes=tuple(proof.prefix for proof in proofs if proof.prefix is not None),
            _compiled=compiled,
        )

    @classmethod
    def exactly(cls, subject: str) -> Self:
        """Build the pattern that matches one subject and nothing else.

        Raises:
            InvalidIdentityPatternError: the subject is empty or too long.
        """
        return cls.parse("^" + _META.sub(r"\\\g<0>", subject) + "$")

    def matches(self, subject: str) -> bool:
        """Whether the whole subject matches, on a host that the pattern names."""
        try:
            if self._compiled.fullmatch(subject) is None:
                return False
        except UnicodeError:  # a lone surrogate, which no certificate text holds
            return False
        return subject.startswith(self._prefixes) or _is_mail(subject)

    def __str__(self) -> str:
        return self.text


def _compile(text: str) -> Any:
    import re2  # noqa: PLC0415 — 10 ms that only a policy with an identity pays

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


def _is_mail(subject: str) -> bool:
    return subject.count("@") == 1 and not {"/", ":"} & set(subject)


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
