"""`supplychain mirror sync` between real registries."""

import json
import random
import signal
import subprocess
import sys
import time

import httpx
import jsonschema
import pytest

from supplychain.carry.stamp_file import StampFile
from supplychain.cli.main import build_parser
from supplychain.cli.request import plan
from supplychain.cli.sources import RegistryTarget, Sources
from supplychain.cli.sync_plan import Transfer, transfers
from supplychain.digest import ArtifactHash
from supplychain.errors import OutputError
from tests.supplychain.cli.test_verify import MANIFEST
from tests.support.builders import build_elf
from tests.support.carrying import Hall, plugin
from tests.support.registries import PASSWORD, USER, docker_config
from tests.support.scenario import AT, LIBRARY, TAG

TRUST = ("--single-verifier", "--output", "json")
MIRROR = """\
---
apiVersion: mcpg.dev/v1alpha2
kind: MCPGPluginMirror
metadata: {{name: m}}
spec:
  endpoint: {{service: {{namespace: oci, name: reg, port: 5000, pathPrefix: mirrored/{prefix}}}}}
  upstream: {{registry: '{upstream}', namespace: {prefix}}}
"""


@pytest.fixture
def hall(registries):
    hall = Hall(upstream=registries.distribution.host, mirror=registries.referrers.host)
    yield hall
    hall.client.close()


@pytest.fixture
def ways(hall):
    prefix = hall.repository.partition("/")[0]
    return ("--from", f"{hall.upstream}/{prefix}", "--to", f"{hall.mirror}/mirrored/{prefix}")


@pytest.fixture
def sync(run, workshop, hall, ways):
    def call(*words, reference=f":{TAG}"):
        targets = [f"{hall.upstream}/{hall.repository}{reference}"] if reference else []
        return run("mirror", "sync", *targets, "--key", workshop.key, *workshop.keyless, *ways, "--output", "json", *words)

    return call


@pytest.fixture
def manifests(hall, workshop):
    """The documents of a cluster in which one plugin is served by a mirror."""
    prefix = hall.repository.partition("/")[0]
    text = MANIFEST.replace(f"127.0.0.1:1/acme/echo:{TAG}", f"{hall.upstream}/{hall.repository}:{TAG}")
    text = text.replace("oci: {image:", "oci: {mirrorRef: {name: m}, image:")
    path = workshop.write("cluster.yaml", text + MIRROR.format(upstream=hall.upstream, prefix=prefix))
    return ("-f", path, "--mirror-endpoint", f"m={hall.mirror}", "--trust-root", workshop.folder / "root.json", *TRUST)


def facts(answer):
    return answer.json["extra"]["sync"]


def mirrored(hall, tag=TAG):
    return httpx.get(f"http://{hall.mirror}/v2/mirrored/{hall.repository}/manifests/{tag}", trust_env=False).status_code == 200


def test_a_plugin_is_carried_and_then_verified_from_the_mirror_alone(sync, hall, run, workshop):
    hall.publish(plugin()[0])
    answer = sync()
    assert answer.code == 0, answer.out
    assert facts(answer)["copied"] == 1
    [one] = facts(answer)["plugins"]
    assert (one["arrival"], one["leftBehind"]) == ("copied", [])
    assert [report["verdict"] for report in answer.json["reports"]] == ["Trusted", "Trusted"]
    there = run("verify", f"{hall.mirror}/mirrored/{hall.repository}:{TAG}", "--key", workshop.key, *workshop.keyless)
    assert there.code == 0, there.out


def test_a_cluster_s_documents_say_what_must_be_true_and_where_it_goes(hall, run, manifests):
    hall.publish(plugin()[0])
    answer = run("mirror", "sync", *manifests)
    assert answer.code == 0, answer.out
    assert answer.json["reports"][0]["target"] == "MCPGPlugin/echo (upstream)"
    assert mirrored(hall)
    assert run("verify", *manifests).code == 0


def test_a_plugin_that_names_no_mirror_goes_where_the_flags_say_or_nowhere(hall, run, workshop, ways):
    hall.publish(plugin()[0])
    text = MANIFEST.replace(f"127.0.0.1:1/acme/echo:{TAG}", f"{hall.upstream}/{hall.repository}:{TAG}")
    words = ("-f", workshop.write("plain.yaml", text), "--trust-root", workshop.folder / "root.json", *TRUST)
    nowhere = run("mirror", "sync", *words)
    assert nowhere.code == 2
    assert "where the plugin goes" in nowhere.report["error"]["message"]
    assert run("mirror", "sync", *words, *ways).code == 0


