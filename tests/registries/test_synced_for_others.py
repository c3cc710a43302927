"""What the real cosign signed upstream, it finds and verifies on the mirror that `mirror sync` filled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from supplychain.cli.main import main
from tests.registries.test_layouts_of_others import run
from tests.support.builders import public_key
from tests.support.carrying import Hall, plugin
from tests.support.scenario import TAG

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.registries import RunningRegistries

UNLOGGED = ("--tlog-upload=false", "--use-signing-config=false", "--yes")
FORMS = {"bundle": ("--new-bundle-format=true",), "sig": ("--new-bundle-format=false",)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mirror", ["referrers", "distribution"])
def test_cosign_verifies_on_the_mirror_what_it_signed_upstream(
    registries: RunningRegistries, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, mirror: str
) -> None:
    hosts = {"referrers": registries.referrers.host, "distribution": registries.distribution.host}
    upstream = next(host for name, host in hosts.items() if name != mirror)
    hall = Hall(upstream=upstream, mirror=hosts[mirror])
    stored, descriptor = plugin(signed=False)
    hall.publish(stored)
    run("cosign", "generate-key-pair", home=tmp_path)
    signed = f"{upstream}/{hall.repository}@{descriptor['digest']}"
    run("cosign", "sign", "--key=cosign.key", *UNLOGGED, *FORMS[form], signed, home=tmp_path)
    (tmp_path / "release.pub").write_bytes(public_key())
    words = ["mirror", "sync", f"{upstream}/{hall.repository}:{TAG}", "--key", str(tmp_path / "release.pub")]
    ways = ["--from", f"{upstream}/acme", "--to", f"{hall.mirror}/mirrored/acme", "--output", "json"]
    assert main([*words, *ways]) == 0
    [found] = json.loads(capsys.readouterr().out)["extra"]["sync"]["plugins"]
    assert (found["documents"], found["leftBehind"]) == (2, [])
    there = f"{hall.mirror}/mirrored/{hall.repository}:{TAG}"
    run("cosign", "verify", "--key=cosign.pub", "--insecure-ignore-tlog=true", *FORMS[form], there, home=tmp_path)
    hall.client.close()
