"""The commands that repeat a check: right for every shape of call, and safe to copy."""

import argparse
import shlex

import pytest

from supplychain.cli import repeat as module
from supplychain.cli.main import build_parser
from supplychain.cli.repeat import call, category, repeats
from supplychain.report import Layer, Outcome, Problem
from tests.supplychain.output.samples import invalid, judgement, result

DIGEST = "sha256:" + "ab" * 32
TARGET = "ghcr.io/acme/audit:1"


def args(*argv):
    return argparse.Namespace(argv=argv, parser=build_parser(*argv[:1]))


def pulled(target=TARGET, **facts):
    given = {"manifestDigest": DIGEST, "source": f"{target.partition('@')[0]}@{DIGEST}", **facts}
    return judgement(result(Layer.PULL, facts=given), target=target)


def commands(one, *argv):
    return {repeat.shows: repeat.command for repeat in repeats(args(*argv), [one])[0]}


def test_one_target_is_judged_again_with_the_same_policy_and_nothing_for_show():
    argv = (
        *(
            "verify",
            "--key",
            "a b.pub",
            TARGET,
            "--output=html",
            "--output-file",
            "r.html",
            "-q",
            "--color",
            "never",
            "other/x:1",
        ),
        *("--offline", "--plugin-id=x", "--jobs", "2"),
    )
    found = commands(pulled(), *argv)
    assert found["judge it again"] == f"supplychain verify {TARGET} --key 'a b.pub' --offline --plugin-id=x"
    exact = f"supplychain verify {TARGET}@{DIGEST} --key 'a b.pub' --offline --plugin-id=x"
    assert found["judge these very bytes again, whatever the tag says by then"] == exact


def test_of_an_index_the_index_is_named():
    index = "sha256:" + "cd" * 32
    found = commands(pulled(indexDigest=index), "verify", TARGET)
    assert f"{TARGET}@{index}" in found["judge these very bytes again, whatever the tag says by then"]
    assert found[f"the digest of the manifest, {DIGEST}"] == f"crane manifest ghcr.io/acme/audit@{DIGEST} | sha256sum"


def test_what_was_named_by_its_digest_is_named_once():
    assert "judge these very bytes again, whatever the tag says by then" not in commands(
        pulled(target=f"ghcr.io/acme/audit@{DIGEST}"), "verify", f"ghcr.io/acme/audit@{DIGEST}"
    )


@pytest.mark.parametrize("target", ["a.zip", "oci-layout:x.y/l:1", "bundle:a.b/c", "bundle:x:a.b/c:1"])
def test_what_is_no_reference_into_a_registry_gets_no_commands_of_registries(target):
    assert list(commands(pulled(target=target), "verify", target)) == ["judge it again"]


def test_a_manifest_is_judged_again_as_a_whole():
    found = commands(
        pulled(target="MCPGPlugin/audit", source="oci-layout:l"), "verify", "-f", "p.yaml", "oci-layout:l", "--save", "out"
    )
    assert found == {"judge it again": "supplychain verify oci-layout:l -f p.yaml"}
    assert (
        commands(pulled(), "verify", "--manifest=p.yaml", TARGET)["judge it again"]
        == f"supplychain verify {TARGET} --manifest=p.yaml"
    )
    found = commands(pulled(target="MCPGPlugin/audit", source="audit.zip"), "verify", "-fp.yaml")
    assert found == {"judge it again": "supplychain verify -fp.yaml"}


def test_other_tools_are_led_to_the_repository_that_was_asked_and_to_no_other():
    one = pulled(target="MCPGPlugin/audit (mirror)", source=f"mirror.example:5000/acme/audit:1@{DIGEST}")
    shown = commands(one, "mirror", "sync", "-f", "p.yaml")[f"the digest of the manifest, {DIGEST}"]
    assert shown == f"crane manifest mirror.example:5000/acme/audit@{DIGEST} | sha256sum"


def test_words_behind_two_dashes_are_targets():
    assert commands(judgement(target="x"), "verify", "--key", "k", "--", "x")["judge it again"] == "supplychain verify x --key k"


def test_a_dash_alone_is_standard_input_and_no_flag():
    assert commands(judgement(target="x"), "verify", "-f", "-", "-")["judge it again"] == "supplychain verify - -f -"


def test_a_subcommand_is_repeated_with_its_command():
    found = commands(judgement(target="plugin.so"), "check", "ed25519", "plugin.so", "--signature", "s", "--key", "k")
    assert found["judge it again"] == "supplychain check ed25519 plugin.so --signature s --key k"


def test_what_does_more_than_judge_is_not_offered_again_for_one_target():
    assert "judge it again" not in commands(pulled(), "push", "audit.zip", TARGET)


