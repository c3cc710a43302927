"""Cases of `MCPGGateway` about what stands around its pods: Service, Ingress, NetworkPolicy, monitoring, configuration."""

from __future__ import annotations

from typing import Final

from tests.support.testdata.admission.case import ABSENT
from tests.support.testdata.admission.gateway_base import PATHS, no, only_here, yes

__all__ = ["CASES"]

_HOST: Final = "ingress.hosts.0.host"
_PATH: Final = "ingress.hosts.0.paths.0.path"

_NETWORK: Final = (
    no("service of an unknown type", "service.type", "ExternalName", why="It has no pods.", schema="Unsupported value"),
    no("service port 0", "service.port", 0, why="No port.", schema="should be greater than or equal to 1"),
    no("service port 65536", "service.port", 65536, why="No port.", schema="should be less than or equal to 65535"),
    yes("annotations of nothing", {"service.annotations": {}, "podLabels": {}, "podAnnotations": {}}, why="As if they were absent."),
    no("annotation with a space", "service.annotations", {"a b": "c"}, why="The API server would refuse the Service.", schema="no annotation key"),
    no("annotation that is a number", "service.annotations", {"a": 1}, why="Another type.", schema="must be of type string", at="service.annotations.a"),
    no("annotations that are too long", "service.annotations", {str(number): "a" * 65_500 for number in range(5)},
        why="The API server would refuse the Service.", schema="the annotations are too long"),
    yes("ingress with everything", {
        "ingress.tls": [{"hosts": ["mcp.example.com"], "secretName": "mcp-tls"}], "ingress.annotations": {"example.com/Rewrite": "/$1"}, _HOST: "*.example.com",
    }, why="All that can be there."),
    no("ingress without a class", "ingress.ingressClassName", ABSENT, why="Nobody would serve it.", schema="ingressClassName: Required"),
    no("ingress of a blank class", "ingress.ingressClassName", " ", why="Nobody would serve it.", schema="no name that an object can have"),
    no("ingress without hosts", "ingress.hosts", ABSENT, why="It would catch all of them.", schema="hosts: Required"),
    no("ingress of no hosts", "ingress.hosts", [], why="It would catch all of them.", schema="should have at least 1 items"),
    no("65 hosts", "ingress.hosts", [{"host": "a.example", "paths": PATHS}] * 65, why="Too many.", schema="Too many"),
    no("blank host", _HOST, " ", why="It would catch all of them.", schema="no host name", at="ingress.hosts[0].host"),
    no("host in upper case", _HOST, "MCP.example.com", why="The API server would refuse the Ingress.", schema="no host name", at="ingress.hosts[0].host"),
    no("host with two wildcards", _HOST, "*.*.example.com", why="One leading one is allowed.", schema="no host name", at="ingress.hosts[0].host"),
    no("host with a port", _HOST, "mcp.example.com:443", why="The API server would refuse the Ingress.", schema="no host name", at="ingress.hosts[0].host"),
    no("host that is an address", _HOST, "10.0.0.1", why="The API server would refuse the Ingress.", schema="an address instead of a host name",
        at="ingress.hosts[0].host"),
    no("host without paths", "ingress.hosts.0.paths", [], why="Nothing would lead to the gateway.", schema="should have at least 1 items",
        at="ingress.hosts[0].paths"),
    no("path without a slash", _PATH, "mcp", why="No path.", schema="no path", at="ingress.hosts[0].paths[0].path"),
    no("path with a step up", _PATH, "/mcp/../admin", why="The API server would refuse the Ingress.", schema="empty or dotted segment",
        at="ingress.hosts[0].paths[0]"),
    yes("path that is a pattern", {"ingress.hosts.0.paths": [{"path": "/mcp//(.*)", "pathType": "ImplementationSpecific"}]},
         why="The controller of the Ingress knows what it means."),
    no("path of an unknown type", "ingress.hosts.0.paths.0.pathType", "Regex", why="No such type.", schema="Unsupported value",
        at="ingress.hosts[0].paths[0].pathType"),
    no("certificate without a secret", "ingress.tls", [{"hosts": []}], why="There would be none.", schema="secretName: Required",
        at="ingress.tls[0].secretName"),
    no("certificate in a blank secret", "ingress.tls", [{"hosts": [], "secretName": " "}], why="There would be none.",
        schema="no name that an object can have", at="ingress.tls[0].secretName"),
    yes("peers of each kind", {
        "networkPolicy.extraIngressFrom": [{"podSelector": {}}, {"namespaceSelector": {"matchLabels": {"a": "b"}}, "podSelector": {}}],
        "networkPolicy.extraEgressTo": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
    }, why="As a NetworkPolicy has them."),
    no("peer of nothing", "networkPolicy.extraIngressFrom", [{}], why="It would be everybody.", schema="a peer of nothing",
        at="networkPolicy.extraIngressFrom[0]"),
    no("peer that is misspelt", "networkPolicy.extraEgressTo", [{"ipblock": {"cidr": "10.0.0.0/8"}}], why="It would be everybody.",
        schema="a peer of nothing", at="networkPolicy.extraEgressTo[0]"),
    no("peer of addresses and pods", "networkPolicy.extraEgressTo", [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}],
        why="Never both.", schema="`ipBlock` beside a selector", at="networkPolicy.extraEgressTo[0]"),
    no("peer with a selector as text", "networkPolicy.extraEgressTo", [{"podSelector": "app=x"}], why="Another type.",
        schema="must be of type object", at="networkPolicy.extraEgressTo[0]"),
)  # fmt: skip