def test_nothing_unsigned_is_written(sync, hall):
    hall.publish(plugin(signed=False)[0])
    answer = sync()
    assert (answer.code, facts(answer)["failed"]) == (1, 1)
    assert not mirrored(hall)


def test_a_plain_plan_lists_references(sync, hall, workshop):
    hall.publish(plugin()[0])
    name = f"{hall.upstream}/{hall.repository}:{TAG}"
    good = workshop.write("plan.yaml", f"plugins:\n- {name}\n- {name}\n")
    answer = sync("-f", good, "--jobs", "2", reference=None)
    assert (answer.code, len(answer.json["reports"])) == (0, 4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plugins: [1]", "lists references"),
        ("plugins: []", "lists references"),
        ("plugins: {a: b}", "lists references"),
        ("plugins: [a]\nother: 1", "kind"),
        ("- a", "mapping"),
        (MANIFEST, "where the plugin goes"),
        ("a: b\na: b", "a"),
    ],
)
def test_a_plan_of_another_form_is_a_wrong_request(run, workshop, text, words):
    answer = run("mirror", "sync", "-f", workshop.write("plan.yaml", text), *TRUST)
    assert answer.code == 2, answer.out
    assert words in answer.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "localhost:1/x"), "belong together"),
        (("--from", "localhost:1/x"), "belong together"),
        (("--from", "localhost:1/acme", "--to", "localhost:1/x"), "upstream registry itself"),
        (("--from", "localhost:1", "--to", "localhost:2/x"), "upstream.namespace"),
        (("--from", "localhost:1/other", "--from", "localhost:1/another", "--to", "localhost:2"), "does not cover"),
        (("--from", "localhost:1/acme", "--to", "localhost:2", "--state", "/nowhere/state"), "cannot open the state"),
    ],
)
def test_ways_that_lead_nowhere_are_a_wrong_request(run, workshop, words, said):
    answer = run("mirror", "sync", "localhost:1/acme/echo:1", "--key", workshop.key, *words, *TRUST)
    assert answer.code == 2, answer.out
    assert said in answer.out


def test_the_first_way_that_covers_a_plugin_is_taken(run, workshop):
    words = (
        "--from",
        "localhost:1/other",
        "--from",
        "localhost:1/acme",
        "--from",
        "localhost:1/acme/echo",
        "--to",
        "localhost:2/m",
    )
    answer = run("mirror", "sync", "localhost:1/acme/echo:1", "--key", workshop.key, *words, *TRUST, "--limit-retries", "0")
    assert (answer.code, answer.report["target"]) == (3, "localhost:1/acme/echo:1 (upstream)")
    assert facts(answer)["plugins"][0]["mirror"] == "localhost:2/m/echo:1"


def test_two_plugins_do_not_become_one(run, workshop):
    words = ("--from", "localhost:1/a", "--from", "localhost:1/b", "--to", "localhost:2")
    targets = ("localhost:1/a/echo:1", "localhost:1/b/echo:1")
    answer = run("mirror", "sync", *targets, "--key", workshop.key, *words, *TRUST)
    assert answer.code == 2
    assert "one name on the mirror" in answer.out


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("a/echo:1@sha256:" + "1" * 64, "b/echo:1@sha256:" + "2" * 64), 2),
        (("a/echo:1@sha256:" + "1" * 64, "a/echo:1@sha256:" + "2" * 64), 2),
        (("a/echo:1", "a/echo:1@sha256:" + "2" * 64), 3),
        (("a/echo@sha256:" + "1" * 64, "a/echo@sha256:" + "2" * 64), 3),
    ],
)
def test_one_tag_does_not_become_two_plugins(run, workshop, names, code):
    """Digests make the names differ; the tag on the mirror can lead to one of them only."""
    words = ("--from", "localhost:1/a", "--from", "localhost:1/b", "--to", "localhost:2", "--limit-retries", "0")
    targets = [f"localhost:1/{name}" for name in names]
    answer = run("mirror", "sync", *targets, "--key", workshop.key, *words, *TRUST)
    assert answer.code == code
    assert ("one name on the mirror" in answer.out) is (code == 2)


