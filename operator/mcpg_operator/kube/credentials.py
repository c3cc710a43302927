"""How to reach the API server: in-cluster ServiceAccount, `$KUBECONFIG`, `~/.kube/config`, in this order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar, cast

import httpx2
from lightkube import KubeConfig
from lightkube.config.client_adapter import user_auth
from lightkube.core.exceptions import ConfigError

from supplychain.errors import ClusterUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightkube.config.kubeconfig import SingleConfig

__all__ = ["Credentials", "configuration", "credentials", "guarded"]

_T = TypeVar("_T")
_HINT: Final = "run it in a pod with a ServiceAccount, or name a kubeconfig in `$KUBECONFIG`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to reach the API server, for another client than this one."""

    server: str
    ca_file: str | None = None
    ca_data: str | None = None
    """Base64 of PEM."""
    insecure: bool = False
    authorization: str | None = field(default=None, repr=False)
    """Value of the header of that name, read anew with every call of `credentials`."""
    certificate_file: str | None = None
    key_file: str | None = None
    certificate_data: str | None = None
    key_data: str | None = field(default=None, repr=False)
    namespace: str = "default"


def credentials(config: SingleConfig | None = None) -> Credentials:
    """Read the credentials, files and tokens anew.

    Raises:
        ClusterUnavailableError: there are none that can be used.
    """
    config = config or configuration()
    user, cluster = config.user, config.cluster

    def file(name: str | None) -> str | None:
        return None if name is None else str(config.abs_file(name))

    return Credentials(
        server=cluster.server,
        ca_file=file(cluster.certificate_auth),
        ca_data=cluster.certificate_auth_data,
        insecure=cluster.insecure,
        authorization=guarded(lambda: _authorization(config)),
        certificate_file=file(user.client_cert) if user else None,
        key_file=file(user.client_key) if user else None,
        certificate_data=user.client_cert_data if user else None,
        key_data=user.client_key_data if user else None,
        namespace=config.namespace,
    )


def configuration() -> SingleConfig:
    """Find the configuration.

    Raises:
        ClusterUnavailableError: there is none, or it cannot be read.
    """
    # Without a current context it raises; None comes only where a default is given.
    return cast("SingleConfig", guarded(lambda: KubeConfig.from_env().get()))


def guarded(build: Callable[[], _T]) -> _T:
    """Build something out of a configuration; whatever the client raises about it becomes our error."""
    try:
        return build()
    except Exception as exc:
        what = "the credentials for the API server cannot be used"
        text = str(exc)[:200] if isinstance(exc, ConfigError | OSError) else ""
        raise ClusterUnavailableError(what, got=f"{type(exc).__name__}{f': {text}' if text else ''}", hint=_HINT) from exc


def _authorization(config: SingleConfig) -> str | None:
    auth = user_auth(config.user)
    if auth is None:
        return None
    flow = auth.sync_auth_flow(httpx2.Request("GET", config.cluster.server))
    value: str | None = next(flow).headers.get("authorization")
    flow.close()
    return value
