"""The init container that puts the plugins together and proves each once more before the gateway may load it.

Pins, keys and ids stand in its arguments. Whoever may edit ConfigMaps in the namespace, or annotate a running pod, cannot change
them: the pod template alone says what is loaded, and a pod's arguments never change. The name of each plugin's Secret ends in a
hash of all its data, which covers descriptor and index as well.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from mcpg_operator.render.gateway.config import REVOCATIONS
from mcpg_operator.render.gateway.plugins import PLUGINS, folder
from mcpg_operator.render.gateway.volumes import PLUGINS_VOLUME, READABLE, STORED
from supplychain.errors import InvalidPolicyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcpg_operator.render.gateway.inputs import GatewayInputs
    from mcpg_operator.render.resolved_set import Entry

__all__ = ["CONTAINER_SECURITY", "REVOCATIONS_VOLUME", "escaped", "render_materialise"]

REVOCATIONS_VOLUME: Final = "revocation-list"
CONTAINER_SECURITY: Final[Mapping[str, Any]] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsGroup": 65534,
    "runAsNonRoot": True,
    "runAsUser": 65534,
}
_RESOURCES: Final = {"limits": {"cpu": "1", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}}
"""Of its own it needs at most 32 MiB above an idle Python; what it writes is page cache, which the kernel takes back."""
_CONTENT: Final = re.compile(r".*-([0-9a-f]{32})", re.ASCII)


def render_materialise(inputs: GatewayInputs, plugins: Sequence[Entry], names: Mapping[str, str]) -> dict[str, Any]:
    """Write the container.

    Raises:
        InvalidPolicyError: the operator does not know its own image.
    """
    defaults = inputs.defaults
    if not defaults.operator_image:
        raise InvalidPolicyError(
            "the operator does not know which image puts plugins together",
            expected="an image with `supplychain`",
            where="`--operator-image`",
            hint="set it to the operator's own image, by digest where possible",
        )
    arguments = ["materialise", "--mode", f"0{READABLE:o}", "--platform", defaults.platform]
    arguments += ["--limit-artifact", str(defaults.limits.artifact), "--limit-delivery", str(defaults.limits.delivery)]
    mounts = [{"name": names[one.id], "mountPath": f"{STORED}/{names[one.id]}", "readOnly": True} for one in plugins]
    mounts.append({"name": PLUGINS_VOLUME, "mountPath": PLUGINS})
    if inputs.revocations is not None:
        arguments += ["--revocations", REVOCATIONS]
        mounts.append({"name": REVOCATIONS_VOLUME, "mountPath": REVOCATIONS.rpartition("/")[0], "readOnly": True})
    for one in plugins:
        arguments += ["--order", escaped(_order(one, names[one.id]))]
    return {
        "name": "materialise",
        "image": defaults.operator_image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["supplychain"],
        "args": arguments,
        "resources": _RESOURCES,
        "securityContext": dict(CONTAINER_SECURITY),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }


def _order(plugin: Entry, volume: str) -> str:
    """Write what `materialise --order` takes."""
    content = _CONTENT.fullmatch(plugin.secret)
    order = {
        "source": f"{STORED}/{volume}",
        "target": folder(plugin),
        "digest": f"sha256:{plugin.digest}",
        "publicKeys": [pem for _, pem in plugin.keys],
        "pluginId": plugin.id,
        "pluginClass": plugin.plugin_class,
        **({} if content is None else {"content": content[1]}),
    }
    return json.dumps(order, sort_keys=True, separators=(",", ":"))


def escaped(text: str) -> str:
    """Write a text so that the kubelet, which replaces `$(NAME)` in arguments and variables, leaves it as it is."""
    return text.replace("$", "$$")
