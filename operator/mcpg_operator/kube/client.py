"""The port on a real API server, through lightkube.

Bodies stay plain JSON in both directions, so that a time is written as it was formatted and no model drops a field. Names are
checked before they become part of a path. Whatever lightkube or its HTTP library raises comes out as one of the four errors of
`supplychain.errors`.
"""

from __future__ import annotations

import re
import threading
import time
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx2
import msgspec
from lightkube import Client
from lightkube.config.client_adapter import ConnectionParams
from lightkube.generic_resource import create_global_resource, create_namespaced_resource

from mcpg_operator.kube.answers import Answer, Call, answered, missing, refusal
from mcpg_operator.kube.credentials import configuration, guarded
from mcpg_operator.resources import Kind, Resource, kind_of
from supplychain.errors import ApplyRejectedError, ClusterUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lightkube.config.kubeconfig import SingleConfig

__all__ = ["KubeCluster"]

_T = TypeVar("_T")
_PAGE: Final = 200
_TIMEOUT: Final = httpx2.Timeout(connect=5, read=30, write=30, pool=30)
_METADATA: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_MODELS: Final[dict[Kind, Any]] = {}
_MODELS_LOCK: Final = threading.Lock()
_SEGMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_~-]{0,252}", re.ASCII)
"""What can be a name; anything else would be another path on the API server."""


