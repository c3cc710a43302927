"""Every answer of an API server, and every way of getting none, ends as one of four errors; and what goes over the wire."""

import base64
import contextlib
import functools
import json
from typing import Any

import httpx2
import pytest
from lightkube import KubeConfig

from mcpg_operator.kube import Credentials, KubeCluster, credentials
from mcpg_operator.resources import CONFIG_MAP, NAMESPACE, PLUGIN, PLUGIN_SET, SECRET
from supplychain.errors import ApplyForbiddenError, ApplyRejectedError, ClusterUnavailableError, ConflictError
from tests.support.cluster_contract import MANAGER, config_map, lease, revocation_list, secret

SERVER = "https://api.test:6443"


def kubeconfig(**user):
    return KubeConfig.from_dict(
        {
            "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a", "namespace": "elsewhere"}}],
            "clusters": [{"name": "a", "cluster": {"server": SERVER}}],
            "users": [{"name": "a", "user": {"token": "t0ken", **user}}],
        }
    ).get()


class Api:
    """Answers with what a test gives, and keeps the requests."""

    current: "Api"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.observed = []
        self.time = 0.0

    def __call__(self, request):
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else httpx2.Response(200, json={"metadata": {"name": "a"}, "items": []})
        if isinstance(answer, Exception):
            raise answer
        return answer

    def port(self):
        Api.current = self
        return shared_port()

    @property
    def sent(self):
        return [(one.method, one.url.path, dict(one.url.params)) for one in self.requests]


@functools.cache
def shared_port():
    """One client for all: each would read all the certificates of the world."""
    return KubeCluster(
        config=kubeconfig(),
        transport=httpx2.MockTransport(lambda request: Api.current(request)),  # noqa: PLW0108 — asked anew for each request
        clock=lambda: Api.current.time,
        observe=lambda *seen: Api.current.observed.append(seen),
    )


def status(code, message="", reason="", **details):
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message, "reason": reason}
    return httpx2.Response(code, json={**body, "details": details} if details else body)


def text(code, body=b"", **headers):
    return httpx2.Response(code, content=body, headers={"content-type": "text/plain", **headers})