def test_only_what_is_in_a_registry_or_a_bundle_is_synced(run, workshop):
    words = ("--from", "localhost:1/a", "--to", "localhost:2")
    answer = run("mirror", "sync", workshop.package, "no reference", "--key", workshop.key, *words, *TRUST)
    assert [report["verdict"] for report in answer.json["reports"]] == ["Invalid", "Invalid"]


def test_a_plan_and_targets_or_two_kinds_of_plan_are_a_wrong_request(run, workshop, monkeypatch):
    plain = workshop.write("plan.yaml", "plugins: ['localhost:1/a/echo:1']")
    assert "TARGETs beside it" in run("mirror", "sync", "-f", plain, "localhost:1/a/echo:1", *TRUST).out
    documents = workshop.write("m.yaml", MANIFEST)
    assert "in one plan" in run("mirror", "sync", "-f", plain, "-f", documents, *TRUST).out
    with documents.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        answer = run("mirror", "sync", "-f", "-", "--trust-root", workshop.folder / "root.json", *TRUST)
    assert "where the plugin goes" in answer.out


def test_jobs_are_a_number(run, workshop):
    assert run("mirror", "sync", "localhost:1/a/echo:1", "--jobs", "0").code == 2


# -- what did not change -------------------------------------------------------------------------------------------------------


@pytest.fixture
def state(workshop):
    return workshop.folder / "state"


def test_what_did_not_change_is_only_looked_at(sync, hall, state):
    hall.publish(plugin()[0])
    assert sync("--state", state).code == 0
    answer = sync("--state", state)
    assert (answer.code, facts(answer)["unchanged"], facts(answer)["readRequests"]) == (0, 1, 2)
    [report] = answer.json["reports"]
    assert report["target"].endswith("(unchanged)")
    again = sync("--state", state, "--recheck")
    assert (facts(again)["present"], facts(again)["bytes"]) == (1, 0)


def test_a_pinned_plugin_that_did_not_change_costs_one_head(sync, hall, state):
    stored, descriptor = plugin()
    hall.publish(stored)
    pinned = f":{TAG}@{descriptor['digest']}"
    assert sync("--state", state, reference=pinned).code == 0
    answer = sync("--state", state, reference=pinned)
    assert (facts(answer)["unchanged"], facts(answer)["readRequests"]) == (1, 1)


def test_a_tag_that_moved_is_carried_again(sync, hall, state):
    hall.publish(plugin()[0])
    sync("--state", state)
    hall.publish(plugin(library=build_elf(payload=b"new"))[0])
    assert facts(sync("--state", state))["copied"] == 1


def test_what_the_mirror_lost_is_written_again(sync, hall, state):
    stored, descriptor = plugin()
    hall.publish(stored)
    sync("--state", state)
    url = f"http://{hall.mirror}/v2/mirrored/{hall.repository}/manifests/"
    for name in (TAG, descriptor["digest"]):
        httpx.delete(url + name, trust_env=False)
    answer = sync("--state", state)
    assert (answer.code, facts(answer)["copied"]) == (0, 1)


def test_another_policy_is_judged_anew(sync, hall, state):
    hall.publish(plugin()[0])
    sync("--state", state)
    answer = sync("--state", state, "--plugin-id", "dev.acme.other")
    assert (answer.code, facts(answer)["unchanged"]) == (1, 0)


def revocations(workshop, *hashes, name="list.json"):
    entries = [{"artifact_sha256": str(one), "reason": "x"} for one in hashes]
    document = {"version": 1, "issued_at": "2025-06-01T00:00:00Z", "revocations": entries}
    return ("--revocations", workshop.write(name, json.dumps(document)))


def test_a_new_revocation_counts_for_what_did_not_change(sync, hall, state, workshop):
    hall.publish(plugin()[0])
    assert sync("--state", state, *revocations(workshop)).code == 0
    other = sync("--state", state, *revocations(workshop, "0" * 64))
    assert (other.code, facts(other)["unchanged"]) == (0, 1)
    answer = sync("--state", state, *revocations(workshop, ArtifactHash.of(LIBRARY)))
    assert (answer.code, answer.report["layers"][3]["problem"]["reason"]) == (1, "ArtefactRevoked")


