"""Cases of `MCPGCluster`."""

from __future__ import annotations

from typing import Any, Final

from tests.support.testdata.admission.case import ABSENT, Case, accepted, changed, differing, null, refused

__all__ = ["CASES"]

_KIND: Final = "MCPGCluster"
_BASE: Final = {"backend": "redis", "config": {"url": "rediss://redis.example:6379"}}
_UNSEEN: Final = "what is in a free-form object cannot be seen by a rule of the schema"


def _yes(title: str, changes: dict[str, Any], *, why: str) -> Case:
    return accepted(_KIND, title, changed(_BASE, changes), why=why)


def _no(title: str, field: str, value: Any, *, why: str, schema: str, at: str | None = None) -> Case:
    return refused(_KIND, title, changed(_BASE, {field: value}), why=why, schema=schema, field=field if at is None else at)


def _credential(title: str, why: str, schema: str, at: str, **fields: Any) -> Case:
    return _no(
        title,
        "credentialRefs",
        [{"name": "password", "secretName": "redis", **fields}],
        why=why,
        schema=schema,
        at=f"credentialRefs[0]{at}",
    )


def _refs(*names: str) -> list[dict[str, str]]:
    return [{"name": one, "secretName": "redis"} for one in names]


CASES: Final = (
    accepted(_KIND, "smallest", {}, why="The coordinator within the process."),
    accepted(_KIND, "single node with an empty config", {"backend": "single_node", "config": {}}, why="As if it were absent."),
    _yes("every field", {
        "config.tls": {"any": [1, None]}, "pluginRef": {"name": "mcpg-redis"},
        "credentialRefs": [{"name": "password", "secretName": "redis", "key": "redis-password"}, {"name": "Pass.word_2-", "secretName": "redis"}],
    }, why="All that can be there."),
    _yes("nats", {"backend": "nats"}, why="Another backend."),
    _yes("consul", {"backend": "consul"}, why="Another backend."),
    _yes("etcd", {"backend": "etcd"}, why="Another backend."),
    _yes("plaintext", {"config.url": "redis://redis:6379"}, why="Admission warns, or refuses where it is told to."),
    _yes("64 credentials", {"credentialRefs": _refs(*(f"{number:063d}" for number in range(64)))}, why="As many and as long as can be."),
    _no("unknown backend", "backend", "zookeeper", why="No gateway knows it.", schema="Unsupported value"),
    _no("no config", "config", ABSENT, why="It needs an address.", schema="the backend needs a configuration", at=""),
    differing(_KIND, "empty config", changed(_BASE, {"config": {}}), why="It needs an address.", difference=_UNSEEN, field=""),
    differing(_KIND, "single node with a config", {"config": {"url": "x"}}, why="It takes none.", difference=_UNSEEN, field=""),
    _no("config that names the backend", "config.kind", "nats", why="Which one?", schema="`kind` is no key of the configuration", at="config"),
    _no("config that names the backend by a number", "config.kind", 1, why="Which one?", schema="must be of type string", at="config"),
    _no("config as a list", "config", [], why="Another type.", schema="must be of type object"),
    refused(_KIND, "single node with a plugin", {"pluginRef": {"name": "a"}}, why="It needs none.", schema="with a backend that is no plugin", field=""),
    _no("blank plugin", "pluginRef", {"name": " "}, why="No such plugin.", schema="no name that an object can have", at="pluginRef.name"),
    _no("plugin in a namespace", "pluginRef", {"name": "a", "namespace": "b"}, why="Plugins have none.", schema="unknown field",
        at="pluginRef.namespace"),
    _no("credential twice", "credentialRefs", _refs("a", "b", "a"), why="Which one?", schema="two credentials have the same name"),
    _no("65 credentials", "credentialRefs", _refs(*(f"c{number}" for number in range(65))), why="Too many.", schema="Too many"),
    _credential("blank credential", "It becomes the name of a file.", "no credential name", ".name", name=" "),
    _credential("credential with a path", "It becomes the name of a file.", "no credential name", ".name", name="../x"),
    _credential("credential that is a step up", "It becomes the name of a file.", "no name of a file", ".name", name=".."),
    _credential("credential that is a dot", "It becomes the name of a file.", "no name of a file", ".name", name="."),
    _credential("credential with a line break", "It becomes the name of a file.", "no credential name", ".name", name="a\n"),
    _credential("credential of 64 characters", "It becomes the name of a file.", "Too long", ".name", name="a" * 64),
    _credential("credential in a blank secret", "No such Secret.", "no name that an object can have", ".secretName", secretName=" "),
    _credential("credential in another namespace", "Only the operator's namespace is asked.", "unknown field", ".namespace", namespace="kube-system"),
    _credential("credential under a blank key", "No such key.", "no key that a Secret can have", ".key", key=" "),
    _credential("credential under a key with a slash", "No such key.", "no key that a Secret can have", ".key", key="a/b"),
    _no("field that is misspelt", "credentials", [], why="They would be missing.", schema="unknown field"),
    refused(_KIND, "no spec", ABSENT, why="Not even an empty one.", schema="spec: Required", field=""),
    null(_KIND, {}, "backend", apply=None),
    null(_KIND, _BASE, "pluginRef", apply='must be of type object: "null"'),
    null(_KIND, _BASE, "credentialRefs", apply='must be of type array: "null"'),
)  # fmt: skip
