"""The descriptor: its schema, and its comparison with a request."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from supplychain.descriptor import (
    CLASSES,
    RUNTIMES,
    Capability,
    Descriptor,
    check_request,
    check_runtime,
    parse_descriptor,
    same_class,
    tag_version,
)
from supplychain.errors import (
    DescriptorInvalidError,
    PluginClassMismatchError,
    PluginIdMismatchError,
    ProtocolUnsupportedError,
    RuntimeMismatchError,
    VersionMismatchError,
)
from tests.support.builders import DESCRIPTOR, build_descriptor

CAPABILITIES_WITHOUT_ARGUMENTS = (
    "audit_write", "cluster_leadership_acquire", "cluster_lock_acquire", "cluster_peer_read", "http_route_serve", "metric_emit",
    "network_outbound", "transport_listen", "unbounded_subscriptions",
)  # fmt: skip
CAPABILITIES_WITH_ARGUMENTS = (
    ("config_read", "schemes"), ("credential_issue", "kinds"), ("filesystem_read", "paths"), ("filesystem_write", "paths"),
    ("secrets_read", "schemes"),
)  # fmt: skip


def parsed(**overrides: object) -> Descriptor:
    return parse_descriptor(build_descriptor(**overrides))


def refused(**overrides: object) -> DescriptorInvalidError:
    with pytest.raises(DescriptorInvalidError) as caught:
        parsed(**overrides)
    return caught.value


def test_a_good_descriptor_becomes_a_value() -> None:
    assert parse_descriptor(DESCRIPTOR.encode()) == Descriptor(
        schema="mcpg.dev/plugin/v1",
        id="dev.mcpg.example.echo",
        name="Echo",
        description="Says back what it hears.",
        license="Apache-2.0",
        plugin_class="tool_gate",
        runtime="native-cdylib-v1",
        protocol_version="1.0",
        required_capabilities=(
            Capability(kind="audit_write"),
            Capability(kind="secrets_read", argument="schemes", arguments=("vault",)),
        ),
        tags=("example",),
        provides=(),
        provides_schemes=(),
        unknown_keys=(),
    )


def test_optional_fields_have_defaults() -> None:
    descriptor = parsed(description=None, license=None, required_capabilities=None, tags=None)
    assert (descriptor.description, descriptor.license, descriptor.required_capabilities, descriptor.tags) == ("", None, (), ())


def test_unknown_keys_are_kept_as_a_warning() -> None:
    descriptor = parsed(maturity="beta", required_capabilities=[{"type": "secrets_read", "schemes": ["vault"], "why": "x"}])
    assert descriptor.unknown_keys == ("maturity", "required_capabilities[0].why")


def test_a_terminal_escape_in_an_unknown_key_is_escaped() -> None:
    assert parse_descriptor(DESCRIPTOR.encode() + b'"\\e[31m": 1\n').unknown_keys == ("\\x1b[31m",)


@pytest.mark.parametrize("name", ["schema", "id", "name", "class", "runtime", "protocol_version"])
def test_a_missing_field_is_refused_by_name(name: str) -> None:
    assert refused(**{f"{name}_": None}).what == f"field `{name}` is missing"


@pytest.mark.parametrize("name", ["schema", "id", "name", "description", "license", "class", "runtime", "protocol_version"])
@pytest.mark.parametrize(
    ("value", "got"),
    [
        pytest.param(1, "a number", id="number"),
        pytest.param(1.5, "a number", id="fraction"),
        pytest.param(True, "true or false", id="boolean"),
        pytest.param(["x"], "a list", id="list"),
        pytest.param({"x": "y"}, "a mapping", id="mapping"),
    ],
)
def test_a_text_field_that_is_no_text_is_refused(name: str, value: object, got: str) -> None:
    error = refused(**{f"{name}_": value})
    assert (error.expected, error.got, error.where) == ("a string", got, f"`plugin.yaml` field `{name}`")


def test_an_explicit_null_is_refused() -> None:
    text = DESCRIPTOR.replace("license: Apache-2.0", "license: ~")
    with pytest.raises(DescriptorInvalidError) as caught:
        parse_descriptor(text.encode())
    assert caught.value.got == "nothing"


def test_an_unquoted_number_comes_with_the_hint_to_quote_it() -> None:
    assert refused(protocol_version=1.0).hint == "write it in quotes"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("schema", "mcpg.dev/plugin/v2"),
        ("id", "echo"), ("id", "a."), ("id", ".a"), ("id", "a..b"), ("id", "Dev.mcpg"), ("id", "1dev.mcpg"), ("id", "de-v.mcpg"),
        ("id", "dev.-mcpg"), ("id", "dev.mcpg\n"), ("id", "dev.mcpg/../x"), ("id", "dev." + "x" * 252), ("id", "a.b\u0131"),
        ("name", ""), ("name", "x" * 129),
        ("license", ""), ("license", "x" * 65),
        ("class", "plugin"), ("class", "cluster_backend"), ("class", "Tool_gate"), ("class", ""),
        ("runtime", "native"), ("runtime", ""),
        ("protocol_version", "1"), ("protocol_version", "1.0.0.0"), ("protocol_version", "v1.0"), ("protocol_version", "1.x"),
        ("protocol_version", "1.0\n"), ("protocol_version", "\u0661.0"),
        ("tags", "x"), ("tags", {"a": "b"}), ("tags", [1]), ("tags", [""]), ("tags", ["x" * 65]), ("tags", ["a", "a"]),
        ("provides", ["queue"]), ("provides", ["kv", "kv"]), ("provides", [None]),
        ("provides_schemes", ["env"]), ("provides_schemes", ["file"]), ("provides_schemes", [""]), ("provides_schemes", ["x" * 33]),
        ("provides_schemes", ["a", "a"]),
        ("required_capabilities", "audit_write"), ("required_capabilities", ["root"]), ("required_capabilities", [1]),
        ("required_capabilities", [{"type": "root"}]), ("required_capabilities", [{}]), ("required_capabilities", [{"type": 1}]),
        ("required_capabilities", ["secrets_read"]), ("required_capabilities", [{"type": "secrets_read"}]),
        ("required_capabilities", [{"type": "secrets_read", "schemes": "vault"}]),
        ("required_capabilities", [{"type": "secrets_read", "schemes": [1]}]),
        ("required_capabilities", [{"type": "secrets_read", "paths": ["/x"]}]),
    ],
)  # fmt: skip
def test_a_value_outside_the_schema_is_refused(name: str, value: object) -> None:
    error = refused(**{f"{name}_": value})
    assert str(error).isascii()
    assert str(error).isprintable()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", ["a.b", "dev.mcpg", "dev2.my_plugin-x.3", "d." + "x" * 253]),
        ("name", ["x", "x" * 128, "Ünïcode"]),
        ("license", ["x", "x" * 64]),
        ("description", ["", "x" * 5000, "two\nlines"]),
        ("class", sorted(CLASSES)),
        ("runtime", sorted(RUNTIMES)),
        ("protocol_version", ["1.0", "1.2.3", "1.0-rc.1", "1.0.0+build", "2.10"]),
        ("tags", [[], ["x" * 64, "y"]]),
        ("provides", [[], ["cache", "kv", "bus"]]),
        ("provides_schemes", [[], ["x" * 32]]),
    ],
)
def test_a_value_within_the_schema_is_accepted(name: str, values: list[Any]) -> None:
    for value in values:
        parsed(**{f"{name}_": value})


def test_there_are_21_classes() -> None:
    assert len(CLASSES) == 21


@pytest.mark.parametrize("kind", CAPABILITIES_WITHOUT_ARGUMENTS)
def test_a_capability_without_arguments_is_a_word_or_an_object(kind: str) -> None:
    capabilities = parsed(required_capabilities=[kind, {"type": kind}]).required_capabilities
    assert capabilities == (Capability(kind=kind), Capability(kind=kind))


@pytest.mark.parametrize(("kind", "argument"), CAPABILITIES_WITH_ARGUMENTS)
def test_a_capability_with_arguments_is_an_object(kind: str, argument: str) -> None:
    capabilities = parsed(required_capabilities=[{"type": kind, argument: ["a", "b"]}]).required_capabilities
    assert capabilities == (Capability(kind=kind, argument=argument, arguments=("a", "b")),)


@pytest.mark.parametrize(
    ("data", "got"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"id: a\nid: b\n", "twice", id="duplicate-key"),
        pytest.param(b"a: &a [x]\nb: *a\n", "an anchor", id="alias-bomb"),
        pytest.param(b"id: \xff", "not UTF-8", id="encoding"),
        pytest.param(b"[" * 1000, "nested deeper", id="depth"),
    ],
)
def test_unusable_yaml_is_refused(data: bytes, got: str) -> None:
    with pytest.raises(DescriptorInvalidError) as caught:
        parse_descriptor(data)
    assert got in str(caught.value.got)
    assert caught.value.where == "`plugin.yaml`"


@pytest.mark.parametrize("data", [b"- x\n", b"text\n", b"1\n", b"~\n"])
def test_a_document_that_is_no_mapping_is_refused(data: bytes) -> None:
    with pytest.raises(DescriptorInvalidError, match="not a descriptor"):
        parse_descriptor(data)


def test_a_descriptor_over_its_limit_is_refused() -> None:
    parse_descriptor(DESCRIPTOR.encode(), limit=len(DESCRIPTOR))
    with pytest.raises(DescriptorInvalidError, match="longer than"):
        parse_descriptor(DESCRIPTOR.encode(), limit=len(DESCRIPTOR) - 1)


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("1.2.3", "1.2.3"), ("v1.2.3", "1.2.3"), ("1.2.3-linux-amd64", "1.2.3"), ("1.2.3-linux-arm64", "1.2.3"),
        ("1.2.3-linux-musl-amd64", "1.2.3"), ("1.2.3-linux-musl-arm64", "1.2.3"), ("1.2.3-darwin-amd64", "1.2.3"),
        ("1.2.3-darwin-arm64", "1.2.3"), ("1.2.3-windows-amd64", "1.2.3"), ("1.2.3-windows-arm64", "1.2.3"),
        ("1.2.3-wasi-wasm", "1.2.3"), ("1.2.3-musl", "1.2.3"), ("v1.2.3-rc.1-linux-amd64", "1.2.3-rc.1"),
        ("1.2.3-linux-riscv64", "1.2.3-linux-riscv64"), ("1.2.3-linux-amd64-linux-amd64", "1.2.3-linux-amd64"),
        ("latest", None), ("protocol-1-linux-amd64", None), ("1.2", None), ("1.2.3.4", None), ("01.2.3", None), ("vv1.2.3", None),
        ("1.2.3_linux-amd64", None), ("linux-amd64", None), ("-linux-amd64", None),
    ],
)  # fmt: skip
def test_the_version_in_a_tag(tag: str, version: str | None) -> None:
    assert tag_version(tag) == version


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("cluster", "cluster_backend", True), ("cluster_backend", "cluster", True), ("binding", "backend", True),
        ("cluster_backend", "cluster_backend", True), ("tool_gate", "tool_gate", True), ("binding", "cluster", False),
        ("tool_gate", "transform", False), ("nonsense", "nonsense", True),
    ],
)  # fmt: skip
def test_older_class_words_mean_the_same(first: str, second: str, same: bool) -> None:
    assert same_class(first, second) is same


def ask(descriptor: Descriptor, **wanted: str | None) -> None:
    check_request(descriptor, **{"plugin_id": None, "version": None, "plugin_class": None, "tag": None, **wanted})


def test_a_descriptor_that_is_what_was_asked_for_passes() -> None:
    ask(
        parsed(),
        plugin_id="dev.mcpg.example.echo",
        version="1.2.3",
        plugin_class="tool_gate",
        tag="v1.2.3-linux-amd64",
    )


def test_what_was_not_asked_is_not_compared() -> None:
    ask(parsed())
    ask(parsed(), tag="1.2.3")


def test_another_plugin_is_refused() -> None:
    with pytest.raises(PluginIdMismatchError) as caught:
        ask(parsed(), plugin_id="dev.mcpg.example.ech0")
    assert (caught.value.expected, caught.value.got) == ("`dev.mcpg.example.ech0`", "`dev.mcpg.example.echo`")


def test_an_empty_wanted_id_is_a_wish_and_not_the_lack_of_one() -> None:
    with pytest.raises(PluginIdMismatchError):
        ask(parsed(), plugin_id="")


def test_another_class_is_refused() -> None:
    with pytest.raises(PluginClassMismatchError) as caught:
        ask(parsed(), plugin_class="audit_sink")
    assert (caught.value.expected, caught.value.got) == ("`audit_sink`", "`tool_gate`")


def test_an_older_class_word_is_accepted_in_the_request() -> None:
    ask(parsed(class_="cluster"), plugin_class="cluster_backend")


@pytest.mark.parametrize(("version", "tag"), [("1.2.3", "1.2.4"), ("1.2.3", "1.2.3-rc.1-linux-amd64"), ("v1.2.3", "v1.2.4")])
def test_another_version_in_the_tag_is_refused(version: str, tag: str) -> None:
    with pytest.raises(VersionMismatchError) as caught:
        ask(parsed(), version=version, tag=tag)
    assert caught.value.where == f"tag `{tag}`"


@pytest.mark.parametrize(("version", "tag"), [("v1.2.3", "1.2.3"), ("1.2.3", "v1.2.3"), ("1.2.3", "latest"), ("1.2.3", None)])
def test_a_version_is_compared_without_v_and_only_with_a_version(version: str, tag: str | None) -> None:
    ask(parsed(), version=version, tag=tag)


@pytest.mark.parametrize("protocol", ["2.0", "0.9", "10.0", "01.0"])
def test_another_protocol_major_is_refused(protocol: str) -> None:
    with pytest.raises(ProtocolUnsupportedError) as caught:
        ask(parsed(protocol_version=protocol))
    assert caught.value.got == f"`{protocol}`"


@pytest.mark.parametrize(("runtime", "artifact"), [("native-cdylib-v1", "plugin.so"), ("wasi-v1", "plugin.wasm")])
def test_a_runtime_that_fits_its_artifact_passes(runtime: str, artifact: str) -> None:
    check_runtime(parsed(runtime=runtime), artifact_name=artifact)


@pytest.mark.parametrize(
    ("runtime", "artifact", "what"),
    [
        ("native-cdylib-v1", "plugin.wasm", "does not fit"),
        ("wasi-v1", "plugin.so", "does not fit"),
        ("static-firstparty-v1", "plugin.so", "compiled into the gateway"),
    ],
)
def test_a_runtime_that_does_not_fit_is_refused(runtime: str, artifact: str, what: str) -> None:
    with pytest.raises(RuntimeMismatchError, match=what):
        check_runtime(parsed(runtime=runtime), artifact_name=artifact)


def test_importing_the_module_is_cheap() -> None:
    script = "import sys, supplychain.descriptor; sys.exit(bool({'yaml', 'pydantic', 'cryptography', 'json'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("error", "wanted", "flag", "field", "weakens"),
    [
        (PluginIdMismatchError, {"plugin_id": "dev.acme.other"}, "--plugin-id", "spec.pluginId", True),
        (PluginClassMismatchError, {"plugin_class": "catalog_provider"}, "--class", "spec.pluginClass", True),
        (VersionMismatchError, {"version": "v1.2.3", "tag": "v1.2.2"}, "--plugin-version", "spec.version", False),
    ],
)
def test_a_refusal_offers_the_wish_that_would_be_met(
    error: type[Exception], wanted: dict[str, str], flag: str, field: str, weakens: bool
) -> None:
    with pytest.raises(error) as caught:
        ask(parsed(), **wanted)
    remedies = caught.value.remedies  # type: ignore[attr-defined]
    evidence, policy = remedies if weakens else remedies[::-1]
    (name, value), (tag_name, wish) = next(iter(wanted.items())), policy.change.split(" ")
    assert (tag_name, policy.weakens, evidence.weakens) == (flag, weakens, False)
    assert policy.manifest == f"{field}: '{wish}'"
    assert f"{flag} {value}" in evidence.change
    ask(parsed(), **{**wanted, name: wish})


def test_a_scheme_may_be_one_character_long() -> None:
    assert parsed(provides_schemes=["a"]).provides_schemes == ("a",)


@pytest.mark.parametrize("version", ["1.0", "1.0.1", "1.2-rc.1"])
def test_every_minor_version_of_the_protocol_is_supported(version: str) -> None:
    ask(parsed(protocol_version=version))