CALLS = {
    "get": lambda port: port.get(CONFIG_MAP, "a", namespace="here"),
    "list": lambda port: port.list(CONFIG_MAP),
    "list_metadata": lambda port: port.list_metadata(CONFIG_MAP),
    "apply": lambda port: port.apply(config_map("here", "a"), manager=MANAGER),
    "apply_status": lambda port: port.apply_status(PLUGIN, "a", status={"x": 1}, manager=MANAGER),
    "create": lambda port: port.create(config_map("here", "a")),
    "replace": lambda port: port.replace(config_map("here", "a", resourceVersion="1")),
    "delete": lambda port: port.delete(CONFIG_MAP, "a", namespace="here"),
    "served": lambda port: port.served(PLUGIN),
}
TYPED = "failed to create typed patch object (here/a; /v1, Kind=ConfigMap): .data.k: expected string, got 1"
CONVERTED = 'failed to convert new object (here/a; v1, Kind=X): parsing time "now"'
DYING = {"causes": [{"reason": "NamespaceTerminating", "message": "…", "field": "metadata.namespace"}]}
ANSWERS = [
    pytest.param(lambda: status(400, "bad"), ApplyRejectedError, id="400"),
    pytest.param(lambda: status(401, "Unauthorized", "Unauthorized"), ClusterUnavailableError, id="401"),
    pytest.param(lambda: status(403, "no", "Forbidden"), ApplyForbiddenError, id="403"),
    pytest.param(lambda: status(403, "no", "Forbidden", **DYING), ApplyRejectedError, id="403 of a dying namespace"),
    pytest.param(lambda: text(405), ApplyRejectedError, id="405"),
    pytest.param(lambda: text(406), ApplyRejectedError, id="406"),
    pytest.param(lambda: status(409, "changed", "Conflict"), ConflictError, id="409 Conflict"),
    pytest.param(lambda: status(409, "there", "AlreadyExists"), ConflictError, id="409 AlreadyExists"),
    pytest.param(lambda: status(410, "expired", "Expired"), ClusterUnavailableError, id="410"),
    pytest.param(lambda: text(413, b"too large"), ApplyRejectedError, id="413"),
    pytest.param(lambda: status(415, "what"), ApplyRejectedError, id="415"),
    pytest.param(lambda: status(422, "no", "Invalid"), ApplyRejectedError, id="422"),
    pytest.param(
        lambda: status(422, "no", "Invalid", causes=[{"field": "metadata.uid"}]), ConflictError, id="422 of another object"
    ),
    pytest.param(lambda: status(429, "slowly", "TooManyRequests"), ClusterUnavailableError, id="429"),
    pytest.param(lambda: status(500, "oops", "InternalError"), ClusterUnavailableError, id="500"),
    pytest.param(lambda: status(500, TYPED), ApplyRejectedError, id="500 of an unknown field"),
    pytest.param(lambda: status(500, CONVERTED), ApplyRejectedError, id="500 of a malformed time"),
    pytest.param(lambda: status(500, "etcdserver: request is too large"), ApplyRejectedError, id="500 of a large object"),
    pytest.param(lambda: status(500, 'failed calling webhook "a": down'), ClusterUnavailableError, id="500 of a webhook"),
    pytest.param(lambda: status(503, "starting"), ClusterUnavailableError, id="503"),
    pytest.param(lambda: text(502, b"<html>"), ClusterUnavailableError, id="502 of a proxy"),
    pytest.param(lambda: status(504, "Timeout: request did not complete", "Timeout"), ClusterUnavailableError, id="504"),
    pytest.param(lambda: text(302, location="https://login.test/"), ClusterUnavailableError, id="302"),
    pytest.param(lambda: httpx2.Response(500), ClusterUnavailableError, id="500 without content type"),
    pytest.param(
        lambda: httpx2.Response(500, content=b"{", headers={"content-type": "application/json"}),
        ClusterUnavailableError,
        id="500 with broken JSON",
    ),
    pytest.param(
        lambda: httpx2.Response(409, content=b"[1]", headers={"content-type": "application/json"}),
        ConflictError,
        id="409 with strange JSON",
    ),
    pytest.param(lambda: httpx2.Response(200, content=b"{"), ClusterUnavailableError, id="200 with broken JSON"),
    pytest.param(lambda: httpx2.Response(200, content=b"[1]"), ClusterUnavailableError, id="200 with a list"),
    pytest.param(lambda: httpx2.Response(200, content=b'"text"'), ClusterUnavailableError, id="200 with a text"),
    pytest.param(lambda: httpx2.Response(200, content=b""), ClusterUnavailableError, id="200 with nothing"),
    pytest.param(lambda: httpx2.ConnectError("refused"), ClusterUnavailableError, id="refused connection"),
    pytest.param(lambda: httpx2.ConnectTimeout("slow"), ClusterUnavailableError, id="slow connection"),
    pytest.param(lambda: httpx2.ReadTimeout("slow"), ClusterUnavailableError, id="slow answer"),
    pytest.param(lambda: httpx2.PoolTimeout("busy"), ClusterUnavailableError, id="busy pool"),
    pytest.param(lambda: httpx2.RemoteProtocolError("rubbish"), ClusterUnavailableError, id="rubbish"),
    pytest.param(lambda: OSError("file"), ClusterUnavailableError, id="an OSError"),
    pytest.param(lambda: RuntimeError("closed"), ClusterUnavailableError, id="a closed client"),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("answer", "error"), ANSWERS)
def test_every_answer_becomes_one_of_four_errors(call, answer, error):
    api = Api(answer())
    with pytest.raises(error) as caught:
        CALLS[call](api.port())
    assert type(caught.value) is error
    assert caught.value.where


