"""Flags and environment: precedence, defaults, and what is refused before a port opens."""

import argparse
import re
from pathlib import Path

import pytest

from mcpg_operator import settings as module
from mcpg_operator.flags import FLAGS
from mcpg_operator.settings import Settings, add_flags, read
from supplychain.errors import InvalidPolicyError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_pod(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_NAMESPACE_FILE", tmp_path / "namespace")


def parse(*flags, **environment):
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return read(parser.parse_args([f"--{flag}" for flag in flags]), environment)


def test_the_defaults_are_the_public_ones():
    found = parse("pod-name=a")
    assert found == Settings(pod_name="a")
    assert (found.metrics_bind, found.webhook_bind, found.leader_election) == (("0.0.0.0", 8443), ("0.0.0.0", 9443), True)
    assert (found.lease_duration, found.lease_renew, found.lease_retry, found.lease_name) == (30, 20, 4, "mcpg-operator")
    assert (found.resync_interval, found.reconcile_concurrency, found.namespace) == (600, 8, "mcpg-system")


def test_a_flag_counts_more_than_the_environment_and_that_more_than_the_default():
    variable = {"MCPG_OPERATOR_RESYNC_INTERVAL_SECS": "7"}
    assert parse(**variable).resync_interval == 7
    assert parse("resync-interval-secs=8", **variable).resync_interval == 8
    assert parse(MCPG_OPERATOR_RESYNC_INTERVAL_SECS="").resync_interval == 600


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.name)
def test_every_flag_has_a_variable_that_does_the_same(flag):
    word = {
        "metrics_bind": "127.0.0.1:1",
        "webhook_bind": "127.0.0.1:1",
        "lease_duration": "40",
        "lease_renew": "21",
        "lease_retry": "5",
        "log_format": "pretty",
        "log_level": "debug",
        "mirror_endpoints": "a=b",
        "leader_election": "false",
        "single_verifier": "true",
        "allow_unsigned_provenance": "true",
        "tls_self_signed": "true",
        "admission_lookup_failure": "allow",
        "require_coordinator_tls": "true",
        "require_digest_or_cosign": "true",
        "gateway_config_dialect": "flat",
        "dns_peers": "kube-system/k8s-app=coredns",
        "registry_bytes_per_minute": "9Mi",
    }.get(flag.field, "9")
    by_flag = parse(f"{flag.name[2:]}={word}", "pod-name=a") if flag.field != "pod_name" else parse("pod-name=9")
    for variable in flag.variables:
        by_variable = parse(**{variable: word}, **({} if flag.field == "pod_name" else {"POD_NAME": "a"}))
        assert by_variable == by_flag != Settings(pod_name="a")


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        (
            "dns/app=unbound",
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "dns"}},
                "podSelector": {"matchLabels": {"app": "unbound"}},
            },
        ),
        ("169.254.20.10/32", {"ipBlock": {"cidr": "169.254.20.10/32"}}),
        ("fd00::/8", {"ipBlock": {"cidr": "fd00::/8"}}),
        ("10.0.0.10", {"ipBlock": {"cidr": "10.0.0.10/32"}}),
    ],
)
def test_who_answers_dns_is_named_as_a_network_policy_names_it(text, peer):
    assert parse(f"dns-peer={text}", "pod-name=a").dns_peers == (peer,)


@pytest.mark.parametrize("text", ["dns", "dns/app", "/app=x", "dns/=x", "dns/app=", "10.0.0.1/8"])
def test_nobody_unclear_answers_dns(text):
    with pytest.raises(InvalidPolicyError, match="NAMESPACE/LABEL=VALUE"):
        parse(f"dns-peer={text}")


def test_an_image_loses_what_people_leave_at_its_ends():
    assert (
        parse("gateway-image-repository= ghcr.io/acme/gateway// ", "pod-name=a").gateway_image_repository
        == "ghcr.io/acme/gateway"
    )


def test_both_forms_turn_the_election_off():
    assert not parse("no-leader-election").leader_election
    assert not parse("leader-election=false").leader_election
    assert parse("leader-election").leader_election
    assert parse("leader-election=true", MCPG_OPERATOR_LEADER_ELECTION="0").leader_election
    assert parse("single-verifier").single_verifier


def test_the_namespace_comes_from_flag_variables_or_the_mounted_account(tmp_path):
    (tmp_path / "namespace").write_text("mounted\n")
    assert parse().namespace == "mounted"
    assert parse(POD_NAMESPACE="pod").namespace == "pod"
    assert parse(POD_NAMESPACE="pod", OPERATOR_NAMESPACE="given").namespace == "given"
    assert parse("operator-namespace=flag", OPERATOR_NAMESPACE="given").namespace == "flag"


def test_the_lease_lies_beside_the_operator_unless_told_otherwise():
    assert parse("operator-namespace=home").lease_namespace == "home"
    assert parse("operator-namespace=home", "lease-namespace=away").lease_namespace == "away"


