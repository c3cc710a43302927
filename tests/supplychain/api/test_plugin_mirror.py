import pytest

from supplychain.api import PluginMirrorSpec, parse_spec
from supplychain.errors import InputError, InvalidManifestError

SERVICE = {"namespace": "oci-mirror", "name": "harbor", "port": 80}
UPSTREAM = {"registry": "ghcr.io", "namespace": "mcpg-dev/source-code"}
SPEC = {"endpoint": {"service": SERVICE}, "upstream": UPSTREAM}


def parse(**changes):
    return parse_spec(PluginMirrorSpec, SPEC | changes, where="here")


def test_the_smallest_mirror_is_read():
    rule = parse().rule("harbor")
    assert rule.host == "harbor.oci-mirror.svc.cluster.local:80"
    assert rule.insecure is False
    assert parse().auth is None


def test_every_field_is_read():
    found = parse(
        endpoint={"service": SERVICE | {"pathPrefix": "/v2/mirror"}, "insecure": True},
        auth={"secretRef": {"secretName": "pull", "key": "config.json"}},
        resyncInterval="1h30m",
    )
    assert found.auth.secret_ref.key == "config.json"
    assert found.rule("harbor").path_prefix == "/v2/mirror"
    assert found.rule("harbor").insecure is True


def test_the_key_of_the_auth_secret_has_its_default():
    assert parse(auth={"secretRef": {"secretName": "pull"}}).auth.secret_ref.key == ".dockerconfigjson"


def test_the_host_can_be_replaced():
    assert parse().rule("harbor", endpoint="127.0.0.1:5000").host == "127.0.0.1:5000"


def test_the_cluster_may_have_another_domain():
    assert parse().rule("harbor", cluster_domain="k8s.example").host == "harbor.oci-mirror.svc.k8s.example:80"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"endpoint": {"service": SERVICE | {"port": 0}}}, "endpoint.service.port"),
        ({"endpoint": {"service": SERVICE | {"port": 65536}}}, "endpoint.service.port"),
        ({"endpoint": {"service": SERVICE | {"port": True}}}, "endpoint.service.port"),
        ({"endpoint": {"service": SERVICE | {"name": " "}}}, "endpoint.service.name"),
        ({"endpoint": {"service": SERVICE | {"namespace": ""}}}, "endpoint.service.namespace"),
        ({"endpoint": {"service": SERVICE, "insecure": "yes"}}, "endpoint.insecure"),
        ({"upstream": UPSTREAM | {"registry": ""}}, "upstream.registry"),
        ({"upstream": UPSTREAM | {"namespace": ""}}, "upstream.namespace"),
        ({"auth": {"secretRef": {"secretName": ""}}}, "auth.secretRef.secretName"),
        ({"auth": {}}, "auth.secretRef"),
        ({"resyncInterval": "soon"}, "resyncInterval"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes, field):
    with pytest.raises(InputError) as caught:
        parse(**changes)
    assert caught.value.where == f"here, field `spec.{field}`"


def test_parts_that_make_no_rule_are_refused():
    with pytest.raises(InvalidManifestError, match="registry"):
        parse(upstream=UPSTREAM | {"registry": "https://ghcr.io"}).rule("harbor")
