"""The plugin descriptor `plugin.yaml`, schema `mcpg.dev/plugin/v1`, as one typed value, and its comparison with a request.

Proves only that the descriptor is well-formed and is what was asked for. The detached signature does not cover it: who wrote
it is for the manifest pin and the image signature to say.

The rules are those of the schema's published JSON Schema, with one exception: unknown keys are kept as a warning, because a newer
packer may add some. They are checked by hand and not by pydantic, because every verification pays for this module's import and
pydantic alone would cost 45 ms of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from supplychain.descriptor_fields import Fields, kind_of, show, text_of
from supplychain.errors import (
    DescriptorInvalidError,
    PluginClassMismatchError,
    PluginIdMismatchError,
    ProtocolUnsupportedError,
    RuntimeMismatchError,
    VersionMismatchError,
)
from supplychain.limits import Limits
from supplychain.strict_yaml import StrictYamlError, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from supplychain.errors import Remedy

__all__ = [
    "CAPABILITIES",
    "CLASSES",
    "PLATFORM_SUFFIXES",
    "PROTOCOL_MAJOR",
    "RUNTIMES",
    "SCHEMA",
    "SEMVER",
    "Capability",
    "Descriptor",
    "check_request",
    "check_runtime",
    "parse_descriptor",
    "same_class",
    "tag_version",
]

SCHEMA: Final = "mcpg.dev/plugin/v1"
PROTOCOL_MAJOR: Final = "1"
CLASSES: Final = frozenset({
    "tool_gate", "transform", "identity_provider", "backend", "watch_strategy", "http_route", "audit_sink", "store", "cache",
    "telemetry_sink", "log_sink", "metrics_sink", "secret_provider", "config_provider", "transport", "policy_engine", "cluster",
    "catalog_provider", "credential_issuer", "approval_notifier", "content_store",
})  # fmt: skip
"""The protocol's 21 words. A request may also use the older words of `_OLDER_CLASSES`."""
RUNTIMES: Final[Mapping[str, str | None]] = {
    "native-cdylib-v1": "plugin.so",
    "wasi-v1": "plugin.wasm",
    "static-firstparty-v1": None,
}
"""Each runtime with the member that carries it; None where nothing can be packed."""

CAPABILITIES: Final[Mapping[str, str | None]] = {
    "audit_write": None, "cluster_leadership_acquire": None, "cluster_lock_acquire": None, "cluster_peer_read": None,
    "config_read": "schemes", "credential_issue": "kinds", "filesystem_read": "paths", "filesystem_write": "paths",
    "http_route_serve": None, "metric_emit": None, "network_outbound": None, "secrets_read": "schemes",
    "transport_listen": None, "unbounded_subscriptions": None,
}  # fmt: skip
"""Each kind with the name of its argument list, None for kinds without any."""

_OLDER_CLASSES: Final[Mapping[str, str]] = {"cluster_backend": "cluster", "binding": "backend"}
_PROVIDES = frozenset({"cache", "kv", "bus"})
_RESERVED_SCHEMES = frozenset({"env", "file"})
_FIELDS = frozenset({
    "schema", "id", "name", "description", "license", "class", "runtime", "protocol_version", "required_capabilities", "tags",
    "provides", "provides_schemes",
})  # fmt: skip