class KubeCluster:
    """`mcpg_operator.cluster.Cluster` on a real API server."""

    def __init__(
        self,
        *,
        config: SingleConfig | None = None,
        transport: httpx2.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        observe: Callable[[str, str, str], None] = lambda *_: None,
        seconds: float | None = None,
    ) -> None:
        """Set up two pools of connections; nothing is sent yet.

        Args:
            config: credentials; None: as `credentials` finds them
            transport: of tests
            clock: seconds
            observe: called after every request with verb, kind and outcome (a code, or `none`)
            seconds: how long each step of a request may take; None: as long as controllers can wait

        Raises:
            ClusterUnavailableError: there are no usable credentials.
        """
        config = config or configuration()
        timeout = _TIMEOUT if seconds is None else httpx2.Timeout(seconds)
        parameters = ConnectionParams(timeout=timeout, transport=transport)
        self._client = guarded(lambda: Client(config, timeout=timeout, transport=transport, namespace="-"))
        self._plain = guarded(lambda: httpx2.Client(**parameters.httpx_params(config)))
        self._clock = clock
        self._observe = observe
        self.last_answer = clock()
        """When the API server last answered a request of ours, by `clock`."""

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()
        self._plain.close()

    def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> Resource | None:
        """See `Cluster.get`."""
        call = Call(verb="get", kind=kind, name=name, namespace=namespace)
        if not _possible(call):
            return None
        found = self._ask(call, lambda: self._client.get(_model(kind), name, namespace=namespace))
        return None if found is None else _resource(kind, found)

    def list(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        fields: str | None = None,
    ) -> Iterable[Resource]:
        """See `Cluster.list`."""
        return self._pages(Call(verb="list", kind=kind, namespace=namespace), "application/json", labels, fields)

    def list_metadata(
        self, kind: Kind, *, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Iterable[Resource]:
        """See `Cluster.list_metadata`."""
        return self._pages(Call(verb="list", kind=kind, namespace=namespace), _METADATA, labels, None)

    def apply(self, manifest: Mapping[str, Any], *, manager: str) -> Resource:
        """See `Cluster.apply`."""
        call = _call("patch", manifest)
        obj = _model(call.kind)(manifest)
        return self._write(
            call, lambda: self._client.apply(obj, call.name, namespace=call.namespace, field_manager=manager, force=True)
        )

    def apply_status(
        self, kind: Kind, name: str, *, namespace: str | None = None, status: Mapping[str, Any], manager: str
    ) -> Resource | None:
        """See `Cluster.apply_status`."""
        call = Call(verb="patch", kind=kind, name=name, namespace=namespace, subresource="status")
        if not _possible(call):
            return None
        where = {"name": name, "namespace": namespace} if namespace else {"name": name}
        # An empty status is refused; a left-out one takes away what this manager wrote.
        body = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": where, **({"status": status} if status else {})}
        obj = _model(kind).Status(body)
        found = self._ask(call, lambda: self._client.apply(obj, name, namespace=namespace, field_manager=manager, force=True))
        return None if found is None else _resource(kind, found)

    def create(self, manifest: Mapping[str, Any]) -> Resource:
        """See `Cluster.create`."""
        call = _call("create", manifest)
        obj = _model(call.kind)(manifest)
        return self._write(call, lambda: self._client.create(obj, namespace=call.namespace))

    def replace(self, manifest: Mapping[str, Any]) -> Resource:
        """See `Cluster.replace`."""
        call = _call("update", manifest)
        obj = _model(call.kind)(manifest)
        return self._write(call, lambda: self._client.replace(obj, call.name, namespace=call.namespace))

    def delete(
        self, kind: Kind, name: str, *, namespace: str | None = None, uid: str | None = None, version: str | None = None
    ) -> bool:
        """See `Cluster.delete`; dependants go by the garbage collector, in the background."""
        call = Call(verb="delete", kind=kind, name=name, namespace=namespace)
        if not _possible(call):
            return False
        conditions = {name: value for name, value in (("uid", uid), ("resourceVersion", version)) if value}
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "preconditions": conditions}
        return self._ask(call, lambda: self._json("DELETE", _path(call), json=options)) is not None

    def served(self, kind: Kind) -> bool:
        """See `Cluster.served`."""
        call = Call(verb="get", kind=kind)
        found = self._try(call, lambda: self._json("GET", _root(kind)))
        if isinstance(found, Answer):
            if found.code == httpx2.codes.NOT_FOUND:
                return False
            raise refusal(call, found)
        resources = found.get("resources")
        return isinstance(resources, list) and any(isinstance(one, dict) and one.get("name") == kind.plural for one in resources)

    def _pages(self, call: Call, accept: str, labels: Mapping[str, str] | None, fields: str | None) -> Iterator[Resource]:
        """Ask for the first page now, and for each other one when the last is used up: all of them may be too much for memory."""
        if call.namespace is not None and _SEGMENT.fullmatch(call.namespace) is None:
            return iter(())
        parameters: dict[str, str] = {"limit": str(_PAGE)}
        if labels:
            parameters["labelSelector"] = ",".join(f"{key}={value}" for key, value in labels.items())
        if fields:
            parameters["fieldSelector"] = fields
        first = self._page(call, accept, parameters)
        return chain(_items(call, first), self._others(call, accept, parameters, first))

    def _others(self, call: Call, accept: str, parameters: Mapping[str, str], page: Mapping[str, Any]) -> Iterator[Resource]:
        while token := _mapping(page.get("metadata")).get("continue"):
            page = self._page(call, accept, {**parameters, "continue": str(token)})
            yield from _items(call, page)

    def _page(self, call: Call, accept: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        page = self._try(call, lambda: self._json("GET", _path(call), params=parameters, headers={"Accept": accept}))
        if isinstance(page, Answer):
            raise refusal(call, page)
        return page

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = self._plain.request(method, path, **options)
        response.raise_for_status()
        return msgspec.json.decode(response.content, type=dict[str, Any])

    def _write(self, call: Call, request: Callable[[], Any]) -> Resource:
        found = self._try(call, request)
        if isinstance(found, Answer):
            raise refusal(call, found)
        return _resource(call.kind, found)

    def _ask(self, call: Call, request: Callable[[], Any]) -> Any:
        """Make a request about one object; None where there is none."""
        found = self._try(call, request)
        if isinstance(found, Answer):
            if missing(call, found):
                return None
            raise refusal(call, found)
        return found

    def _try(self, call: Call, request: Callable[[], _T]) -> _T | Answer:
        """Make a request; an answer that is no success is given back, no answer is raised."""
        code: int | None = None
        try:
            found = request()
            code = 200
        except Exception as exc:
            answer = _answer(exc)
            if answer is None:
                raise ClusterUnavailableError(
                    "the API server could not be asked", got=f"{type(exc).__name__}: {str(exc)[:200]}", where=str(call)
                ) from exc
            code = answer.code
            return answer
        else:
            return found
        finally:
            if code is not None and answered(code):
                self.last_answer = self._clock()
            self._observe(call.verb, call.kind.name, "none" if code is None else str(code))


def _answer(exc: BaseException | None) -> Answer | None:
    """Find the HTTP answer behind an exception; lightkube may stumble over it while it makes its own."""
    while exc is not None:
        response = getattr(exc, "response", None)
        if isinstance(response, httpx2.Response):
            return Answer(code=response.status_code, body=response.content, retry_after=response.headers.get("retry-after"))
        exc = exc.__cause__ or exc.__context__
    return None


def _model(kind: Kind) -> Any:
    """Give lightkube's class for a kind; it can be made only once in a process."""
    with _MODELS_LOCK:
        if kind not in _MODELS:
            create = create_namespaced_resource if kind.namespaced else create_global_resource
            _MODELS[kind] = create(kind.group, kind.version, kind.name, kind.plural)
        return _MODELS[kind]


def _call(verb: str, manifest: Mapping[str, Any]) -> Call:
    metadata = manifest["metadata"]
    call = Call(verb=verb, kind=kind_of(manifest), name=metadata["name"], namespace=metadata.get("namespace"))
    if not _possible(call):
        raise ApplyRejectedError("no object can have this name", got=f"`{call.name[:80]}`", where=str(call)[:200])
    return call


def _possible(call: Call) -> bool:
    """Whether an object of this name and place can exist at all."""
    if call.kind.namespaced is not bool(call.namespace):
        return False
    return _SEGMENT.fullmatch(call.name) is not None and _SEGMENT.fullmatch(call.namespace or "x") is not None


def _root(kind: Kind) -> str:
    return f"apis/{kind.group}/{kind.version}" if kind.group else f"api/{kind.version}"


def _path(call: Call) -> str:
    place = ("namespaces", call.namespace) if call.namespace else ()
    return "/".join(filter(None, (_root(call.kind), *place, call.kind.plural, call.name)))


def _items(call: Call, page: Mapping[str, Any]) -> Iterator[Resource]:
    items = page.get("items")
    if items is None and "items" in page and str(page.get("kind", "")).endswith("List"):
        items = []  # how an empty list of metadata is written
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise ClusterUnavailableError("the API server's list has no items", where=str(call))
    # Items of a list say neither kind nor version.
    head = {"apiVersion": call.kind.api_version, "kind": call.kind.name}
    return (_resource(call.kind, {**one, **head}) for one in items)


def _resource(kind: Kind, body: Mapping[str, Any]) -> Resource:
    """Wrap a body without `metadata.managedFields`, which may be half of it."""
    plain = dict(body)
    metadata = plain.get("metadata")
    if isinstance(metadata, dict):
        plain["metadata"] = {key: value for key, value in metadata.items() if key != "managedFields"}
    return Resource(kind, plain)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
