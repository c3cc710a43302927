"""What crosses an air gap is reported in every form that `verify` has, with what the command knows besides."""

import json

import pytest

from supplychain.cli.main import main
from tests.support.builders import public_key
from tests.support.bundling import make_bundle, verifier_public
from tests.support.carrying import Hall, plugin
from tests.support.report_schemas import junit_schema, sarif_schema
from tests.support.scenario import AT, SIGSTORE, TAG


@pytest.fixture
def verify(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "verifier.pub").write_bytes(verifier_public())
    (tmp_path / "release.pub").write_bytes(public_key())
    (tmp_path / "root.json").write_bytes(SIGSTORE.trusted_root())
    make_bundle(tmp_path / "b.mcpg.tar.zst")

    def call(form, key="verifier.pub"):
        argv = ["bundle", "verify", "b.mcpg.tar.zst", "--single-verifier", "--verifier-key", key, "--output", form]
        code = main(argv, clock=lambda: AT)
        return code, capsys.readouterr().out

    return call


def test_a_bundle_is_reported_as_sarif(verify):
    code, out = verify("sarif")
    document = json.loads(out)
    sarif_schema().validate(document)
    [run] = document["runs"]
    assert (code, run["results"]) == (0, [])
    assert run["automationDetails"]["id"] == "supplychain/bundle-verify/"
    assert run["properties"]["extra"]["bundle"]["policy"] == "enclosed"


def test_a_bundle_by_nobodys_key_is_a_result(verify):
    code, out = verify("sarif", key="release.pub")
    document = json.loads(out)
    sarif_schema().validate(document)
    assert code != 0
    assert document["runs"][0]["results"]


def test_a_bundle_is_reported_as_junit(verify):
    code, out = verify("junit")
    junit_schema().validate(out)
    assert code == 0
    assert '<property name="bundle.policy" value="enclosed"/>' in out


def test_a_bundle_is_reported_as_a_page(verify):
    code, out = verify("html")
    assert code == 0
    assert "About this call" in out
    assert "supplychain bundle verify b.mcpg.tar.zst --single-verifier --verifier-key verifier.pub</code>" in out


@pytest.fixture
def sync(run, workshop, registries):
    hall = Hall(upstream=registries.distribution.host, mirror=registries.referrers.host)
    hall.publish(plugin()[0])
    prefix = hall.repository.partition("/")[0]

    def call(form):
        ways = ("--from", f"{hall.upstream}/{prefix}", "--to", f"{hall.mirror}/mirrored/{prefix}")
        target = f"{hall.upstream}/{hall.repository}:{TAG}"
        return run("mirror", "sync", target, "--key", workshop.key, *workshop.keyless, *ways, "--output", form)

    yield call
    hall.client.close()


@pytest.mark.parametrize("form", ["sarif", "junit", "html"])
def test_a_copy_to_a_mirror_is_reported_in_every_form(sync, form):
    answer = sync(form)
    assert answer.code == 0
    if form == "sarif":
        sarif_schema().validate(answer.json)
        assert answer.json["runs"][0]["properties"]["extra"]["sync"]["copied"] == 1
    elif form == "junit":
        junit_schema().validate(answer.out)
        assert '<property name="sync.copied" value="1"/>' in answer.out
    else:
        assert "<dt>copied</dt><dd>1</dd>" in answer.out
        assert "judge it again" not in answer.out