_MONITORING: Final = (
    yes("monitoring with everything", {
        "monitoring": {
            "serviceMonitor": {"enabled": True, "interval": "1m30s", "scrapeTimeout": "90s", "labels": {"release": "prometheus"}},
            "prometheusRule": {"enabled": True, "severity": "critical"},
        },
    }, why="All that can be there."),
    no("interval that is a word", "monitoring.serviceMonitor.interval", "often", why="No duration.", schema="no duration"),
    no("interval in another order", "monitoring.serviceMonitor.interval", "30s1m", why="Prometheus takes the largest unit first.", schema="no duration"),
    no("interval of nothing", "monitoring.serviceMonitor.interval", "0s", why="Without a pause.", schema="a duration of nothing"),
    no("interval that is empty", "monitoring.serviceMonitor.interval", "", why="No duration.", schema="a duration of nothing"),
    no("answer that comes too late", "monitoring.serviceMonitor", {"interval": "1m", "scrapeTimeout": "61s"}, why="Prometheus refuses it.",
        schema="`scrapeTimeout` is above `interval`"),
    no("answer that comes too late by default", "monitoring.serviceMonitor.scrapeTimeout", "31s", why="The interval is 30s.",
        schema="`scrapeTimeout` is above `interval`", at="monitoring.serviceMonitor"),
    only_here("answer that comes days too late", "monitoring.serviceMonitor", {"interval": "1d", "scrapeTimeout": "25h"}, why="Prometheus refuses it.",
               difference="the durations of a rule of the schema have no days"),
    no("blank severity", "monitoring.prometheusRule.severity", " ", why="Nobody would be told.", schema="the field is blank"),
)  # fmt: skip

_CONFIG: Final = (
    yes("config with anything", {
        "config": {"gateway": {"server": {"bind_address": "0.0.0.0:8787"}, "other": None}, "plugins": [{"id": "a"}], "": {}, "kind": 1, "governance": {}},
    }, why="It is the gateway's own affair."),
    yes("config with rules of any kind", {"config.governance.policy.tool_access.rules": [{"tool_name": "a"}, 1, "text", [None]]},
         why="The gateway judges its rules."),
    no("config as a list", "config", [], why="Another type.", schema="must be of type object"),
    no("config as text", "config", "plugins: []", why="YAML within YAML.", schema="must be of type object"),
    no("config with a gateway as text", "config", {"gateway": "x"}, why="The operator would have to replace it.", schema="must be of type object"),
    no("config with a registry as a list", "config", {"gateway": {"plugin_registry": []}}, why="The operator would have to replace it.",
        schema="must be of type object"),
    no("config with a server as a number", "config", {"gateway": {"server": 8787}}, why="The operator would have to replace it.",
        schema="must be of type object"),
    no("config with governance as text", "config", {"governance": "strict"}, why="The operator would have to replace it.", schema="must be of type object"),
    no("config with a policy as text", "config", {"governance": {"policy": "strict"}}, why="The operator would have to replace it.",
        schema="must be of type object"),
    no("config with access as text", "config", {"governance": {"policy": {"tool_access": "all"}}}, why="The operator would have to replace it.",
        schema="must be of type object"),
    no("config with rules as a mapping", "config", {"governance": {"policy": {"tool_access": {"rules": {}}}}},
        why="The operator would have to replace it.", schema="must be of type array"),
)  # fmt: skip

CASES: Final = (*_NETWORK, *_MONITORING, *_CONFIG)
