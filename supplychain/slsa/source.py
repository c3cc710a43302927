"""Source repositories and the refs in them: the many spellings of one place, brought to one.

`github.com/o/r`, `https://github.com/o/r.git` and `git+https://github.com/o/r@refs/tags/v1` name the same repository; SLSA
builders write the last form (an SPDX download location). Hosts are compared without regard to case, paths with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from supplychain.wire import MalformedError

__all__ = ["BRANCHES", "TAGS", "Source", "Version", "meets_version"]

TAGS: Final = "refs/tags/"
BRANCHES: Final = "refs/heads/"

_SOURCE: Final = re.compile(
    r"(?:(?:git\+)?https://)?([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]{1,5})?)((?:/[A-Za-z0-9._~-]+){2,8})/?(?:@(\S{1,500}))?"
)
_WANTED: Final = re.compile(r"v(0|[1-9][0-9]*)(?:\.(0|[1-9][0-9]*))?(?:\.(0|[1-9][0-9]*))?(-[0-9A-Za-z.-]+)?")
_MAX_TEXT: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A repository, and the ref that its URI carried, if any."""

    repository: str
    """`https://host/path` without `.git`."""
    ref: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read any of the spellings.

        Raises:
            MalformedError: none of them: another scheme, credentials, a query, or no path of owner and repository.
        """
        match = _SOURCE.fullmatch(text) if len(text) <= _MAX_TEXT else None
        if match is None or any(part in (".", "..") for part in match[2].split("/")):
            raise MalformedError(f"`{text[:200]}` names no source repository")
        return cls(repository=f"https://{match[1].lower()}{match[2].removesuffix('.git')}", ref=match[3])

    def __str__(self) -> str:
        return f"{self.repository}@{self.ref}" if self.ref is not None else self.repository


class Version(NamedTuple):
    """A semantic version with what may be left out as None; `prerelease` has its leading hyphen."""

    major: str
    minor: str | None
    patch: str | None
    prerelease: str

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """Read `vX`, `vX.Y` or `vX.Y.Z`, the last one with or without a pre-release; None where it is none of these."""
        match = _WANTED.fullmatch(text.partition("+")[0])
        if match is None or (match[4] and match[3] is None):
            return None
        return cls(match[1], match[2], match[3], match[4] or "")


def meets_version(tag: str, *, wanted: Version) -> bool:
    """Whether `tag` is `wanted` or a more exact version of it; what the tag leaves out counts as zero.

    Pre-releases come before the version that they name, so only the same pre-release meets one, and nothing less exact does.
    """
    found = Version.parse(tag)
    if found is None or found.prerelease != wanted.prerelease or found.major != wanted.major:
        return False
    pairs = ((wanted.minor, found.minor), (wanted.patch, found.patch))
    return all(want is None or want == (have or "0") for want, have in pairs)
