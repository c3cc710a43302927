"""Messages, versions and what names what."""

import itertools

import pytest

from mcpg_operator.controllers.plugin.live import LiveDocument, Names, mirror_secret
from mcpg_operator.controllers.plugin.semver import older
from mcpg_operator.controllers.plugin.watches import Reverse
from mcpg_operator.controllers.plugin.words import cut, say
from mcpg_operator.resources import CONFIG_MAP, PLUGIN, PLUGIN_MIRROR, SECRET, Key, Resource
from mcpg_operator.runtime.store import Store
from supplychain.report import Problem

ORDER = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.0.1",
    "1.1.0",
    "2.0.0",
    "10.0.0",
]


def test_versions_are_ordered_as_their_specification_orders_them():
    for before, after in itertools.pairwise(ORDER):
        assert older(before, after), (before, after)
        assert not older(after, before), (after, before)


@pytest.mark.parametrize(
    ("one", "two"), [("1.0.0", "1.0.0"), ("v1.0.0", "1.0.0"), ("1.0.0+a", "1.0.0+b"), ("one", "1.0.0"), ("1.0.0", "two")]
)
def test_neither_is_older(one, two):
    assert not older(one, two)
    assert not older(two, one)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem(reason="R", message="m"), "m"),
        (Problem(reason="R", message="m", expected="e"), "m: expected e"),
        (Problem(reason="R", message="m", got="g"), "m: got g"),
        (Problem(reason="R", message="m", expected="e", got="g", where="w", hint="h"), "m: expected e, got g, in w; h"),
        (Problem(reason="R", message="m", hint="use `--key FILE`"), "m"),
        (Problem(reason="R", message="m", hint="raise `--max-verification-age-secs`"), "m; raise `--max-verification-age-secs`"),
    ],
)
def test_a_problem_is_said_whole_and_without_hints_for_another_program(problem, text):
    assert say(problem) == text


def test_messages_are_printable_and_bounded():
    assert cut("a\x1b[31m\n\x00\u202e\ud800é") == "a\\x1b[31m\\n\\x00\\u202e\\ud800é"
    assert len(cut("x" * 5000)) == 1024


def plugin(name: str, **spec: object) -> Resource:
    return Resource(PLUGIN, {"metadata": {"name": name, "resourceVersion": repr(spec)}, "spec": spec})


def thing(kind: object, name: str, namespace: str | None = "mcpg-system", **body: object) -> Resource:
    return Resource(kind, {"metadata": {"name": name, "namespace": namespace, "resourceVersion": repr(body)}, **body})  # type: ignore[arg-type]


def test_a_plugin_is_found_by_everything_that_it_names():
    store = Store()
    reverse = Reverse(store, namespace="mcpg-system")
    store.put(
        plugin(
            "a",
            oci={"pullSecretRef": {"name": "pull"}},
            trust={"signingKeyRef": {"secretName": "key"}, "slsaProvenance": {"configMapName": "prov"}},
        )
    )
    for kind, name in ((SECRET, "pull"), (SECRET, "key"), (CONFIG_MAP, "prov")):
        assert reverse.users(thing(kind, name)) == {Key(PLUGIN, "a")}
    assert not reverse.users(thing(SECRET, "prov"))
    assert not reverse.users(thing(SECRET, "key", "elsewhere"))


def test_a_mirrors_secret_concerns_the_plugins_behind_the_mirror():
    store = Store()
    store.put(plugin("a", oci={"mirrorRef": {"name": "inner"}}))
    store.put(thing(PLUGIN_MIRROR, "inner", None, spec={"auth": {"secretRef": {"secretName": "mirror-pull"}}}))
    reverse = Reverse(store, namespace="mcpg-system")
    assert reverse.users(thing(SECRET, "mirror-pull")) == {Key(PLUGIN, "a")}
    assert reverse.users(thing(PLUGIN_MIRROR, "inner", None)) == {Key(PLUGIN, "a")}


def test_what_is_named_no_more_concerns_nobody():
    store = Store()
    reverse = Reverse(store, namespace="mcpg-system")
    store.put(plugin("a", trust={"signingKeyRef": {"secretName": "old"}}))
    store.put(plugin("a", trust={"signingKeyRef": {"secretName": "new"}}))
    assert not reverse.users(thing(SECRET, "old"))
    assert reverse.users(thing(SECRET, "new")) == {Key(PLUGIN, "a")}
    store.remove(Key(PLUGIN, "a"))
    assert not reverse.users(thing(SECRET, "new"))
    assert reverse._users == {}


@pytest.mark.parametrize("name", ["../x", "UPPER", "a" * 254, "", 7, None, ["x"], "a b"])
def test_what_no_object_can_be_called_is_named_by_nobody(name):
    assert Names.of(plugin("a", oci={"mirrorRef": {"name": name}})).mirror is None
    assert mirror_secret(thing(PLUGIN_MIRROR, "m", None, spec={"auth": {"secretRef": {"secretName": name}}})) is None


def test_a_live_document_is_named_by_kind_and_name():
    assert LiveDocument.of(thing(SECRET, "key")).place == "Secret `mcpg-system/key`"
    assert LiveDocument.of(plugin("a")).place == "MCPGPlugin `a`"