@pytest.mark.parametrize("call", ["get", "apply_status", "delete"])
def test_an_object_that_is_not_there_is_an_answer(call):
    kind = "mcpgplugins" if call == "apply_status" else "configmaps"
    assert not CALLS[call](Api(status(404, "not found", "NotFound", name="a", kind=kind)).port())


@pytest.mark.parametrize("call", ["get", "apply_status", "delete", "list", "apply", "create", "replace"])
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda: text(404, b"404 page not found\n"), id="an unknown kind"),
        pytest.param(lambda: status(404, "the server could not find the requested resource", "NotFound"), id="an unknown path"),
        pytest.param(lambda: status(404, "not found", "NotFound", name="other", kind="configmaps"), id="something else"),
        pytest.param(lambda: httpx2.Response(404, json={"error": "not found"}), id="a proxy"),
    ],
)
def test_a_kind_that_nobody_knows_is_no_missing_object(call, answer):
    with pytest.raises(ClusterUnavailableError):
        CALLS[call](Api(answer()).port())


@pytest.mark.parametrize("call", ["apply", "create"])
def test_a_missing_namespace_is_refused_for_good(call):
    with pytest.raises(ApplyRejectedError, match="the namespace does not exist"):
        CALLS[call](Api(status(404, 'namespaces "here" not found', "NotFound", name="here", kind="namespaces")).port())


def test_a_namespace_that_is_looked_for_and_is_not_there_is_a_missing_object():
    missing = status(404, 'namespaces "here" not found', "NotFound", name="here", kind="namespaces")
    assert Api(missing).port().get(NAMESPACE, "here") is None


def test_replacing_what_is_gone_is_a_conflict():
    with pytest.raises(ConflictError):
        CALLS["replace"](Api(status(404, "not found", "NotFound", name="a", kind="configmaps")).port())


def test_a_group_that_is_not_served_is_an_answer():
    assert not CALLS["served"](Api(text(404, b"404 page not found\n")).port())
    assert not CALLS["served"](Api(httpx2.Response(200, json={"resources": [{"name": "others"}, 7]})).port())
    assert not CALLS["served"](Api(httpx2.Response(200, json={"resources": None})).port())
    api = Api(httpx2.Response(200, json={"resources": [{"name": "mcpgplugins"}]}))
    assert CALLS["served"](api.port())
    assert api.sent == [("GET", "/apis/mcpg.dev/v1alpha2", {})]


def test_a_missing_right_names_verb_resource_and_namespace():
    cases = {
        "apply": "`patch` `configmaps` in namespace `here`",
        "apply_status": "`patch` `mcpgplugins/status` of `mcpg.dev`",
        "replace": "`update` `configmaps` in namespace `here`",
        "list": "`list` `configmaps`",
    }
    for call, words in cases.items():
        with pytest.raises(ApplyForbiddenError) as caught:
            CALLS[call](Api(status(403, "x" * 1000, "Forbidden")).port())
        assert f"the operator may not {words}:" in str(caught.value)
        assert len(str(caught.value)) < 500


def test_a_named_pause_is_passed_on_within_reason():
    for header, seconds in (("7", 7), ("999999999999", 600), ("soon", None), ("-1", None)):
        answer = status(429, "slowly")
        answer.headers["retry-after"] = header
        with pytest.raises(ClusterUnavailableError) as caught:
            CALLS["get"](Api(answer).port())
        assert caught.value.retry_after == seconds


