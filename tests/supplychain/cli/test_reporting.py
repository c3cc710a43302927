"""The five forms of a report, to standard output or a file, and the exit codes that go with them."""

import argparse
import io
import json
from xml.etree import ElementTree as ET

import pytest

from supplychain.cli.console import Console
from supplychain.cli.reporting import emit
from supplychain.errors import OutputError
from tests.supplychain.output.samples import AT, invalid, judgement, refused, unavailable


@pytest.fixture
def say():
    def call(*judgements, output="text", output_file=None, quiet=False, verbose=False, manifest=None, **more):
        out, err = io.StringIO(), io.StringIO()
        console = Console(out=out, err=err, quiet=quiet, verbose=verbose, clock=lambda: AT)
        args = argparse.Namespace(output=output, output_file=output_file, argv=("verify", "x"), parser=argparse.ArgumentParser())
        if manifest is not None:
            args.manifest = manifest
        return emit(judgements, args=args, console=console, **more), out.getvalue(), err.getvalue()

    return call


STARTS = {
    "text": "TRUSTED  ghcr.io/acme/audit:1\n",
    "json": '{\n  "schema": "mcpg.dev/supplychain-report/v1"',
    "sarif": '{\n  "$schema": "https://docs.oasis-open.org/sarif/',
    "junit": '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites',
    "html": "<!DOCTYPE html>\n",
}


@pytest.mark.parametrize("form", STARTS)
def test_every_form_is_written(say, form):
    code, out, err = say(judgement(), output=form)
    assert (code, err) == (0, "")
    assert out.startswith(STARTS[form])


@pytest.mark.parametrize("form", STARTS)
def test_every_form_can_go_to_a_file(say, form, tmp_path):
    path = tmp_path / "report"
    code, out, err = say(judgement(), refused(), output=form, output_file=str(path))
    assert (code, err) == (1, "")
    assert out == f"REFUSED  2 targets, {form} report in {path}\n"
    assert path.read_text("utf-8").startswith(STARTS[form])
    assert list(tmp_path.iterdir()) == [path]


def test_a_quiet_call_says_nothing_beside_the_file(say, tmp_path):
    assert say(judgement(), output="json", output_file=str(tmp_path / "r"), quiet=True) == (0, "", "")


def test_a_text_in_a_file_has_no_colours_and_survives_odd_names(say, tmp_path):
    path = tmp_path / "r"
    say(judgement(target="\udcff"), output_file=str(path))
    assert path.read_text("utf-8").startswith("TRUSTED  \\udcff\n")


@pytest.mark.parametrize(("one", "code"), [(judgement(), 2), (refused(), 1), (invalid(), 2), (unavailable(), 2)])
def test_a_report_that_cannot_be_written_never_ends_well_and_never_hides_a_refusal(say, one, code, tmp_path):
    path = tmp_path / "missing" / "r"
    got, out, err = say(one, output="html", output_file=str(path))
    assert (got, out) == (code, "")
    assert "OutputFailed: cannot write file" in err


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "html"])
def test_what_a_command_knows_besides_is_in_every_form(say, form):
    _, out, _ = say(judgement(), output=form, extra={"copied": "seventeen"})
    assert ("seventeen" in out) is True


def test_text_shows_it_below_the_targets_unless_quiet(say):
    assert say(judgement(), extra={"copied": "seventeen"})[1].endswith("\n\n  copied: seventeen\n")
    assert say(judgement(), extra={"copied": "seventeen"}, quiet=True)[1] == ""


def test_notes_and_failures_are_told_and_count(say):
    failure = OutputError("the disk is full")
    code, out, _ = say(judgement(), output="json", notes=("left aside",), failures=(failure,))
    assert (code, json.loads(out)["exitCode"]) == (2, 2)
    assert json.loads(out)["notes"] == ["left aside", f"not done: {failure}"]
    assert say(refused(), output="json", failures=(failure,))[0] == 1


@pytest.mark.parametrize(
    ("manifest", "uri"), [(["a.yaml"], "a.yaml"), (["-"], "MCPGPlugin/a"), (["a.yaml", "b.yaml"], "MCPGPlugin/a")]
)
def test_the_one_manifest_is_where_its_plugins_are_found(say, manifest, uri):
    _, out, _ = say(judgement(target="MCPGPlugin/a"), output="sarif", manifest=manifest)
    assert json.loads(out)["runs"][0]["artifacts"][0]["location"]["uri"] == uri


# -- through the command -------------------------------------------------------------------------------------------------


def test_verify_writes_a_page_with_the_commands_that_repeat_it(run, workshop):
    found = run("verify", workshop.package, "--key", workshop.key, "--output", "html", "--output-file", "r.html")
    assert (found.code, found.out) == (0, "TRUSTED  1 target, html report in r.html\n")
    page = (workshop.folder / "r.html").read_text("ascii")
    assert f"supplychain verify {workshop.package} --key {workshop.key}</code>" in page
    assert "--output html --output-file r.html</code>" in page


def test_a_wrong_request_has_a_report_too(run, workshop):
    found = run("verify", workshop.package, "--output", "junit")
    assert found.code == 2
    assert [one.get("type") for one in ET.fromstring(found.out).iter("error")] == ["SigningKeyMissing"]


@pytest.mark.parametrize("form", ["sarif", "junit", "html"])
def test_a_layer_alone_is_reported_in_every_form(run, workshop, form):
    workshop.write("plugin.sig", bytes(64))
    found = run("check", "ed25519", "plugin.so", "--signature", "plugin.sig", "--key", workshop.key, "--output", form)
    assert found.code == 1
    assert "SignatureInvalid" in found.out
