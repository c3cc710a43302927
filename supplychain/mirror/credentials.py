"""Which credential belongs to which registry: Docker's `config.json` and Kubernetes pull secrets.

Both are matched by the kubelet's rules: keys lose their scheme and a trailing `/v1/` or `/v2/`, the three names of Docker Hub are
one, ports count, a host matches exactly or label by label with `*`, and the longest path wins, on `/` boundaries only. A key for
another host never supplies anything, whatever its text begins with.

Nothing found means anonymous and is `None`, so that a caller can say so. A source that is named but unusable is an error: nobody
becomes anonymous because a helper failed. Secrets never appear in a `repr` or in an error.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, TypeAlias

from supplychain import strict_json
from supplychain.errors import InvalidCredentialsError, UnreadableFileError
from supplychain.files import StrPath, read_bounded
from supplychain.mirror.hosts import canonical_host, split_host

__all__ = [
    "ANONYMOUS",
    "BasicCredential",
    "BearerCredential",
    "Credential",
    "Credentials",
    "RefreshCredential",
    "load_docker_config",
    "parse_docker_config",
    "parse_pull_secret",
    "run_helper",
]

_LARGEST_FILE: Final = 1024 * 1024
_HELPER_SECONDS: Final = 30.0
_HELPER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_NOT_FOUND: Final = b"credentials not found in native keychain"
_HUB_KEY: Final = "https://index.docker.io/v1/"
_OTHER_GLOBS: Final = frozenset("?[]")
_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicCredential:
    """A user name and a password."""

    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshCredential:
    """An identity token, exchanged for access tokens at the registry's token realm (OAuth 2 refresh token grant)."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BearerCredential:
    """A registry token that is sent as it is."""

    token: str = field(repr=False)


Credential: TypeAlias = BasicCredential | RefreshCredential | BearerCredential
HelperRunner: TypeAlias = Callable[[str, str], bytes | None]
"""Helper name and server to the helper's JSON answer; None where it knows of no credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What one source knows; ask with `find`."""

    where: str = "no source"
    auths: Mapping[str, Mapping[str, object]] = field(default_factory=dict, repr=False)
    helpers: Mapping[str, str] = field(default_factory=dict)
    """Canonical host to helper name."""
    store: str | None = None
    """The helper for every host that nothing else speaks for."""
    run: HelperRunner | None = field(default=None, repr=False)
    """Replaces `run_helper`, for tests."""

    def find(self, registry: str, repository: str) -> Credential | None:
        """Return the credential for a repository; None where this source has none, which means anonymous.

        Order: the helper of this very host, then `auths`, then the store of all hosts.

        Raises:
            InvalidCredentialsError: there is an entry or a helper, but it is unusable.
        """
        host = canonical_host(registry)
        if host in self.helpers:
            return self._ask(self.helpers[host], host=host)
        for key in _matching(self.auths, host=host, repository=repository):
            found = _entry_credential(self.auths[key], where=f"{self.where}, `auths` entry `{key[:200]}`")
            if found is not None:
                return found
        return self._ask(self.store, host=host) if self.store is not None else None

    def _ask(self, helper: str, *, host: str) -> Credential | None:
        where = f"credential helper `docker-credential-{helper[:100]}`, for `{host}`"
        answer = (self.run or run_helper)(helper, _HUB_KEY if host == "docker.io" else host)
        if answer is None:
            return None
        document = _document(answer, where=where)
        username, secret = document.get("Username"), document.get("Secret")
        if not isinstance(username, str) or not isinstance(secret, str) or not secret:
            raise InvalidCredentialsError("the helper's answer has no `Username` and `Secret`", where=where)
        return RefreshCredential(token=secret) if username == "<token>" else BasicCredential(username=username, password=secret)


ANONYMOUS: Final = Credentials()
"""No credentials for anybody."""


def parse_pull_secret(data: bytes, *, where: str) -> Credentials:
    """Read the value of a pull Secret's `.dockerconfigjson`; helpers named in it are not run.

    Raises:
        InvalidCredentialsError: it is no such document.
    """
    document = _document(data, where=where)
    if "auths" not in document:
        raise InvalidCredentialsError("no `auths` in the pull Secret", where=where)
    return Credentials(where=where, auths=_auths(document, where=where))


def parse_docker_config(data: bytes, *, where: str, run: HelperRunner | None = None) -> Credentials:
    """Read Docker's `config.json`.

    Raises:
        InvalidCredentialsError: it is no such document.
    """
    document = _document(data, where=where)
    helpers = document.get("credHelpers")
    helpers = {} if helpers is None else helpers
    if not isinstance(helpers, dict):
        raise InvalidCredentialsError("`credHelpers` is no object", where=where)
    store = document.get("credsStore") or None
    for name in [*helpers.values(), *([] if store is None else [store])]:
        if not isinstance(name, str) or _HELPER_NAME.fullmatch(name) is None:
            raise InvalidCredentialsError("unusable name of a credential helper", got=f"`{str(name)[:100]}`", where=where)
    return Credentials(
        where=where,
        auths=_auths(document, where=where),
        helpers={_split_key(key)[0]: name for key, name in helpers.items()},
        store=store,
        run=run,
    )


