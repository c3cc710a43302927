"""Looks at everything that a mirror's status depends on."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.resources import PLUGIN, SECRET, SERVICE
from supplychain.api import PluginMirrorSpec, parse_spec
from supplychain.errors import ApplyForbiddenError, InputError, InvalidCredentialsError, UnreadableFileError
from supplychain.mirror.budget import shared
from supplychain.mirror.credentials import Credentials, parse_pull_secret
from supplychain.mirror.probe import Probe, Target, probe

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mcpg_operator.resources import Resource
    from mcpg_operator.services import Services
    from mcpg_operator.settings import Settings
    from supplychain.errors import SupplyChainError
    from supplychain.mirror.rewrite import MirrorRule

__all__ = ["Observation", "Observer", "least_pause", "named_mirror", "named_secret"]

_PAUSE: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One mirror and what surrounds it."""

    resource: Resource
    proxied: int
    """Plugins that name the mirror."""
    rule: MirrorRule | None = None
    """None where the spec is unusable, as `trouble` says."""
    service_found: bool | None = None
    """None where an endpoint override makes the Service irrelevant, or nobody could look."""
    secret_error: InputError | None = None
    """What is wrong with the credentials; the mirror is then asked without any."""
    probe: Probe | None = None
    """None where nobody asked."""
    trouble: SupplyChainError | None = None
    """What kept from asking: a wrong spec, a missing right, an unusable CA file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    about: bytes
    at: datetime
    probe: Probe


class Observer:
    """Looks at mirrors, and remembers for a short while what a probe said."""

    def __init__(self, services: Services, *, ask: Callable[[Target], Probe] = probe) -> None:
        self._services = services
        self._ask = ask
        self._asked: dict[str, _Asked] = {}
        self._lock = threading.Lock()

    def observe(self, resource: Resource) -> Observation:
        """Look once.

        Raises:
            ClusterUnavailableError: the API server gave no answer, so nothing is known.
        """
        settings = self._services.settings
        name = resource.name
        proxied = sum(named_mirror(plugin) == name for plugin in self._services.store.each(PLUGIN))
        try:
            spec = parse_spec(PluginMirrorSpec, resource.spec, where=f"`{resource.key}`")
            rule = spec.rule(name, endpoint=settings.mirror_endpoints.get(name), cluster_domain=settings.cluster_domain)
        except InputError as exc:
            return Observation(resource=resource, proxied=proxied, trouble=exc)
        seen = Observation(resource=resource, proxied=proxied, rule=rule)
        try:
            if rule.endpoint is None:
                found = self._services.cluster.get(SERVICE, rule.service, namespace=rule.namespace) is not None
                seen = replace(seen, service_found=found)
            if seen.service_found is not False:
                seen = self._probed(seen, rule=rule, secret=self._secret(spec))
        except (ApplyForbiddenError, UnreadableFileError) as exc:
            return replace(seen, trouble=exc)
        return seen

    def forget(self, name: str) -> None:
        """Drop what is remembered about a mirror that is gone."""
        with self._lock:
            self._asked.pop(name, None)

    def _secret(self, spec: PluginMirrorSpec) -> bytes | InputError | None:
        """Read the credentials: the Docker config, what is wrong with the Secret, or None where none are wanted."""
        if spec.auth is None:
            return None
        reference, namespace = spec.auth.secret_ref, self._services.settings.namespace
        where = f"Secret `{namespace}/{reference.secret_name}`"
        secret = self._services.cluster.get(SECRET, reference.secret_name, namespace=namespace)
        if secret is None:
            return InvalidCredentialsError("the Secret with the mirror's credentials does not exist", where=where)
        data = secret.data()
        if data is None:
            return InvalidCredentialsError("the Secret's data cannot be read", where=where)
        if reference.key not in data:
            return InvalidCredentialsError("the Secret lacks the key", expected=f"`{reference.key}`", where=where)
        return data[reference.key]

    def _probed(self, seen: Observation, *, rule: MirrorRule, secret: bytes | InputError | None) -> Observation:
        """Ask with the credentials, and without any where they are unusable: whether the mirror answers is known all the same."""
        if isinstance(secret, InputError):
            return replace(seen, secret_error=secret, probe=self._probe(rule, credentials=None, secret=b""))
        try:
            credentials = None if secret is None else parse_pull_secret(secret, where="the mirror's Secret")
            return replace(seen, probe=self._probe(rule, credentials=credentials, secret=secret or b""))
        except InvalidCredentialsError as exc:
            return replace(seen, secret_error=exc, probe=self._probe(rule, credentials=None, secret=b""))

    def _probe(self, rule: MirrorRule, *, credentials: Credentials | None, secret: bytes) -> Probe:
        """Ask the mirror, unless it was asked the same a moment ago."""
        settings = self._services.settings
        repository = rule.path_prefix.strip("/") or "mcpg"
        asked = repr((rule, repository, credentials is None, hashlib.sha256(secret).digest(), settings.ca_file))
        about = hashlib.sha256(asked.encode()).digest()
        now = self._services.now()
        with self._lock:
            last = self._asked.get(rule.name)
        if last is not None and last.about == about and now - last.at < timedelta(seconds=least_pause(settings)):
            return last.probe
        answer = self._ask(
            Target(
                registry=rule.host,
                repository=repository,
                credentials=credentials,
                insecure=rule.insecure,
                ca_file=settings.ca_file,
                avoid=(rule.registry,),
                budget=shared(settings.limits),
            )
        )
        with self._lock:
            self._asked[rule.name] = _Asked(about=about, at=now, probe=answer)
        return answer


def least_pause(settings: Settings) -> float:
    """Seconds between two probes of a mirror about which nothing changed: 30, or less where everything is looked at as often."""
    return min(_PAUSE, settings.resync_interval)


def named_mirror(plugin: Resource) -> str | None:
    """Give the mirror that a plugin names, whatever else is wrong with it."""
    return _text(plugin.spec, "oci", "mirrorRef", "name")


def named_secret(mirror: Resource) -> str | None:
    """Give the Secret that a mirror names."""
    return _text(mirror.spec, "auth", "secretRef", "secretName")


def _text(value: Any, *path: str) -> str | None:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None
