"""The proof that an identity pattern is safe: see `identity_pattern` for what it must show, and `re2_syntax` for the trees."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import re2

from supplychain.errors import InvalidIdentityPatternError
from supplychain.identity_examples import attacking, expanded, flat
from supplychain.re2_characters import Characters
from supplychain.re2_syntax import Alternation, Anchor, Node, Place, SyntaxTreeError, parse_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["PatternProof", "ProvenName", "options_of", "prove"]

_URI_PREFIX: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::[0-9]+)?)/")
_MAIL_SUFFIX: Final = re.compile(r"@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)")
_FIRST_GROUP: Final = re.compile(
    r"\^((?:[^\\()\[\]|]|\\[^QE])*)\((?:\?:)?((?:[^\\()\[\]]|\\[^QE])*)\)(?![*+?{])(.*)\$", re.DOTALL
)
"""A pattern with a group of plain text and alternatives, taken apart: before, within, behind."""


class ProvenName(NamedTuple):
    """What every subject of one alternative carries: its host, and owner and repository where these are named as well."""

    host: str
    """With scheme and port, or after `@`; the whole subject where the alternative is no URI and no address."""
    owner: str | None = None
    repository: str | None = None


class PatternProof(NamedTuple):
    """What a whole pattern is proved to match."""

    prefixes: tuple[str, ...]
    """What a subject that is no e-mail address begins with; empty where the pattern is for e-mail addresses only."""
    warnings: tuple[str, ...]
    names: tuple[ProvenName, ...]
    """One for each alternative."""
    accepts: Callable[[str], bool]
    """Whether the pattern matches the whole subject."""


class _Proof(NamedTuple):
    """What one alternative is proved to match: a subject that begins with `prefix`, or an e-mail address."""

    prefix: str | None
    name: ProvenName
    warning: str | None = None


@lru_cache(maxsize=256)
def prove(text: str) -> PatternProof:
    """Compile and prove a pattern; one that is proved stays so, and many plugins share one.

    Raises:
        InvalidIdentityPatternError: it does not compile, or the proof fails.
    """
    if not text.startswith("^") or not text.endswith("$"):
        example = _found_within(text)
        expected = "`^` at the start and `$` at the end"
        raise _refusal("the pattern is not anchored", text, expected=expected, example=example, verb="would be found in a search")
    compiled = _compile(text)
    try:
        options = options_of(text)
    except SyntaxTreeError as exc:
        raise _refusal(f"the pattern cannot be proved safe: {exc}", text) from exc
    attack = partial(attacking, text=text, matches=lambda subject: compiled.fullmatch(subject) is not None)
    if not all(_is_anchored(option) for option in options):
        expected = "`^` and `$` around every alternative"
        raise _refusal("an alternative is not anchored at both ends", text, expected=expected, example=attack(options))
    if compiled.fullmatch("") is not None:
        raise _refusal("the pattern matches the empty identity", text, example=attack(options) or "")
    proofs = [_prove(option, text=text, attack=attack) for option in options]
    return PatternProof(
        prefixes=tuple(proof.prefix for proof in proofs if proof.prefix is not None),
        warnings=tuple(dict.fromkeys(proof.warning for proof in proofs if proof.warning is not None)),
        names=tuple(dict.fromkeys(proof.name for proof in proofs)),
        accepts=partial(_accepts, compiled),
    )


def options_of(text: str) -> list[tuple[Node, ...]]:
    """Take a pattern apart at its top level: each alternative as a sequence.

    Raises:
        SyntaxTreeError: it has a construct that has no place in a provable pattern.
    """
    tree = parse_tree(text)
    return [flat(option) for option in (tree.options if isinstance(tree, Alternation) else (tree,))]


def _found_within(text: str) -> str | None:
    """Build a subject in which a search would find a pattern that is not anchored; None where that is not easy."""
    try:
        compiled, options = _compile(text), options_of(text)
    except (InvalidIdentityPatternError, SyntaxTreeError):
        return None
    return attacking(options, text=text, matches=lambda subject: compiled.search(subject) is not None, around=True)


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


def _prove(items: tuple[Node, ...], *, text: str, attack: Callable[[list[tuple[Node, ...]]], str | None]) -> _Proof:
    proof = _named(items)
    if proof is not None:
        return proof
    expected = r"`^https://host/…` or `…@host$` with every dot of the host escaped as `\.`"
    unsafe = [one for one in expanded(items) if _named(one) is None]
    if unsafe:
        raise _refusal("the pattern does not name its host literally", text, expected=expected, example=attack(unsafe))
    spelled = _spelled_out(text)
    hint = None if spelled is None else f"write the choice out: `{spelled}`"
    raise _refusal(
        "the pattern does not name its host literally: the choice of hosts stands within a group",
        text,
        expected="an alternative of its own, with `^` and `$`, for every host",
        hint=hint,
    )


def _named(items: tuple[Node, ...]) -> _Proof | None:
    """Prove one alternative; None where its host is not named."""
    inner = [item for item in items if not isinstance(item, Anchor)]
    prefix = _literal_run(inner)
    is_literal = len(prefix) == len(inner)
    if (uri := _URI_PREFIX.match(prefix)) is not None:
        owner, slash, behind = prefix[uri.end() :].partition("/")
        repository, is_whole, _ = behind.partition("/")
        if owner and slash:
            name = ProvenName(uri[1] + uri[2], owner, repository if repository and is_whole else None)
            return _Proof(prefix=prefix if is_literal else uri[0], name=name)
        name = ProvenName(uri[1] + uri[2])
        if is_literal:
            return _Proof(prefix=prefix, name=name)
        warning = f"the identity pattern names no single owner behind `{uri[2]}/`: {_owners(items)} can match it"
        return _Proof(prefix=uri[0], name=name, warning=warning)
    suffix = _literal_run(reversed(inner))[::-1]
    mail = _MAIL_SUFFIX.fullmatch("@" + suffix.rpartition("@")[2]) if "@" in suffix else None
    if is_literal:
        return _Proof(prefix=prefix, name=ProvenName(mail[1] if mail is not None else prefix))
    if mail is None:
        return None
    return _Proof(
        prefix=None, name=ProvenName(mail[1]), warning=f"the identity pattern accepts more than one address at `{mail[1]}`"
    )


def _owners(items: tuple[Node, ...]) -> str:
    """Say whose subjects match an alternative that names no owner itself."""
    choices = expanded(items)
    proofs = [_named(one) for one in choices] if len(choices) > 1 else []
    owners = [proof.name.owner for proof in proofs if proof is not None and proof.name.owner is not None]
    if owners and len(owners) == len(choices):
        return "each of " + ", ".join(f"`{owner}`" for owner in dict.fromkeys(owners))
    return "all of them"


def _spelled_out(text: str) -> str | None:
    """Write the first choice within a group as alternatives of the whole pattern, where that is proved and matches the same."""
    parts = _FIRST_GROUP.fullmatch(text)
    if parts is None:
        return None
    spelled = "|".join(f"^{parts[1]}{option}{parts[3]}$" for option in re.split(r"(?<!\\)\|", parts[2]))
    try:
        prove(spelled)
        same = [one for option in options_of(spelled) for one in expanded(option)]
    except (InvalidIdentityPatternError, SyntaxTreeError):
        return None
    return spelled if same == [one for option in options_of(text) for one in expanded(option)] else None


def _literal_run(items: Iterable[Node]) -> str:
    run = ""
    for item in items:
        character = item.literal if isinstance(item, Characters) else None
        if character is None:
            break
        run += character
    return run


def _refusal(
    what: str,
    text: str,
    *,
    expected: str | None = None,
    example: str | None = None,
    hint: str | None = None,
    verb: str = "would be accepted",
) -> InvalidIdentityPatternError:
    if example:
        what += f", so the subject `{example}` {verb}"
    error = InvalidIdentityPatternError(what, expected=expected, got=f"`{text}`", hint=hint)
    error.example = example
    return error
