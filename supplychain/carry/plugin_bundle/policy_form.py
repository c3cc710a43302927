"""A plugin's policy as JSON and back: what is carried beside a plugin, so that it can be judged again by the same policy.

What is written is the policy that took effect, wherever it came from: flags and manifests come to the same. It is made of typed
values and not of documents, so no Secret travels but the public keys in it. Pure.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from supplychain.artifact import Platform
from supplychain.cosign import CosignPolicy
from supplychain.ed25519 import PublicKey
from supplychain.identity_pattern import IdentityPattern
from supplychain.policy import TrustPolicy
from supplychain.slsa import SlsaPolicy
from supplychain.verification_key import TrustedKey, VerificationKey
from supplychain.wire import Fields, MalformedError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["optional_text", "parse_platform", "parse_policy", "render_platform", "render_policy"]

_MAX_KEYS: Final = 64
_MAX_BUILDERS: Final = 256


def render_policy(policy: TrustPolicy) -> dict[str, Any]:
    """Write a policy; what it does not ask for is left out."""
    found: dict[str, Any] = {
        "keys": [{"name": key.name, "key": base64.b64encode(key.raw).decode()} for key in policy.keys],
        "pluginId": policy.plugin_id,
        "version": policy.version,
        "pluginClass": policy.plugin_class,
        "slsa": None if policy.slsa is None else _render_slsa(policy.slsa),
    }
    if policy.cosign is not None:
        found["cosign"] = {"certificateIdentityRegexp": policy.cosign.identity.text, "oidcIssuer": policy.cosign.issuer}
    return _present(found)


def parse_policy(fields: Fields) -> TrustPolicy:
    """Read a policy that `render_policy` wrote.

    Raises:
        MalformedError: a field is missing, of another type, or unknown: it may be a demand that this version does not know.
        InputError: a value can be no policy.
    """
    cosign = fields.optional("cosign")
    slsa = fields.optional("slsa")
    policy = TrustPolicy(
        keys=tuple(_key(one) for one in fields.objects("keys", limit=_MAX_KEYS)),
        plugin_id=optional_text(fields, "pluginId"),
        version=optional_text(fields, "version"),
        plugin_class=optional_text(fields, "pluginClass"),
        cosign=None if cosign is None else _cosign(cosign),
        slsa=None if slsa is None else _slsa(slsa),
    )
    fields.done()
    return policy


def render_platform(platform: Platform) -> dict[str, str]:
    """Write a platform."""
    return _present({"os": platform.os, "architecture": platform.architecture, "libc": platform.libc})


def parse_platform(fields: Fields) -> Platform:
    """Read a platform that `render_platform` wrote; errors as those of `parse_policy`."""
    libc = optional_text(fields, "libc")
    platform = Platform(os=fields.text("os"), architecture=fields.text("architecture"), libc=libc)
    fields.done()
    return platform


def optional_text(fields: Fields, name: str) -> str | None:
    """Take a text that may be absent."""
    return fields.text(name) if name in fields else None


def _render_slsa(policy: SlsaPolicy) -> dict[str, Any]:
    return _present(
        {
            "sourceUri": policy.source_uri,
            "sourceTag": policy.source_tag,
            "sourceVersionedTag": policy.source_versioned_tag,
            "sourceBranch": policy.source_branch,
            "builderIds": None if policy.builder_ids is None else list(policy.builder_ids),
            "workflowInputs": dict(policy.workflow_inputs) or None,
            "allowUnsigned": policy.allow_unsigned or None,
            "keys": [{"name": key.name, "key": base64.b64encode(key.key.spki).decode()} for key in policy.keys] or None,
            "issuer": policy.issuer,
        }
    )


def _slsa(fields: Fields) -> SlsaPolicy:
    builders = fields.items("builderIds", limit=_MAX_BUILDERS) if "builderIds" in fields else None
    inputs = fields.fields("workflowInputs").rest() if "workflowInputs" in fields else {}
    rest = {"allowUnsigned": False, **fields.rest()}
    if not all(isinstance(text, str) for text in (*(builders or ()), *inputs.values())):
        raise MalformedError(f"`{fields.where}` has a builder or an input that is no text")
    allowed = rest.pop("allowUnsigned")
    if not isinstance(allowed, bool):
        raise MalformedError(f"`{fields.where}.allowUnsigned` is no truth value")
    fields = Fields(rest, fields.where)
    policy = SlsaPolicy(
        source_uri=fields.text("sourceUri"),
        source_tag=optional_text(fields, "sourceTag"),
        source_versioned_tag=optional_text(fields, "sourceVersionedTag"),
        source_branch=optional_text(fields, "sourceBranch"),
        builder_ids=None if builders is None else tuple(builders),
        workflow_inputs=inputs,
        allow_unsigned=allowed,
        keys=tuple(_trusted_key(one) for one in fields.objects("keys", limit=_MAX_KEYS)),
        issuer=fields.text("issuer"),
    )
    fields.done()
    return policy


def _cosign(fields: Fields) -> CosignPolicy:
    policy = CosignPolicy(
        identity=IdentityPattern.parse(fields.text("certificateIdentityRegexp")), issuer=fields.text("oidcIssuer")
    )
    fields.done()
    return policy


def _key(fields: Fields) -> PublicKey:
    key = PublicKey(raw=fields.octets("key"), name=fields.text("name"))
    fields.done()
    return key


def _trusted_key(fields: Fields) -> TrustedKey:
    key = TrustedKey(key=VerificationKey.load(fields.octets("key")), name=fields.text("name"))
    fields.done()
    return key


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