_ID = re.compile(r"[a-z][a-z0-9]*(?:\.[a-z0-9][a-z0-9_-]*)+")
_PROTOCOL = re.compile(r"[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
SEMVER: Final = re.compile(
    r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)"
    r"(?:-(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
# The longer one of two that fit must come first. `-musl` alone marks the multi-platform index of the musl builds.
PLATFORM_SUFFIXES: Final = (
    "-linux-musl-amd64", "-linux-musl-arm64", "-linux-amd64", "-linux-arm64", "-darwin-amd64", "-darwin-arm64",
    "-windows-amd64", "-windows-arm64", "-wasi-wasm", "-musl",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """One thing the plugin wants to be allowed; `arguments` is empty for kinds without any."""

    kind: str
    argument: str | None = None
    """The name of the argument list: `schemes`, `kinds` or `paths`."""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A well-formed descriptor. Its texts are the publisher's: escape them before a terminal sees them."""

    schema: str
    id: str
    name: str
    description: str
    license: str | None
    plugin_class: str
    runtime: str
    protocol_version: str
    required_capabilities: tuple[Capability, ...]
    tags: tuple[str, ...]
    provides: tuple[str, ...]
    provides_schemes: tuple[str, ...]
    unknown_keys: tuple[str, ...]
    """Keys that the schema does not know, as paths."""


def parse_descriptor(data: bytes, *, limit: int = Limits().descriptor) -> Descriptor:
    """Read `plugin.yaml`.

    Raises:
        DescriptorInvalidError: it is no YAML that every reader understands alike, or breaks the schema.
    """
    try:
        document = loads(data, limit=limit)
    except StrictYamlError as exc:
        raise DescriptorInvalidError("unusable YAML", got=str(exc), where="`plugin.yaml`") from exc
    if not isinstance(document, dict):
        raise DescriptorInvalidError("not a descriptor", expected="one mapping", got=kind_of(document), where="`plugin.yaml`")
    fields = Fields(document)
    schema = fields.text("schema")
    if schema != SCHEMA:
        raise DescriptorInvalidError("unknown schema", expected=f"`{SCHEMA}`", got=show(schema), where="`plugin.yaml`")
    unknown = [show(key, quotes="") for key in document if key not in _FIELDS]
    capabilities = tuple(
        _capability(item, index=index, unknown=unknown) for index, item in enumerate(fields.items("required_capabilities"))
    )
    return Descriptor(
        schema=schema,
        id=fields.text("id", fits=_fits_id, rule="a lower-case reverse DNS name of 3 to 255 characters"),
        name=fields.text("name", fits=_fits(1, 128), rule="1 to 128 characters"),
        description=fields.text("description", default=""),
        license=fields.text("license", fits=_fits(1, 64), rule="1 to 64 characters") if "license" in document else None,
        plugin_class=fields.text("class", fits=CLASSES.__contains__, rule="one of the protocol's 21 classes"),
        runtime=fields.text("runtime", fits=RUNTIMES.__contains__, rule=" or ".join(f"`{name}`" for name in RUNTIMES)),
        protocol_version=fields.text("protocol_version", fits=_fits_protocol, rule="a version such as `1.0`, in quotes"),
        required_capabilities=capabilities,
        tags=fields.texts("tags", fits=_fits(1, 64), rule="1 to 64 characters"),
        provides=fields.texts("provides", fits=_PROVIDES.__contains__, rule="`cache`, `kv` or `bus`"),
        provides_schemes=fields.texts("provides_schemes", fits=_fits_scheme, rule="1 to 32 characters, not `env` or `file`"),
        unknown_keys=tuple(unknown),
    )


def same_class(first: str, second: str) -> bool:
    """Whether two class words name the same class; `cluster_backend` is `cluster`, `binding` is `backend`."""
    return _OLDER_CLASSES.get(first, first) == _OLDER_CLASSES.get(second, second)


def tag_version(tag: str) -> str | None:
    """The semantic version in a tag such as `v1.2.3-linux-musl-amd64`, without `v` and platform; None where there is none."""
    bare = next((tag.removesuffix(suffix) for suffix in PLATFORM_SUFFIXES if tag.endswith(suffix)), tag)
    version = bare.removeprefix("v")
    return version if SEMVER.fullmatch(version) is not None else None


def check_request(
    descriptor: Descriptor, *, plugin_id: str | None, version: str | None, plugin_class: str | None, tag: str | None
) -> None:
    """Compare a descriptor with what was asked for; a wish that is None is not checked.

    The descriptor holds no version. The wanted one is compared with the tag, and only where the tag is a semantic version.

    Raises:
        PluginIdMismatchError, PluginClassMismatchError, VersionMismatchError: something else was asked for.
        ProtocolUnsupportedError: no gateway of this generation can load it.
    """
    where = "`plugin.yaml`"
    if plugin_id is not None and descriptor.id != plugin_id:
        raise PluginIdMismatchError(
            "another plugin",
            expected=show(plugin_id),
            got=show(descriptor.id),
            where=where,
            remedies=_accepting("--plugin-id", "pluginId", descriptor.id, plugin_id, effect="another plugin is trusted"),
        )
    if plugin_class is not None and not same_class(descriptor.plugin_class, plugin_class):
        raise PluginClassMismatchError(
            "another plugin class",
            expected=show(plugin_class),
            got=show(descriptor.plugin_class),
            where=where,
            remedies=_accepting("--class", "pluginClass", descriptor.plugin_class, plugin_class, effect="another role"),
        )
    _check_version(version, tag=tag)
    major = descriptor.protocol_version.partition(".")[0]
    if major != PROTOCOL_MAJOR:
        raise ProtocolUnsupportedError(
            "unsupported protocol version",
            expected=f"major version `{PROTOCOL_MAJOR}`",
            got=show(descriptor.protocol_version),
            where=where,
        )


def _check_version(version: str | None, *, tag: str | None) -> None:
    tagged = tag_version(tag) if tag is not None else None
    if version is not None and tagged is not None and tagged != version.removeprefix("v"):
        raise VersionMismatchError(
            "another version",
            expected=show(version),
            got=show(tagged),
            where=f"tag {show(str(tag))}",
            remedies=_accepting("--plugin-version", "version", tagged, version, effect="another release", weakens=False),
        )


def _accepting(flag: str, field: str, value: str, wanted: str, *, effect: str, weakens: bool = True) -> tuple[Remedy, ...]:
    from supplychain.remedies import evidence, policy  # noqa: PLC0415 — only for a refusal

    other = evidence(f"a package that fits {show(f'{flag} {wanted}')}")
    return (*policy([(flag, value)], manifest={f"spec.{field}": value}, effect=effect, weakens=weakens), other)


def check_runtime(descriptor: Descriptor, *, artifact_name: str) -> None:
    """Compare the declared runtime with the member that carries the artifact.

    Raises:
        RuntimeMismatchError: they do not belong together, or the runtime cannot be packed at all.
    """
    wanted = RUNTIMES[descriptor.runtime]
    if wanted is None:
        raise RuntimeMismatchError(
            "a runtime that is compiled into the gateway cannot be packed",
            expected=" or ".join(f"`{runtime}`" for runtime, member in RUNTIMES.items() if member is not None),
            got=show(descriptor.runtime),
            where="`plugin.yaml`",
        )
    if wanted != artifact_name:
        raise RuntimeMismatchError(
            f"runtime {show(descriptor.runtime)} does not fit the artifact", expected=f"`{wanted}`", got=show(artifact_name)
        )


def _capability(item: Any, *, index: int, unknown: list[str]) -> Capability:
    field = f"required_capabilities[{index}]"
    known = CAPABILITIES.__contains__
    if isinstance(item, str):
        kind = text_of(item, fits=known, rule="a known capability", field=field)
        if CAPABILITIES[kind] is not None:
            expected = f"an object with `type` and `{CAPABILITIES[kind]}`"
            raise DescriptorInvalidError(
                "unusable field", expected=expected, got=show(kind), where=f"`plugin.yaml` field `{field}`"
            )
        return Capability(kind=kind)
    if not isinstance(item, dict):
        raise DescriptorInvalidError(
            "unusable field", expected="a string or an object", got=kind_of(item), where=f"`plugin.yaml` field `{field}`"
        )
    kind = text_of(item.get("type"), fits=known, rule="a known capability", field=f"{field}.type")
    argument = CAPABILITIES[kind]
    unknown.extend(f"{field}.{show(key, quotes='')}" for key in item if key not in {"type", argument})
    if argument is None:
        return Capability(kind=kind)
    values = item.get(argument)
    if not isinstance(values, list):
        raise DescriptorInvalidError(
            "unusable field", expected="a list", got=kind_of(values), where=f"`plugin.yaml` field `{field}.{argument}`"
        )
    texts = [text_of(value, field=f"{field}.{argument}[{place}]") for place, value in enumerate(values)]
    return Capability(kind=kind, argument=argument, arguments=tuple(texts))


def _fits(shortest: int, longest: int) -> Callable[[str], bool]:
    return lambda text: shortest <= len(text) <= longest


def _fits_id(text: str) -> bool:
    return 3 <= len(text) <= 255 and _ID.fullmatch(text) is not None  # noqa: PLR2004 — the schema's bounds


def _fits_protocol(text: str) -> bool:
    return _PROTOCOL.fullmatch(text) is not None


def _fits_scheme(text: str) -> bool:
    return 1 <= len(text) <= 32 and text not in _RESERVED_SCHEMES  # noqa: PLR2004 — the schema's bounds
