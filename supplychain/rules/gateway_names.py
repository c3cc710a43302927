"""What the objects of a gateway are called, and whether a cluster would take the names.

One place for admission, controllers and renderers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_SERVICE", "PREFIX", "GatewayNames", "service_name_problem"]

PREFIX: Final = "mcpg-"
"""Stands before names that begin with no letter: a Service could not be called so."""
MAX_SERVICE: Final = 63
"""Characters of a Service's name (RFC 1035) and of a label's value, which the gateway's name becomes."""

_SERVICE = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class GatewayNames:
    """The names, from the name of the MCPGGateway."""

    gateway: str

    @property
    def base(self) -> str:
        """What every name begins with."""
        first = self.gateway[:1]
        return self.gateway if first.isascii() and first.isalpha() else PREFIX + self.gateway

    @property
    def service(self) -> str:
        """Of the Service and the Ingress."""
        return self.base

    @property
    def ingress(self) -> str:
        """Of the Ingress."""
        return self.base

    @property
    def config(self) -> str:
        """Of the rendered configuration."""
        return f"{self.base}-config"

    @property
    def workload(self) -> str:
        """Of Deployment, ServiceAccount, autoscaler, disruption budget, NetworkPolicy, ServiceMonitor and PrometheusRule."""
        return f"{self.base}-gateway"

    @property
    def revocations(self) -> str:
        """Of the revocation list; without the prefix, as older operators had it."""
        return f"{self.gateway}-revocations"

    @property
    def credentials(self) -> str:
        """Of the coordinator's credentials."""
        return f"{self.base}-cluster-credentials"


def service_name_problem(gateway: str) -> str | None:
    """Why a gateway of this name could have no Service and no labels, in one clause; None where it can."""
    base = GatewayNames(gateway).base
    longest = MAX_SERVICE - (len(base) - len(gateway))
    if len(gateway) > longest:
        return f"the name has {len(gateway)} characters, more than the {longest} that leave a valid Service name and label"
    if _SERVICE.fullmatch(base) is None:
        return "the name gives no Service name: it holds something beside lower-case letters, digits and `-`"
    return None