def load_docker_config(path: StrPath | None = None, *, environ: Mapping[str, str] | None = None) -> Credentials:
    """Read Docker's configuration: `path`, else `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.

    Only the last may be missing: somebody who names a file or sets the variable means it.

    Raises:
        InvalidCredentialsError: the file is missing, unreadable or malformed.
    """
    environ = os.environ if environ is None else environ
    folder = environ.get("DOCKER_CONFIG")
    if path is not None:
        file = Path(path)
    elif folder:
        file = Path(folder) / "config.json"
    else:
        file = Path(environ.get("HOME", "")) / ".docker" / "config.json"
        if not environ.get("HOME") or not os.path.lexists(file):
            return ANONYMOUS
    try:
        data = read_bounded(file, limit=_LARGEST_FILE)
    except UnreadableFileError as exc:
        raise InvalidCredentialsError("cannot read the Docker config", got=exc.got, where=exc.where) from exc
    return parse_docker_config(data, where=f"`{file}`")


def run_helper(name: str, server: str) -> bytes | None:
    """Run `docker-credential-NAME get` with the server on standard input (docker/docker-credential-helpers).

    Raises:
        InvalidCredentialsError: it is not installed, fails or hangs. Its output is never shown: it may hold a secret.
    """
    program = f"docker-credential-{name}"
    where = f"`{server}`"
    try:
        done = subprocess.run(  # noqa: S603 — the user's own configuration names the program; no shell
            [program, "get"], input=server.encode(), capture_output=True, timeout=_HELPER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as exc:
        got = f"no answer within {_HELPER_SECONDS:.0f} seconds"
        raise InvalidCredentialsError(f"the credential helper `{program}` hangs", got=got, where=where) from exc
    except (OSError, ValueError) as exc:
        raise InvalidCredentialsError(
            f"the credential helper `{program}` cannot be run", got=type(exc).__name__, where=where
        ) from exc
    if done.returncode == 0:
        return done.stdout
    if _NOT_FOUND in done.stdout.lower() or _NOT_FOUND in done.stderr.lower():
        return None
    raise InvalidCredentialsError(f"the credential helper `{program}` failed", got=f"exit code {done.returncode}", where=where)


def _document(data: bytes, *, where: str) -> dict[str, Any]:
    try:
        document = strict_json.loads(data, limit=_LARGEST_FILE)
    except strict_json.StrictJsonError as exc:
        raise InvalidCredentialsError("not readable as JSON", got=str(exc), where=where) from exc
    if not isinstance(document, dict):
        raise InvalidCredentialsError("no JSON object", where=where)
    return document


def _auths(document: Mapping[str, object], *, where: str) -> dict[str, Mapping[str, object]]:
    auths = document.get("auths")
    if auths is None:
        return {}
    if not isinstance(auths, dict) or not all(isinstance(entry, dict) for entry in auths.values()):
        raise InvalidCredentialsError("`auths` is no object of objects", where=where)
    return auths


def _split_key(key: str) -> tuple[str, str]:
    """Canonical host and path of a key of `auths` or `credHelpers`."""
    text = key.strip()
    for scheme in ("https://", "http://"):
        text = text.removeprefix(scheme)
    host, _, path = text.partition("/")
    path = path.strip("/")
    return canonical_host(host), "" if path in {"v1", "v2"} else path


def _matching(auths: Mapping[str, object], *, host: str, repository: str) -> list[str]:
    """Keys that speak for `host/repository`, best first: exact hosts before globs, long paths before short ones."""
    found = []
    for key in auths:
        key_host, path = _split_key(key)
        if path and not f"{repository}/".startswith(f"{path}/"):
            continue
        if key_host == host:
            found.append((0, -len(path), key))
        elif _glob_matches(key_host, host=host):
            found.append((1, -len(path), key))
    return [key for _, _, key in sorted(found)]


def _glob_matches(pattern: str, *, host: str) -> bool:
    """Compare label by label; `*` stands for a part of one label, and the last label is always literal."""
    (pattern_name, pattern_port), (name, port) = split_host(pattern), split_host(host)
    wanted, labels = pattern_name.split("."), name.split(".")
    if pattern_port != port or len(wanted) != len(labels) or "*" in wanted[-1]:
        return False
    return all(
        label and not _OTHER_GLOBS & set(glob) and fnmatchcase(label, glob) for glob, label in zip(wanted, labels, strict=True)
    )


def _entry_credential(entry: Mapping[str, object], *, where: str) -> Credential | None:
    texts: dict[str, str] = {}
    for name in ("registrytoken", "identitytoken", "auth", "username", "password"):
        value = entry.get(name)
        if value is not None and not isinstance(value, str):
            raise InvalidCredentialsError(f"`{name}` is no text", where=where)
        texts[name] = (value or "").strip() if name != "password" else value or ""
    if texts["registrytoken"]:
        if _TOKEN.fullmatch(texts["registrytoken"]) is None:
            raise InvalidCredentialsError("`registrytoken` is no bearer token", where=where)
        return BearerCredential(token=texts["registrytoken"])
    if texts["identitytoken"]:
        return RefreshCredential(token=texts["identitytoken"])
    if texts["auth"]:
        return _decode_auth(texts["auth"], where=where)
    if texts["username"] and texts["password"]:
        return BasicCredential(username=texts["username"], password=texts["password"])
    if texts["username"] or texts["password"]:
        raise InvalidCredentialsError("`username` and `password` belong together", where=where)
    return None


def _decode_auth(text: str, *, where: str) -> BasicCredential:
    try:
        username, colon, password = base64.b64decode(text, validate=True).decode("utf-8").partition(":")
    except ValueError:  # the chain would carry the secret's bytes
        raise InvalidCredentialsError("`auth` is no base64 text", where=where) from None
    if not colon or not username:
        raise InvalidCredentialsError("`auth` is no `user:password`", where=where)
    return BasicCredential(username=username, password=password.strip("\0"))
