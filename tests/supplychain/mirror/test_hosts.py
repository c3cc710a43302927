from __future__ import annotations

import pytest

from supplychain.mirror.hosts import api_host, bare_address, canonical_host, is_loopback, split_host


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io", "Index.Docker.IO"])
def test_the_names_of_docker_hub_are_one_and_one_host_answers(host: str) -> None:
    assert canonical_host(host) == "docker.io"
    assert api_host(host) == "registry-1.docker.io"


def test_other_hosts_answer_for_themselves_and_keep_their_port() -> None:
    assert canonical_host("Ghcr.io:444") == "ghcr.io:444"
    assert api_host("ghcr.io:444") == "ghcr.io:444"


@pytest.mark.parametrize(
    ("host", "parts"),
    [
        ("a.example", ("a.example", "")),
        ("a.example:5000", ("a.example", "5000")),
        ("[::1]:5000", ("::1", "5000")),
        ("[::1]", ("::1", "")),
    ],
)
def test_a_host_is_split_from_its_port(host: str, parts: tuple[str, str]) -> None:
    assert split_host(host) == parts


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:5000", "127.0.0.1:1", "127.8.9.1", "[::1]:5000"])
def test_names_of_this_machine_are_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.example.com", "127.0.0.1.example", "10.0.0.1", "registry:5000", "[2001:db8::1]", ""])
def test_names_that_only_begin_so_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["ghcr.io", "GHCR.io", "ghcr.io.", "ghcr.io:443", "ghcr.io:80", "Ghcr.io.:443"])
def test_no_way_to_write_a_host_gets_around_a_ban(host: str) -> None:
    assert bare_address(host) == "ghcr.io"


def test_a_ban_knows_the_aliases_of_docker_hub_and_other_ports() -> None:
    assert bare_address("registry-1.docker.io.:443") == bare_address("docker.io")
    assert bare_address("ghcr.io:5000") == "ghcr.io:5000"
    assert bare_address("[::1]:5000") == "::1:5000"


def test_an_address_ends_at_the_first_bracket() -> None:
    assert split_host("[::1]:5]") == ("::1", "5]")