def test_a_verdict_past_its_age_is_made_anew(sync, hall, state):
    hall.publish(plugin()[0])
    sync("--state", state)
    state.write_bytes(state.read_bytes().replace(f"{AT:%Y-%m-%d}".encode(), b"2025-06-01"))
    kept = sync("--state", state, "--max-age", "verification=60d")
    dated = kept.json["extra"]["freshness"][-1]
    assert (dated["state"], dated["asOf"][:10]) == ("Fresh", "2025-06-01")
    answer = sync("--state", state, "--max-age", "verification=7d")
    assert (answer.code, facts(answer)["unchanged"], facts(answer)["present"]) == (0, 0, 1)


def test_a_trust_root_that_cannot_be_had_lets_nothing_pass_as_unchanged(sync, hall, state, workshop):
    hall.publish(plugin()[0])
    sync("--state", state)
    (workshop.folder / "root.json").write_text("{}")
    answer = sync("--state", state)
    assert (answer.code, facts(answer)["unchanged"]) == (2, 0)


def test_a_stamp_that_cannot_be_kept_is_said_and_is_no_success(sync, hall, state, monkeypatch):
    def record(*_):
        raise OutputError("cannot write the state")

    monkeypatch.setattr(StampFile, "record", record)
    hall.publish(plugin()[0])
    answer = sync("--state", state)
    assert answer.code == 2
    assert "cannot write the state" in answer.err
    assert mirrored(hall)


def test_a_state_that_cannot_be_tidied_is_said_beside_the_report(sync, hall, state, monkeypatch):
    hall.publish(plugin()[0])
    sync("--state", state)

    def write(*_, **__):
        raise OutputError("cannot write file")

    monkeypatch.setattr("supplychain.carry.stamp_file.write_atomically", write)
    answer = sync("--state", state, "--recheck")
    assert (answer.code, facts(answer)["present"]) == (2, 1)


def test_nothing_that_failed_or_was_only_planned_is_stamped(sync, hall, state):
    hall.publish(plugin(signed=False)[0])
    sync("--state", state)
    hall.publish(plugin()[0])
    planned = sync("--state", state, "--dry-run")
    assert (planned.code, facts(planned)["planned"]) == (0, 1)
    assert len(state.read_bytes().splitlines()) == 1


def test_the_text_says_how_much_was_done(run, workshop, hall, ways):
    hall.publish(plugin()[0])
    words = (f"{hall.upstream}/{hall.repository}:{TAG}", "--key", workshop.key, *workshop.keyless, *ways)
    answer = run("mirror", "sync", *words)
    assert "copied" in answer.out
    assert "leftBehindCount" not in answer.out
    assert "leftBehindCount" in run("mirror", "sync", *words, "--verbose").out


def test_notes_of_a_plan_are_shown(run, workshop, hall, manifests):
    hall.publish(plugin()[0])
    text = "apiVersion: mcpg.dev/v1alpha2\nkind: MCPGRevocationList\nmetadata: {name: tenant}\nspec: {revocations: []}\n"
    answer = run("mirror", "sync", *manifests, "-f", workshop.write("list.yaml", text))
    assert answer.code == 0
    assert "cluster-default" in answer.err


# -- sources, credentials, interruption ----------------------------------------------------------------------------------------


def test_the_mirror_gets_the_credentials_of_its_own_host(registries, hall, run, workshop):
    hall.publish(plugin()[0])
    mirror = registries.token
    config = workshop.write("config.json", docker_config(mirror.host))
    ways = ("--from", f"{hall.upstream}/acme", "--to", f"{mirror.host}/{hall.repository.rpartition('/')[0]}")
    words = (f"{hall.upstream}/{hall.repository}:{TAG}", "--key", workshop.key, *workshop.keyless, *ways, *TRUST)
    refused = run("mirror", "sync", *words, "--registry-config", workshop.write("none.json", "{}"))
    assert refused.code == 3
    answer = run("mirror", "sync", *words, "--registry-config", config)
    assert answer.code == 0, answer.out
    assert PASSWORD not in answer.out + answer.err
    assert USER not in answer.out


def test_a_bundle_is_carried_like_a_repository(run, hall, workshop, ways):
    hall.publish(plugin()[0])
    name = f"{hall.upstream}/{hall.repository}:{TAG}"
    path = workshop.folder / "plugins.mcpg.tar.zst"
    policy = ("--key", workshop.key, *workshop.keyless)
    made = run("bundle", "create", name, *policy, "--out", path)
    assert made.code == 0, made.out + made.err
    answer = run("mirror", "sync", f"bundle:{path}", *policy, *ways, "--state", workshop.folder / "state", *TRUST)
    assert answer.code == 0, answer.out
    again = run("mirror", "sync", f"bundle:{path}", *policy, *ways, "--state", workshop.folder / "state", *TRUST)
    assert (facts(again)["unchanged"], mirrored(hall)) == (1, True)


