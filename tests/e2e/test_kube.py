"""The port through lightkube on a real API server: the same tests as over the one in memory, and what only a real one has."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from lightkube import KubeConfig

from mcpg_operator.kube import KubeCluster
from mcpg_operator.resources import CONFIG_MAP, NAMESPACE, PLUGIN_MIRROR, SECRET
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError
from tests.support.cluster import NAMESPACE as HOME
from tests.support.cluster import OPERATOR
from tests.support.cluster_contract import MANAGER, ClusterContract, config_map, revocation_list, secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cluster import RunningCluster


def account(cluster: RunningCluster, **user: str) -> Any:
    """The operator's kubeconfig with another way to log in."""
    content = yaml.safe_load(cluster.service_account_kubeconfig(HOME, OPERATOR).read_text())
    content["users"][0]["user"] = user
    return KubeConfig.from_dict(content).get()


@pytest.fixture(scope="module")
def port(cluster: RunningCluster) -> Iterator[KubeCluster]:
    with closing(KubeCluster(config=KubeConfig.from_file(cluster.kubeconfig).get())) as port:
        yield port


@pytest.fixture(scope="module")
def place(cluster: RunningCluster) -> Iterator[str]:
    yield cluster.namespace("kube")
    cluster.api.delete(NAMESPACE, "kube")


class TestContract(ClusterContract):
    @pytest.fixture
    def port(self, port: KubeCluster) -> KubeCluster:
        return port

    @pytest.fixture
    def place(self, place: str) -> str:
        return place


def test_a_list_of_many_pages_is_whole(port: KubeCluster, cluster: RunningCluster, place: str) -> None:
    cluster.api.apply([config_map(place, f"many-{number:04}", labels={"many": "yes"}) for number in range(501)])
    names = [one.name for one in port.list(CONFIG_MAP, namespace=place, labels={"many": "yes"})]
    assert names == [f"many-{number:04}" for number in range(501)]
    slim = list(port.list_metadata(CONFIG_MAP, namespace=place, labels={"many": "yes"}))
    assert len(slim) == len(names)


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(revocation_list("wrong", unknown=1), id="an unknown field"),
        pytest.param(
            {**revocation_list("wrong"), "metadata": {"name": "wrong", "ownerReferences": [{"uid": "x"}, {"uid": "x"}]}},
            id="a key twice in a list map",
        ),
        pytest.param(revocation_list("wrong", revocations="no list"), id="a wrong type"),
        pytest.param(revocation_list("wrong", revocations=[{"artifactSha256": "no hash"}]), id="a broken CEL rule"),
        pytest.param(
            revocation_list("wrong", revocations=[{"artifactSha256": "ab" * 32, "reason": "x" * 1_700_000}]), id="large"
        ),
    ],
)
def test_what_the_api_server_will_never_take_is_permanent_whatever_code_it_answers(
    port: KubeCluster, manifest: dict[str, Any]
) -> None:
    with pytest.raises(ApplyRejectedError) as caught:
        port.apply(manifest, manager=MANAGER)
    assert len(str(caught.value)) < 500


def test_a_refused_secret_leaves_no_value_in_the_message(port: KubeCluster, place: str) -> None:
    bad = secret(place, "leaky", metadata={"labels": {"ok": "not ok because of blanks hunter2"}})
    worse = {**secret(place, "leaky"), "data": {"k": {"hunter2": 1}}}
    worst = {**secret(place, "leaky"), "stringData": {"k": ["hunter2"]}}
    for manifest in (bad, worse, worst, {**worst, "hunter2": 1}):
        with pytest.raises(ApplyRejectedError) as caught:
            port.apply(manifest, manager=MANAGER)
        assert "hunter2" not in f"{caught.value}{caught.value.hint}"


def test_a_namespace_that_goes_away_refuses_for_good(port: KubeCluster, cluster: RunningCluster) -> None:
    where = cluster.namespace("going")
    port.apply(config_map(where, "held", finalizers=["mcpg.dev/test"]), manager=MANAGER)
    cluster.api.delete(NAMESPACE, where)
    with pytest.raises(ApplyRejectedError, match="being deleted"):
        port.apply(config_map(where, "late"), manager=MANAGER)
    port.apply(config_map(where, "held", finalizers=[]), manager=MANAGER)
    cluster.wait_until(lambda: cluster.api.get(NAMESPACE, where) is None, seconds=40, what="the namespace to go")


def test_a_missing_right_is_named(cluster: RunningCluster, place: str) -> None:
    kubeconfig = cluster.service_account_kubeconfig(HOME, OPERATOR)
    with closing(KubeCluster(config=KubeConfig.from_file(kubeconfig).get())) as operator:
        with pytest.raises(ApplyForbiddenError, match=f"`patch` `secrets` in namespace `{place}`"):
            operator.apply(secret(place, "forbidden"), manager=MANAGER)
        with pytest.raises(ApplyForbiddenError, match="`list` `secrets`"):
            operator.list(SECRET)
        assert operator.served(PLUGIN_MIRROR)


def test_a_token_that_is_no_longer_taken_is_no_missing_object(cluster: RunningCluster) -> None:
    config = account(cluster, token="no token")
    with closing(KubeCluster(config=config)) as stranger, pytest.raises(ClusterUnavailableError, match="401"):
        stranger.get(PLUGIN_MIRROR, "a")


def test_a_token_in_a_file_is_read_again(cluster: RunningCluster, tmp_path: Any) -> None:
    file = tmp_path / "token"
    file.write_text("stale")
    config = account(cluster, tokenFile=str(file))
    with closing(KubeCluster(config=config)) as operator:
        with pytest.raises(ClusterUnavailableError, match="401"):
            operator.get(PLUGIN_MIRROR, "a")
        file.write_text(cluster.token(HOME, OPERATOR))
        assert operator.get(PLUGIN_MIRROR, "a") is None
