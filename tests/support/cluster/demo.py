"""`make demo-cluster`: a cluster, the operator, plugins, a tenant and a gateway with pods; then one plugin is revoked.

What is applied lies in `testdata/demo-cluster/`. Everything runs on loopback, and all of it is gone at the end.
"""

from __future__ import annotations

import base64
import json
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mcpg_operator.resources import DEPLOYMENT, GATEWAY, PLUGIN, PLUGIN_MIRROR, PLUGIN_SET, POD, ROUTE, SECRET
from tests.support.cluster import nodes
from tests.support.cluster.control_plane import PROGRAMS
from tests.support.cluster.manifests import definitions, rights
from tests.support.cluster.objects import said
from tests.support.cluster.operator_process import OperatorProcess
from tests.support.cluster.publishing import make_release
from tests.support.cluster.running import RunningCluster, wait_until
from tests.support.components import find
from tests.support.oci import Stored
from tests.support.registries import RunningRegistries
from tests.support.testdata.release import TESTDATA, TRUST_ROOT, default_descriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["FILES", "main", "operating", "play", "stock"]

FILES: Final = TESTDATA / "demo-cluster"
_WAIT: Final = 30
_SET, _TENANT = "main", "team-a"
_PLUGINS: Final = ("acme-audit", "acme-meter", "acme-redis", "acme-tampered")
_GATEWAY, _ROUTE = "shop", "stock"
_REVOKED: Final = "dev.acme.audit"
_REDIS: Final = "dev.mcpg.cluster.redis"


def stock(host: str) -> None:
    """Put the demo's packages into a registry, under the names that its mirror object leads to."""
    Stored.read(TESTDATA / "demo" / "layout").push(host, "plugins/audit")
    Stored.read(TESTDATA / "demo" / "layout-tampered").push(host, "plugins/tampered")
    redis = make_release("redis", plugin_id=_REDIS)
    redis.spec["pluginClass"] = "cluster"
    wanted = ["cluster_lock_acquire", "network_outbound"]
    redis.descriptor = {**default_descriptor(), "id": _REDIS, "class": "cluster", "required_capabilities": wanted}
    for name, release in (("meter", make_release("meter")), ("redis", redis)):
        release.attach_provenance = True
        release.stored().push(host, f"plugins/{name}")


@contextmanager
def operating(cluster: RunningCluster, host: str) -> Iterator[OperatorProcess]:
    """Run an operator that trusts the demo's Sigstore and knows where the mirror is."""
    flags = (
        f"--sigstore-trust-root-path={TRUST_ROOT}",
        f"--mirror-endpoint=harbor={host}",
        "--resync-interval-secs=5",
        "--operator-image=ghcr.io/acme/mcpg-operator:demo",
    )
    with OperatorProcess.running(cluster, name="operator-demo", flags=flags) as process:
        yield process


def play(cluster: RunningCluster, say: Callable[[str], None]) -> None:
    """Apply the files, show what becomes of them, revoke one plugin and show that; raises TimeoutError where it does not work."""
    _kubectl(cluster, say, "apply", "--filename", FILES)
    _tell_conditions(cluster, say)
    wait_until(lambda: _proxied(cluster) == len(_PLUGINS), seconds=_WAIT, what="the mirror to count its plugins")
    _kubectl(cluster, say, "get", "mcpgplugins,mcpgpluginmirrors,mcpgrevocationlists,mcpgtenants,mcpgclusters")
    wait_until(lambda: _stands(cluster)[0] == "True", seconds=_WAIT, what=f"the gateway to be Ready: {_stands(cluster)}")
    wait_until(lambda: said(cluster.api.get(ROUTE, _ROUTE, namespace=_TENANT)).status == "True", seconds=_WAIT, what="the route")
    _kubectl(cluster, say, "get", "mcpgpluginsets,mcpggateways,mcpgroutes,deployments,pods", "--namespace", _TENANT)
    say(f"the gateways of {_TENANT} load: {', '.join(_loaded(cluster))}\n")
    _refuse(cluster, say)
    began = time.monotonic()
    _kubectl(cluster, say, "apply", "--filename", FILES / "later" / "revoked.yaml")
    wait_until(lambda: _REVOKED not in _loaded(cluster), seconds=_WAIT, what="the revoked plugin to leave the set")
    wait_until(lambda: _stopped(cluster), seconds=_WAIT, what="the pods that loaded it to go")
    say(
        f"{time.monotonic() - began:.1f} s later no pod loads it: an audit sink guards evidence, and no gateway runs without it\n"
    )
    wait_until(lambda: _ready(cluster, "acme-audit")[0] == "False", seconds=_WAIT, what="the plugin to be flagged")
    wait_until(lambda: _set_ready(cluster) == "False", seconds=_WAIT, what="the set to say so")
    wait_until(lambda: _stands(cluster)[1] == "PluginRevoked", seconds=_WAIT, what="the gateway to say so")
    _kubectl(cluster, say, "get", "mcpgplugins,mcpgrevocationlists")
    say(f"acme-audit   {' '.join(_ready(cluster, 'acme-audit'))}")
    say(f"team-a/shop  {' '.join(_stands(cluster))}\n")
    _kubectl(cluster, say, "apply", "--filename", FILES / "later" / "set.yaml")
    wait_until(lambda: _stands(cluster)[0] == "True", seconds=_WAIT, what="the gateway to come back without the plugin")
    _kubectl(cluster, say, "get", "mcpggateways,pods", "--namespace", _TENANT)
    say(f"the gateways of {_TENANT} load: {', '.join(_loaded(cluster))}")


