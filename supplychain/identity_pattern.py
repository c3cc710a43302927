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
from functools import partial
from operator import eq
from typing import TYPE_CHECKING, Final, Self

from supplychain.errors import InvalidIdentityPatternError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_LENGTH", "IdentityPattern"]

MAX_LENGTH: Final = 1024
"""Characters of a pattern."""

_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPattern:
    """A proved pattern. `warnings` names what it leaves open, in words."""

    text: str
    warnings: tuple[str, ...] = ()
    _prefixes: tuple[str, ...] = field(repr=False)
    """What a subject that is no e-mail address begins with; empty where the pattern is for e-mail addresses only."""
    _accepts: Callable[[str], bool] = field(repr=False, compare=False)
    """Whether the text matches the whole subject."""
    _only: str | None = field(default=None, repr=False, compare=False)
    """The one subject of a pattern that was made from it."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Compile and prove a pattern.

        Raises:
            InvalidIdentityPatternError: it does not compile, or the proof fails; where one can be built, the message shows a
                subject that an attacker could use, which `example` of the error has as well.
        """
        _check_length(text)
        from supplychain.identity_proof import prove  # noqa: PLC0415 — RE2 costs 6 ms, and an exact identity needs none of it

        proof = prove(text)
        return cls(text=text, warnings=proof.warnings, _prefixes=proof.prefixes, _accepts=proof.accepts)

    @classmethod
    def exactly(cls, subject: str) -> Self:
        """Build the pattern that matches one subject and nothing else; it is wholly literal, so there is nothing to prove.

        Raises:
            InvalidIdentityPatternError: the subject is empty, too long or no Unicode text.
        """
        text = "^" + _META.sub(r"\\\g<0>", subject) + "$"
        _check_length(text)
        if not subject or any("\ud800" <= character <= "\udfff" for character in subject):
            raise InvalidIdentityPatternError("not a subject that a certificate can have", got=f"`{ascii(subject)[1:-1]}`")
        return cls(text=text, _prefixes=(subject,), _accepts=partial(eq, subject), _only=subject)

    def matches(self, subject: str) -> bool:
        """Whether the whole subject matches, on a host that the pattern names."""
        return self._accepts(subject) and (subject.startswith(self._prefixes) or _is_mail(subject))

    def examples(self) -> tuple[str, ...]:
        """Up to three subjects that match, to be shown to people."""
        if self._only is not None:
            return (self._only,)
        from supplychain.identity_examples import matching  # noqa: PLC0415 — only for a refusal
        from supplychain.identity_proof import options_of  # noqa: PLC0415 — as in `parse`

        return matching(options_of(self.text), accepts=self.matches)

    def __str__(self) -> str:
        return self.text


def _check_length(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise InvalidIdentityPatternError(
            "the pattern is too long", expected=f"at most {MAX_LENGTH} characters", got=f"`{text[:80]}…`"
        )


def _is_mail(subject: str) -> bool:
    return subject.count("@") == 1 and not {"/", ":"} & set(subject)