def test_replicas_without_a_name_get_different_ones():
    names = {parse().pod_name for _ in range(3)}
    assert len(names) == 3
    assert all(re.fullmatch(r"mcpg-operator-[0-9a-f]{8}", name) for name in names)
    assert parse("no-leader-election").pod_name == "mcpg-operator"
    assert parse(POD_NAME="given").pod_name == "given"


def test_repeatable_flags_gather_and_variables_are_split():
    assert parse("insecure-registry=a", "insecure-registry=b:5000").insecure_registries == ("a", "b:5000")
    assert parse(MCPG_OPERATOR_INSECURE_REGISTRIES="a,b").insecure_registries == ("a", "b")
    assert parse("mirror-endpoint=m=127.0.0.1:1", "mirror-endpoint=n=x").mirror_endpoints == {"m": "127.0.0.1:1", "n": "x"}


def test_an_address_may_be_of_either_family():
    assert parse("metrics-bind=[::1]:8443").metrics_bind == ("::1", 8443)
    assert parse("metrics-bind=:0").metrics_bind == ("", 0)


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("metrics-bind", ["8443", "a:b", "a:65536", "a:-1", "a:¹"]),
        ("lease-duration-secs", ["0", "-1", "x", "nan", "inf", "1e99"]),
        ("resync-interval-secs", ["0", "soon"]),
        ("reconcile-concurrency", ["0", "65", "1.5", ""]),
        ("retain-digests", ["-1", "65"]),
        ("leader-election", ["maybe"]),
        ("log-format", ["xml"]),
        ("log-level", ["loud"]),
        ("lease-name", [" "]),
        ("tls-cert-dir", [" "]),
        ("mirror-endpoint", ["a", "=b", "a="]),
    ],
)
def test_an_unusable_value_is_refused_with_the_name_of_what_was_given(flag, words):
    for word in words:
        with pytest.raises(InvalidPolicyError, match=f"in `--{flag}`"):
            parse(f"{flag}={word}")


def test_an_unusable_variable_is_named_too():
    with pytest.raises(InvalidPolicyError, match=r"in `\$MCPG_OPERATOR_LOG_LEVEL`"):
        parse(MCPG_OPERATOR_LOG_LEVEL="loud")


@pytest.mark.parametrize(("duration", "renew", "retry"), [(20, 20, 4), (30, 4, 4), (30, 20, 25), (10, 20, 4)])
def test_times_of_the_lease_that_contradict_each_other_are_refused(duration, renew, retry):
    with pytest.raises(InvalidPolicyError, match="retry < renew < duration"):
        parse(f"lease-duration-secs={duration}", f"lease-renew-secs={renew}", f"lease-retry-secs={retry}")


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("mcpg_operator=info,kube=warn", "info"),
        ("kube=debug,mcpg_operator=debug", "debug"),
        ("mcpg_operator=trace", "debug"),
        ("warn", "warning"),
        ("error,kube=debug", "error"),
        ("mcpg_operator=off", "error"),
        ("kube=debug", "info"),
        ("what=ever=this,,", "info"),
    ],
)
def test_a_log_filter_of_the_older_form_is_read_as_well_as_possible(text, level):
    assert parse(RUST_LOG=text).log_level == level
    assert parse(f"log-filter={text}").log_level == level
    assert parse(RUST_LOG=text, MCPG_OPERATOR_LOG_LEVEL="warning").log_level == "warning"


@pytest.mark.parametrize(("text", "size"), [("1", 1), ("2Ki", 2048), ("512Mi", 512 * 1024**2), (" 1Gi ", 1024**3)])
def test_a_size_may_have_a_binary_unit(text, size):
    found = parse(f"limit-artifact={text}")
    assert found.limits.artifact == size
    assert found.limits.delivery == Settings().limits.delivery


def test_the_budget_of_registries_becomes_a_limit():
    found = parse("registry-requests-per-minute=90", "registry-bytes-per-minute=2Mi").limits
    assert (found.requests_per_minute, found.bytes_per_minute) == (90, 2 << 20)
    assert (parse().limits.requests_per_minute, parse().limits.bytes_per_minute) == (None, None)


@pytest.mark.parametrize(
    "flag", ["requests-per-minute=0", "requests-per-minute=many", "bytes-per-minute=1Ki", "bytes-per-minute=0"]
)
def test_a_budget_under_which_nothing_comes_is_refused(flag):
    with pytest.raises(InvalidPolicyError, match="registry"):
        parse(f"registry-{flag}")


@pytest.mark.parametrize("text", ["0", "0Mi", "-1", "5MB", "Mi", "1.5Gi", "9" * 13])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(InvalidPolicyError, match="512Mi"):
        parse(f"limit-delivery={text}")


def test_the_page_names_every_flag_with_its_variable_and_default():
    page = (ROOT / "docs/operator.md").read_text(encoding="utf-8")
    for row in module.table():
        assert row in page, f"docs/operator.md lacks: {row}"


def test_a_certificate_comes_from_one_place():
    with pytest.raises(InvalidPolicyError, match="two certificates for one port"):
        parse("tls-self-signed", "tls-cert-dir=/tls")