@pytest.mark.parametrize("code", [400, 403, 409, 422, 500, 503])
def test_no_word_of_the_server_about_a_secret_is_passed_on(code):
    causes = [{"field": "data[k]", "reason": "FieldValueInvalid", "message": 'Invalid value: "hunter2"'}] * 9
    for answer in (
        status(code, 'Secret "a" is invalid: data[k]: Invalid value: "hunter2"', "Invalid", causes=causes),
        status(code, "failed to create typed patch object: .data.k: expected string, got hunter2", "hunter-free"),
        text(code, b"hunter2"),
    ):
        for call in (
            lambda port: port.apply(secret("here", "a", {"k": b"hunter2"}), manager=MANAGER),
            lambda port: port.get(SECRET, "a", namespace="here"),
        ):
            api = Api(answer)
            with pytest.raises((ApplyRejectedError, ApplyForbiddenError, ConflictError, ClusterUnavailableError)) as caught:
                call(api.port())
            assert "hunter2" not in f"{caught.value!r}{caught.value}{caught.value.hint}{caught.value.got}"


def test_what_is_refused_about_a_secret_is_told_by_field():
    causes = [{"field": "data", "reason": "FieldValueTooLong", "message": "…"}, "rubbish"]
    api = Api(status(422, "…", "Invalid", causes=causes))
    with pytest.raises(ApplyRejectedError, match="got `data`: FieldValueTooLong; ``: "):
        api.port().apply(secret("here", "a"), manager=MANAGER)


def test_an_apply_is_forced_and_goes_to_its_object_as_it_was_written():
    api = Api()
    api.port().apply(lease("here", "a"), manager=MANAGER)
    [request] = api.requests
    assert api.sent == [
        ("PATCH", "/apis/coordination.k8s.io/v1/namespaces/here/leases/a", {"fieldManager": MANAGER, "force": "true"})
    ]
    assert request.headers["content-type"] == "application/apply-patch+yaml"
    assert request.headers["authorization"] == "Bearer t0ken"
    assert json.loads(request.content) == lease("here", "a")


def test_a_status_goes_to_the_subresource_and_an_empty_one_is_left_out():
    api = Api()
    port = api.port()
    port.apply_status(PLUGIN, "a", status={"x": 1}, manager=MANAGER)
    port.apply_status(PLUGIN_SET, "a", namespace="here", status={}, manager=MANAGER)
    assert [path for _, path, _ in api.sent] == [
        "/apis/mcpg.dev/v1alpha2/mcpgplugins/a/status",
        "/apis/mcpg.dev/v1alpha2/namespaces/here/mcpgpluginsets/a/status",
    ]
    assert [json.loads(one.content) for one in api.requests] == [
        {"apiVersion": "mcpg.dev/v1alpha2", "kind": "MCPGPlugin", "metadata": {"name": "a"}, "status": {"x": 1}},
        {"apiVersion": "mcpg.dev/v1alpha2", "kind": "MCPGPluginSet", "metadata": {"name": "a", "namespace": "here"}},
    ]


def test_create_and_replace_use_their_methods():
    api = Api()
    port = api.port()
    port.create(revocation_list("a"))
    port.replace(config_map("here", "a", resourceVersion="1"))
    assert api.sent == [
        ("POST", "/apis/mcpg.dev/v1alpha2/mcpgrevocationlists", {}),
        ("PUT", "/api/v1/namespaces/here/configmaps/a", {}),
    ]


def test_a_deletion_carries_its_preconditions():
    api = Api()
    port = api.port()
    assert port.delete(CONFIG_MAP, "a", namespace="here", uid="u", version="7")
    assert port.delete(PLUGIN, "a")
    bodies = [json.loads(one.content) for one in api.requests]
    assert [body["preconditions"] for body in bodies] == [{"uid": "u", "resourceVersion": "7"}, {}]
    assert {body["propagationPolicy"] for body in bodies} == {"Background"}
    assert [(method, path) for method, path, _ in api.sent] == [
        ("DELETE", "/api/v1/namespaces/here/configmaps/a"),
        ("DELETE", "/apis/mcpg.dev/v1alpha2/mcpgplugins/a"),
    ]


