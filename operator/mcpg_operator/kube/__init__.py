"""The API server through lightkube: the only room that knows the client, and the place where its errors end."""

from mcpg_operator.kube.client import KubeCluster
from mcpg_operator.kube.credentials import Credentials, credentials

__all__ = ["Credentials", "KubeCluster", "credentials"]