def test_a_bundle_is_judged_again_as_a_whole():
    found = commands(pulled(), "bundle", "verify", "a.mcpg.tar.zst", TARGET, "--offline")
    assert found["judge it again"] == f"supplychain bundle verify a.mcpg.tar.zst {TARGET} --offline"
    assert "judge these very bytes again, whatever the tag says by then" not in found


@pytest.mark.parametrize(
    ("argv", "name"), [(("verify", "x"), "verify"), (("check", "ed25519", "x"), "check-ed25519"), (("--color",), "verify")]
)
def test_findings_are_kept_apart_by_command(argv, name):
    assert category(argparse.Namespace(argv=argv, parser=build_parser())) == name


def test_the_signature_can_be_checked_by_cosign():
    signed = judgement(
        result(Layer.PULL, facts={"manifestDigest": DIGEST, "source": f"localhost:5000/a:1@{DIGEST}"}),
        result(Layer.COSIGN, facts={"identity": "https://x/y z", "issuer": "https://i"}),
        target="localhost:5000/a:1",
    )
    found = commands(signed, "verify", "localhost:5000/a:1")
    flags = "--certificate-identity 'https://x/y z' --certificate-oidc-issuer https://i"
    assert found["the signature of the image, by cosign"] == f"cosign verify {flags} localhost:5000/a@{DIGEST}"


def test_a_key_instead_of_an_identity_gets_no_command_of_identities():
    signed = judgement(
        result(Layer.PULL, facts={"manifestDigest": DIGEST, "source": f"localhost:5000/a:1@{DIGEST}"}),
        result(Layer.COSIGN, facts={"identity": "k", "issuer": None}),
    )
    assert "the signature of the image, by cosign" not in commands(signed, "verify", TARGET)


def test_every_reason_can_be_explained():
    failed = judgement(result(Layer.COSIGN, Outcome.REFUSED, problem=Problem(reason="IdentityMismatch", message="m")))
    assert [one.command for one in repeats(args("verify", TARGET), [failed])[0]][-1] == "supplychain explain IdentityMismatch"
    assert [one.command for one in repeats(args("verify", "x"), [invalid()])[0]] == [
        "supplychain verify x",
        "supplychain explain InvalidReference",
    ]


@pytest.mark.parametrize("evil", ["a\u202eb", "a\nb", "a\x1b[31m"])
def test_what_cannot_be_read_is_never_offered(evil):
    assert call(args("verify", evil)) is None
    assert commands(pulled(target=f"x.y/{evil}"), "verify", f"x.y/{evil}") == {}
    signed = judgement(
        result(Layer.PULL, facts={"manifestDigest": DIGEST, "source": f"localhost:5000/a:1@{DIGEST}"}),
        result(Layer.COSIGN, facts={"identity": evil, "issuer": "i"}),
    )
    assert "the signature of the image, by cosign" not in commands(signed, "verify", TARGET)


@pytest.mark.parametrize("evil", ["$(id)", "`id`", "a; id", "a' || id || '", "*", "~", "a b", "#", "\\"])
def test_what_a_shell_would_run_is_quoted(evil):
    argv = ("verify", "--key", evil, f"{evil}.zip")
    assert shlex.split(call(args(*argv))) == ["supplychain", *argv]
    again = commands(judgement(target=f"{evil}.zip"), *argv)["judge it again"]
    assert shlex.split(again) == ["supplychain", "verify", f"{evil}.zip", "--key", evil]


def test_where_the_words_are_not_known_nothing_is_made_up():
    assert call(argparse.Namespace()) is None
    assert repeats(argparse.Namespace(parser=build_parser("verify")), [judgement()]) == ((),)
    assert repeats(argparse.Namespace(argv=("--color",), parser=build_parser("verify")), [judgement()]) == ((),)


def test_a_flag_of_two_values_keeps_both():
    given = argparse.ArgumentParser()
    command = given.add_subparsers().add_parser("verify")
    command.add_argument("--policy", nargs=2)
    words = argparse.Namespace(argv=("verify", "--policy", "old", "new", "x"), parser=given)
    assert [one.command for one in repeats(words, [judgement(target="x")])[0]] == ["supplychain verify x --policy old new"]


def test_a_call_of_many_targets_is_not_written_out_for_each_of_them():
    many = tuple(f"ghcr.io/acme/p{number}:1" for number in range(300))
    argv = ("verify", "-f", "m.yaml", *many)
    judged = [judgement(target=one) for one in many]
    assert {repeat.shows for found in repeats(args(*argv), judged) for repeat in found} == set()
    alone = repeats(args("verify", *many), judged)
    assert [one.command for one in alone[7]] == ["supplychain verify ghcr.io/acme/p7:1"]


def test_a_call_is_taken_apart_once_however_many_targets_it_has(monkeypatch):
    taken = []
    monkeypatch.setattr(module, "_split", lambda *_: taken.append(1))
    assert repeats(args("verify", "a", "b"), [judgement()] * 3) == ((),) * 3
    assert taken == [1]