def test_a_list_follows_its_pages_and_says_what_its_items_are():
    pages = [
        {"metadata": {"continue": "more"}, "items": [{"metadata": {"name": "a", "managedFields": [1]}}]},
        {"metadata": {}, "items": [{"metadata": {"name": "b"}}]},
    ]
    api = Api(*(httpx2.Response(200, json=page) for page in pages))
    found = list(api.port().list(SECRET, namespace="here", labels={"l": "1", "m": "2"}, fields="type!=x"))
    assert [one.body for one in found] == [
        {"metadata": {"name": name}, "apiVersion": "v1", "kind": "Secret"} for name in ("a", "b")
    ]
    selectors = {"limit": "200", "labelSelector": "l=1,m=2", "fieldSelector": "type!=x"}
    assert api.sent == [
        ("GET", "/api/v1/namespaces/here/secrets", selectors),
        ("GET", "/api/v1/namespaces/here/secrets", {**selectors, "continue": "more"}),
    ]


def test_metadata_is_asked_for_alone():
    api = Api()
    assert list(api.port().list_metadata(SECRET)) == []
    assert api.requests[0].headers["accept"] == "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def test_a_list_of_metadata_without_any_object_is_an_empty_list():
    page: dict[str, Any] = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "items": None}
    assert list(Api(httpx2.Response(200, json=page)).port().list_metadata(SECRET)) == []


@pytest.mark.parametrize("page", [{}, {"items": None}, {"items": [1]}, {"items": {}}])
def test_a_list_without_usable_items_is_no_empty_list(page):
    with pytest.raises(ClusterUnavailableError, match="no items"):
        CALLS["list"](Api(httpx2.Response(200, json=page)).port())


def test_a_page_that_expired_makes_no_half_list():
    first = httpx2.Response(200, json={"metadata": {"continue": "more"}, "items": [{"metadata": {"name": "a"}}]})
    with pytest.raises(ClusterUnavailableError, match="410"):
        tuple(CALLS["list"](Api(first, status(410, "expired", "Expired")).port()))


def test_names_that_lead_elsewhere_are_never_sent():
    api = Api()
    port = api.port()
    for odd in ("../secrets/b", "a/b", "a?x=1", "a#b", "a%2fb", "", "a b", "a\n"):
        assert port.get(CONFIG_MAP, odd, namespace="here") is None
        assert port.get(CONFIG_MAP, "a", namespace=odd) is None
        assert port.get(PLUGIN, odd) is None
        assert not port.delete(CONFIG_MAP, odd, namespace="here")
        assert port.apply_status(PLUGIN, odd, status={}, manager=MANAGER) is None
        assert odd == "" or list(port.list(CONFIG_MAP, namespace=odd)) == []
        for write in (port.create, port.replace, lambda manifest: port.apply(manifest, manager=MANAGER)):
            with pytest.raises(ApplyRejectedError, match="no object can have this name"):
                write(config_map("here", odd))
    assert api.requests == []


def test_a_namespaced_object_without_a_namespace_is_never_sought_in_a_default_one():
    api = Api()
    port = api.port()
    assert port.get(CONFIG_MAP, "a") is None
    manifest = config_map("here", "a")
    del manifest["metadata"]["namespace"]
    with pytest.raises(ApplyRejectedError):
        port.apply(manifest, manager=MANAGER)
    assert api.requests == []


def test_what_was_answered_and_when_is_known():
    api = Api(
        httpx2.Response(200, json={"metadata": {"name": "a"}}), httpx2.ConnectError("x"), status(503), status(401), status(422)
    )
    port = api.port()
    seen = []
    for api.time in (1.0, 2.0, 3.0, 4.0, 5.0):
        with contextlib.suppress(ClusterUnavailableError, ApplyRejectedError):
            CALLS["get"](port)
        seen.append(port.last_answer)
    assert seen == [1.0, 1.0, 1.0, 1.0, 5.0]
    assert api.observed == [("get", "ConfigMap", code) for code in ("200", "none", "503", "401", "422")]