def test_the_upstream_of_a_mirror_is_never_written(run, workshop, manifests):
    parser = build_parser("mirror")
    args = parser.parse_args(["mirror", "sync", *map(str, manifests)])
    planned = plan(args)
    with Sources(args, limits=planned.limits) as sources:
        [transfer] = transfers(planned, args=args, sources=sources)
    assert isinstance(transfer, Transfer)
    assert isinstance(transfer.source, RegistryTarget)
    assert transfer.destination.avoid == {transfer.source.reference.registry}


def test_a_run_that_was_killed_in_the_middle_is_finished_by_the_next_one(hall, run, workshop, ways):
    count = 12
    names = []
    for number in range(count):
        stored = plugin(tag=f"1.2.{number}", library=build_elf(payload=b"%d" % number), signed=False)[0]
        hall.publish(stored)
        names.append(f"{hall.upstream}/{hall.repository}:1.2.{number}")
    state = workshop.folder / "state"
    words = ["mirror", "sync", *names, "--key", str(workshop.key), *map(str, ways), "--state", str(state), "--jobs", "1"]
    with subprocess.Popen([sys.executable, "-m", "supplychain", *words], stdout=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        while not state.exists() or len(state.read_bytes().splitlines()) < 4:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    done = len(state.read_bytes().splitlines()) - 1
    assert 3 <= done < count
    command = [sys.executable, "-m", "supplychain", *words, "--output", "json"]
    finished = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # by the same clock as the first
    found = json.loads(finished.stdout)["extra"]["sync"]
    assert (found["unchanged"], found["unchanged"] + found["copied"] + found["present"]) == (done, count)
    assert all(mirrored(hall, tag=f"1.2.{number}") for number in range(count))


def test_a_package_of_some_megabytes_is_sent_once(hall, run, workshop, ways):
    hall.publish(plugin(library=build_elf(payload=random.Random(1).randbytes(10_000_000)), signed=False)[0])
    words = (f"{hall.upstream}/{hall.repository}:{TAG}", "--key", workshop.key, *ways, *TRUST)
    assert facts(run("mirror", "sync", *words))["bytes"] > 10_000_000
    assert facts(run("mirror", "sync", *words))["bytes"] == 0


def test_credentials_that_cannot_be_read_are_a_wrong_request_for_each_plugin(run, workshop):
    words = ("--from", "localhost:1/acme", "--to", "localhost:2", "--registry-config", workshop.folder / "missing.json")
    answer = run("mirror", "sync", "localhost:1/acme/echo:1", "--key", workshop.key, *words, *TRUST)
    assert (answer.code, answer.report["target"]) == (2, "localhost:1/acme/echo:1")


def test_a_registry_that_wanted_credentials_which_nobody_gave_is_named(run, workshop, registries):
    host = registries.basic.host
    words = (f"{host}/acme/echo:1", "--key", workshop.key, "--from", f"{host}/acme", "--to", "localhost:2", *TRUST)
    answer = run("mirror", "sync", *words)
    assert answer.code == 3
    assert f"no credentials for `{host}`" in answer.err


def test_the_report_satisfies_its_schema(sync, hall, run):
    hall.publish(plugin()[0])
    schema = json.loads(run("report-schema").out)
    jsonschema.Draft202012Validator(schema).validate(sync().json)


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "html"])
def test_every_form_of_report_can_be_had(sync, hall, form):
    hall.publish(plugin()[0])
    answer = sync("--output", form)
    assert answer.code == 0, answer.err
    assert "(mirror)" in answer.out or form == "sarif"


def test_two_plugins_of_one_reference_that_ask_different_things_are_both_remembered(run, hall, state, workshop, manifests):
    hall.publish(plugin()[0])
    document = (workshop.folder / "cluster.yaml").read_text().partition("---\n")[0].partition("    cosignIdentity")[0]
    twin = workshop.write("twin.yaml", document.replace("name: echo", "name: twin"))
    words = ("mirror", "sync", *manifests, "-f", twin, "--state", state)
    assert run(*words).code == 0
    assert facts(run(*words))["unchanged"] == 2