def main() -> int:
    """Show it; returns the exit code."""
    missing = [name for name in (*PROGRAMS, *nodes.PROGRAMS, "registry-referrers") if find(name) is None]
    if missing:
        _print(f"{', '.join(missing)}: not built; run `make tools` (needs Go, takes minutes)")
        return 1
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcpg-demo-")))
        _print("starting etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok and a registry")
        cluster = stack.enter_context(RunningCluster.running(folder, definitions=definitions()))
        cluster.api.apply(rights())
        stack.enter_context(nodes.running_nodes(cluster))
        registries = RunningRegistries(folder)
        stack.callback(registries.close)
        host = registries.referrers.host
        stock(host)
        _print(f"starting the operator, {time.monotonic() - began:.1f} s\n")
        stack.enter_context(operating(cluster, host))
        play(cluster, _print)
        _print(f"\nstopping everything, {time.monotonic() - began:.1f} s")
        return 0
    return 130


def _tell_conditions(cluster: RunningCluster, say: Callable[[str], None]) -> None:
    """Say how plugins and set stand whenever that changes, until all are settled."""
    told: dict[str, tuple[str, ...]] = {}
    began = time.monotonic()

    def settled() -> bool:
        now = {name: _ready(cluster, name) for name in _PLUGINS}
        now["team-a/main"] = (_set_ready(cluster),)
        for name, one in now.items():
            if one[0] and told.get(name) != one:
                say(f"{time.monotonic() - began:5.1f} s  {name}  Ready={' '.join(one)}")
                told[name] = one
        return [one[0] for one in now.values()] == ["True", "True", "True", "False", "True"]

    wait_until(settled, seconds=_WAIT, what="the plugins and the set to be settled")
    say("")


def _ready(cluster: RunningCluster, name: str) -> tuple[str, ...]:
    found = said(cluster.api.get(PLUGIN, name))
    return found.status, f"{found.reason}:", found.message


def _refuse(cluster: RunningCluster, say: Callable[[str], None]) -> None:
    """Show what the API server does not take."""
    file = FILES / "later" / "refused.yaml"
    say(f"$ kubectl apply --filename {_shown(file)}\n{cluster.kubectl('apply', '--filename', file, check=False)}")


def _stands(cluster: RunningCluster) -> tuple[str, str, str]:
    found = said(cluster.api.get(GATEWAY, _GATEWAY, namespace=_TENANT))
    return found.status, found.reason, found.message


def _stopped(cluster: RunningCluster) -> bool:
    found = cluster.api.get(DEPLOYMENT, f"{_GATEWAY}-gateway", namespace=_TENANT)
    return found is not None and found["spec"]["replicas"] == 0 and not list(cluster.api.list(POD, namespace=_TENANT))


def _proxied(cluster: RunningCluster) -> int:
    found = cluster.api.get(PLUGIN_MIRROR, "harbor") or {}
    return int(found.get("status", {}).get("proxiedReferences", 0))


def _set_ready(cluster: RunningCluster) -> str:
    return said(cluster.api.get(PLUGIN_SET, _SET, namespace=_TENANT)).status


def _loaded(cluster: RunningCluster) -> list[str]:
    found = cluster.api.get(SECRET, f"{_SET}-resolved", namespace=_TENANT)
    return [] if found is None else [one["id"] for one in json.loads(base64.b64decode(found["data"]["plugins.json"]))["entries"]]


def _kubectl(cluster: RunningCluster, say: Callable[[str], None], *words: object) -> None:
    say(f"$ kubectl {' '.join(map(_shown, words))}\n{cluster.kubectl(*words)}")


def _shown(word: object) -> str:
    return str(word).replace(f"{TESTDATA.parent}/", "")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