def test_a_token_file_is_read_again_when_its_token_is_refused(tmp_path):
    file = tmp_path / "token"
    file.write_text("old")
    api = Api()
    answers = {"Bearer old": httpx2.Response(401), "Bearer new": httpx2.Response(200, json={"metadata": {"name": "a"}})}

    def answer(request):
        api.requests.append(request)
        file.write_text("new")
        return answers[request.headers["authorization"]]

    port = KubeCluster(config=kubeconfig(tokenFile=str(file)), transport=httpx2.MockTransport(answer))
    assert port.get(CONFIG_MAP, "a", namespace="here") is not None
    assert len(api.requests) == 2
    port.close()


def test_a_token_file_that_vanished_is_no_missing_object(tmp_path):
    port = KubeCluster(config=kubeconfig(tokenFile=str(tmp_path / "absent")), transport=httpx2.MockTransport(Api()))
    with pytest.raises(ClusterUnavailableError, match="absent"):
        port.get(CONFIG_MAP, "a", namespace="here")


def test_credentials_for_another_client_are_read_anew(tmp_path):
    file = tmp_path / "token"
    file.write_text("first")
    config = kubeconfig(tokenFile=str(file))
    assert credentials(config).authorization == "Bearer first"
    file.write_text("second")
    found = credentials(config)
    assert found == Credentials(server=SERVER, authorization="Bearer second", namespace="elsewhere")
    assert "second" not in repr(found)


def test_relative_files_of_a_kubeconfig_are_found_beside_it(tmp_path):
    file = tmp_path / "config"
    file.write_text(
        json.dumps(
            {
                "current-context": "a",
                "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
                "clusters": [{"name": "a", "cluster": {"server": SERVER, "certificate-authority": "ca.crt"}}],
                "users": [{"name": "a", "user": {"client-certificate": "me.crt", "client-key": "me.key"}}],
            }
        )
    )
    found = credentials(KubeConfig.from_file(file).get())
    assert (found.ca_file, found.certificate_file, found.key_file, found.authorization, found.namespace) == (
        str(tmp_path / "ca.crt"), str(tmp_path / "me.crt"), str(tmp_path / "me.key"), None, "default",
    )  # fmt: skip


@pytest.mark.parametrize(
    "content", [None, "", "{}", "[", "current-context: a\ncontexts: []\nclusters: []\n", "contexts: []\nclusters: []\n"]
)
def test_without_usable_credentials_it_does_not_start_and_says_what_to_do(monkeypatch, tmp_path, content):
    file = tmp_path / "config"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(ClusterUnavailableError) as caught:
        KubeCluster()
    assert "$KUBECONFIG" in caught.value.hint


def test_a_ca_file_that_is_no_certificate_does_not_start(tmp_path):
    (tmp_path / "ca.crt").write_text("rubbish")
    config = kubeconfig()
    config.cluster.certificate_auth = str(tmp_path / "ca.crt")
    with pytest.raises(ClusterUnavailableError):
        KubeCluster(config=config)


def test_in_a_pod_the_mounted_account_is_used(monkeypatch, tmp_path):
    for name, content in {"token": "mounted", "namespace": "home", "ca.crt": ""}.items():
        (tmp_path / name).write_text(content)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    found = credentials(KubeConfig.from_service_account(tmp_path).get())
    assert (found.server, found.authorization, found.namespace) == ("https://10.0.0.1:443", "Bearer mounted", "home")


def test_an_object_without_metadata_is_passed_on_for_others_to_judge():
    found = Api(httpx2.Response(200, json={"metadata": 7})).port().get(PLUGIN, "a")
    assert found is not None
    assert (found.name, found.body) == ("", {"metadata": 7})


def test_a_secret_is_read_as_bytes():
    body = {"metadata": {"name": "a"}, "data": {"k": base64.b64encode(b"\x00\xff").decode()}}
    found = Api(httpx2.Response(200, json=body)).port().get(SECRET, "a", namespace="here")
    assert found is not None
    assert found.data() == {"k": b"\x00\xff"}
    assert type(found.body) is dict
