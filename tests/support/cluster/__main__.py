"""`make cluster`: a Kubernetes to play with, with the operator running in it, until Ctrl-C.

Files lie in a temporary directory that is removed at the end; ports are free ones of loopback.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.support.cluster.control_plane import PROGRAMS
from tests.support.cluster.manifests import NAMESPACE, OPERATOR, definitions, rights
from tests.support.cluster.operator_process import OperatorProcess
from tests.support.cluster.running import RunningCluster
from tests.support.components import find

_GUIDE = """
  export KUBECONFIG={kubeconfig}
  kubectl={kubectl}

  $kubectl version
  $kubectl get crds
  $kubectl auth can-i --list --as=system:serviceaccount:{namespace}:{account}

{operator}
API server {url}, logs in {directory}
Ctrl-C stops everything and removes it.
"""
_RUNNING = """The operator runs: {url}/metrics, log {log}
  $kubectl get mcpgplugins,mcpgpluginmirrors,mcpgrevocationlists
  $kubectl get events --namespace=default --watch
"""
_NOT_RUNNING = "No operator runs: `mcpg_operator.app` does not exist.\n"


def main() -> int:
    """Run until a signal; returns the exit code."""
    missing = [name for name in PROGRAMS if find(name) is None]
    if missing:
        _say(f"{', '.join(missing)}: not built; run `tools/build.sh etcd kubernetes` (needs Go, takes minutes)")
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcpg-cluster-")))
        _say("starting etcd, kube-apiserver and kube-controller-manager")
        cluster = stack.enter_context(RunningCluster.running(directory, definitions=definitions()))
        cluster.api.apply(rights())
        operator = _start_operator(cluster, stack)
        guide = _GUIDE.format(
            kubeconfig=cluster.kubeconfig, kubectl=find("kubectl"), namespace=NAMESPACE, account=OPERATOR,
            operator=operator, url=cluster.url, directory=directory,
        )  # fmt: skip
        _say(guide)
        while True:
            time.sleep(3600)
    _say("stopped")
    return 0


def _start_operator(cluster: RunningCluster, stack: ExitStack) -> str:
    """Start it where it exists; the cluster is of use without it, too. Returns what to tell about it."""
    if importlib.util.find_spec("mcpg_operator.app") is None:
        return _NOT_RUNNING
    try:
        process = stack.enter_context(OperatorProcess.running(cluster, flags=["--log-level=info"]))
    except (RuntimeError, TimeoutError) as error:
        return f"No operator runs: {error}\n"
    return _RUNNING.format(url=process.url, log=process.program.log)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
