"""Cases of `MCPGPluginMirror`."""

from __future__ import annotations

from typing import Any, Final

from tests.support.testdata.admission.case import ABSENT, Case, accepted, changed, null, refused

__all__ = ["CASES"]

_KIND: Final = "MCPGPluginMirror"
_BASE: Final = {
    "endpoint": {"service": {"namespace": "oci-mirror", "name": "harbor", "port": 80}},
    "upstream": {"registry": "ghcr.io", "namespace": "mcpg-dev/source-code"},
}
_SERVICE: Final = "endpoint.service"


def _yes(title: str, changes: dict[str, Any], *, why: str) -> Case:
    return accepted(_KIND, title, changed(_BASE, changes), why=why)


def _no(title: str, field: str, value: Any, *, why: str, schema: str, at: str | None = None) -> Case:
    return refused(_KIND, title, changed(_BASE, {field: value}), why=why, schema=schema, field=field if at is None else at)


CASES: Final = (
    _yes("smallest", {}, why="Only what must be there."),
    _yes(
        "every field",
        {
            f"{_SERVICE}.pathPrefix": "v2/mirror",
            "endpoint.insecure": True,
            "auth": {"secretRef": {"secretName": "pull", "key": "config.json"}},
            "resyncInterval": "1h30m",
        },
        why="All that can be there.",
    ),
    _yes("prefix with slashes at both ends", {f"{_SERVICE}.pathPrefix": "///v2/mirror//"}, why="They do not count."),
    _yes("prefix that is empty", {f"{_SERVICE}.pathPrefix": ""}, why="As if it were absent."),
    _yes("prefix that is a slash", {f"{_SERVICE}.pathPrefix": "/"}, why="As if it were absent."),
    _yes("registry with a port", {"upstream.registry": "localhost:5000"}, why="A port shows that a host is meant."),
    _yes("registry with a slash behind", {"upstream.registry": "ghcr.io/"}, why="It does not count."),
    _yes("registry that is an address", {"upstream.registry": "[2001:db8::1]"}, why="Upstream may have no name."),
    _yes("namespace with slashes at both ends", {"upstream.namespace": "/acme/"}, why="They do not count."),
    _yes("interval in microseconds", {"resyncInterval": "1.5s20µs"}, why="A duration of Go; only a hint."),
    _no("port 0", f"{_SERVICE}.port", 0, why="No port.", schema="should be greater than or equal to 1"),
    _no("port 65536", f"{_SERVICE}.port", 65536, why="No port.", schema="should be less than or equal to 65535"),
    _no("port as text", f"{_SERVICE}.port", "80", why="Another type.", schema="must be of type integer"),
    _no("port as a truth value", f"{_SERVICE}.port", True, why="Another type.", schema="must be of type integer"),
    _no("port with a fraction", f"{_SERVICE}.port", 80.5, why="No port.", schema="must be of type integer"),
    _no("no port", f"{_SERVICE}.port", ABSENT, why="None is guessed.", schema="port: Required"),
    _no("blank service", f"{_SERVICE}.name", " ", why="As good as none.", schema="no DNS label"),
    _no("service with a dot", f"{_SERVICE}.name", "harbor.evil", why="It would lead into another namespace.", schema="no DNS label"),
    _no("service in upper case", f"{_SERVICE}.name", "Harbor", why="No Service has such a name.", schema="no DNS label"),
    _no("empty namespace of the service", f"{_SERVICE}.namespace", "", why="As good as none.", schema="no DNS label"),
    _no("namespace of the service of 64 characters", f"{_SERVICE}.namespace", "a" * 64, why="Too long.", schema="Too long"),
    _no("prefix with an empty segment", f"{_SERVICE}.pathPrefix", "a//b", why="No registry has it.", schema="no repository path"),
    _no("prefix with a dot segment", f"{_SERVICE}.pathPrefix", "a/../b", why="It would leave the prefix.", schema="no repository path"),
    _no("prefix with spaces", f"{_SERVICE}.pathPrefix", " a ", why="Not trimmed in silence.", schema="no repository path"),
    _no("prefix in upper case", f"{_SERVICE}.pathPrefix", "V2", why="Repositories are lower case.", schema="no repository path"),
    _no("empty registry", "upstream.registry", "", why="It would stand for everything.", schema="no registry host"),
    _no("registry of one word", "upstream.registry", "docker", why="Could be a repository as well.", schema="no registry host"),
    _no("registry with a scheme", "upstream.registry", "https://ghcr.io", why="It would never match.", schema="no registry host"),
    _no("registry with a path", "upstream.registry", "ghcr.io/acme", why="It would never match.", schema="no registry host"),
    _no("registry in upper case", "upstream.registry", "GHCR.io", why="Written one way only.", schema="no registry host"),
    _no("registry at port 0", "upstream.registry", "ghcr.io:0", why="No port.", schema="no registry host"),
    _no("registry at port 65536", "upstream.registry", "ghcr.io:65536", why="No port.", schema="no registry host"),
    _no("registry with a line break", "upstream.registry", "ghcr.io\n", why="It would never match.", schema="no registry host"),
    _no("empty upstream namespace", "upstream.namespace", "", why="It would stand for the whole registry.", schema="no repository path"),
    _no("upstream namespace of slashes", "upstream.namespace", "//", why="As good as empty.", schema="no repository path"),
    _no("upstream namespace with an empty segment", "upstream.namespace", "a//b", why="It never matches.", schema="no repository path"),
    _no("upstream namespace in upper case", "upstream.namespace", "Acme", why="It never matches.", schema="no repository path"),
    _no("credentials without a secret", "auth", {}, why="Nowhere to look.", schema="secretRef: Required", at="auth.secretRef"),
    _no(
        "credentials in a blank secret", "auth", {"secretRef": {"secretName": " "}}, why="Nowhere to look.",
        schema="no name that an object can have", at="auth.secretRef.secretName",
    ),
    _no(
        "credentials under a key with a slash", "auth", {"secretRef": {"secretName": "pull", "key": "a/b"}}, why="No Secret has it.",
        schema="no key that a Secret can have", at="auth.secretRef.key",
    ),
    _no("insecure as text", "endpoint.insecure", "yes", why="Another type.", schema="must be of type boolean"),
    _no("interval that is a word", "resyncInterval", "soon", why="No duration.", schema="no duration"),
    _no("field that is misspelt", "endpoint.insecur", True, why="It would be dropped.", schema="unknown field"),
    null(_KIND, _BASE, "endpoint.insecure", apply=None),
    null(_KIND, _BASE, "auth", apply='must be of type object: "null"'),
)  # fmt: skip
