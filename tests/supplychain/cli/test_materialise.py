"""`materialise`: from what is mounted to what a gateway loads, or to a refusal and an untouched target."""

import hashlib
import json
import stat
import subprocess
import sys

import pytest

from supplychain.delivery.target import Target
from supplychain.ed25519 import PublicKey
from supplychain.errors import OutputError
from supplychain.verifier import PluginVerifier
from tests.support.builders import DESCRIPTOR, build_descriptor, build_wasm, public_key, sign
from tests.support.stored_plugins import elf, mount, noise, store, verified

LIBRARY = elf(1_500_000)
OTHER = elf(1_500_000, seed=2)
SMALL = elf(5000)
FILES = {"plugin.so", "plugin.so.sig", "plugin.so.plugin.yaml"}


def pin(library):
    return f"sha256:{hashlib.sha256(library).hexdigest()}"


def found(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()} if directory.exists() else {}


@pytest.fixture
def place(tmp_path):
    """A folder with a key and an empty revocation list, in which plugins are mounted at `source`."""
    (tmp_path / "release.pub").write_bytes(public_key())
    (tmp_path / "list.json").write_text('{"version": 1, "revocations": []}')
    return tmp_path


@pytest.fixture
def stored():
    return store(verified(LIBRARY))


@pytest.fixture
def write(run, place):
    def call(*more, library=LIBRARY, key="release.pub"):
        words = ("--source", "source", "--target", "target", "--digest", pin(library), "--key", key)
        return run("materialise", *words, "--plugin-id", "dev.mcpg.example.echo", *more)

    return call


def refused(answer, place, *, reason, code=1):
    """Nothing was written, and the report says why."""
    assert (answer.code, found(place / "target")) == (code, {})
    causes = [layer["problem"] for layer in answer.report["layers"] if layer["problem"]] or [answer.report["error"]]
    assert [cause["reason"] for cause in causes] == [reason]
    return causes[0]


# -- good ones ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", [SMALL, LIBRARY], ids=["single", "shards"])
def test_a_good_plugin_is_written_under_the_names_that_a_gateway_looks_for(write, place, library):
    mount(store(verified(library)), place / "source")
    answer = write("--revocations", "list.json", library=library)
    assert answer.code == 0
    assert answer.out.startswith("TRUSTED  source\n")
    assert found(place / "target") == {
        "plugin.so": library,
        "plugin.so.sig": sign(library),
        "plugin.so.plugin.yaml": DESCRIPTOR.encode(),
    }
    assert {stat.S_IMODE((place / "target" / name).stat().st_mode) for name in FILES} == {0o440}


def test_the_report_is_that_of_verify(write, place, stored):
    mount(stored, place / "source")
    answer = write("--output", "json", "--revocations", "list.json", "--class", "tool_gate", "--content", stored.suffix)
    assert (answer.json["verdict"], answer.report["scope"], answer.report["target"]) == ("Trusted", "plugin", "source")
    outcomes = {layer["layer"]: layer["outcome"] for layer in answer.report["layers"]}
    assert outcomes == {
        "pull": "Passed",
        "descriptor": "Passed",
        "ed25519": "Passed",
        "revocation": "Passed",
        "cosign": "NotConfigured",
        "slsa": "NotConfigured",
    }
    assert answer.layer("pull")["facts"] == {
        "source": "source",
        "indexDigest": None,
        "manifestDigest": None,
        "layerDigest": None,
        "packageSize": None,
    }
    assert answer.layer("descriptor")["facts"]["artifactHash"] == hashlib.sha256(LIBRARY).hexdigest()


def test_without_a_list_revocation_is_not_judged_and_the_report_says_so(write, place, stored):
    mount(stored, place / "source")
    answer = write("--output", "json")
    assert answer.layer("revocation")["outcome"] == "NotConfigured"


def test_a_component_is_written_under_its_own_name(run, place):
    library = build_wasm()
    mount(store(verified(library, name="plugin.wasm", descriptor=build_descriptor(runtime="wasi-v1"))), place / "source")
    answer = run(
        "materialise", "--source", "source", "--target", "target", "--digest", pin(library), "--key", "release.pub", "-q"
    )
    assert (answer.code, answer.out) == (0, "")
    assert set(found(place / "target")) == {"plugin.wasm", "plugin.wasm.sig", "plugin.wasm.plugin.yaml"}


@pytest.mark.parametrize(("text", "mode"), [("0444", 0o444), ("400", 0o400), ("0755", 0o755)])
def test_the_mode_is_the_one_that_is_asked_for(write, place, stored, text, mode):
    mount(stored, place / "source")
    assert write("--mode", text).code == 0
    assert {stat.S_IMODE((place / "target" / name).stat().st_mode) for name in FILES} == {mode}


@pytest.mark.parametrize("text", ["", "0240", "rw", "4755", "0o440", "99"])
def test_a_mode_that_is_none_is_a_wrong_request(write, place, text):
    answer = write("--mode", text)
    assert answer.code == 2
    assert "no mode with which the owner could read" in answer.err


def test_a_newer_plugin_replaces_an_older_one(write, place):
    for number, library in enumerate((LIBRARY, SMALL)):
        (place / "source").exists() and (place / "source").rename(place / f"old-{number}")
        mount(store(verified(library)), place / "source")
        assert write(library=library).code == 0
    assert found(place / "target")["plugin.so"] == SMALL
    assert set(found(place / "target")) == FILES


def test_what_a_killed_run_left_is_gone_after_the_next(write, place, stored):
    mount(stored, place / "source")
    (place / "target").mkdir()
    (place / "target" / ".materialise-0123456789abcdef").write_bytes(bytes(1000))
    assert write().code == 0
    assert set(found(place / "target")) == FILES


# -- spoiled ones: each with its reason, and an untouched target -------------------------------------------------------


SPOILED = {
    "a shard is missing": (lambda s: s.shards.pop(s.names[1]), "ShardMissing"),
    "a shard is truncated": (lambda s: s.shards.update({s.names[1]: s.shards[s.names[1]][:-1]}), "ShardMismatch"),
    "a shard is longer": (lambda s: s.shards.update({s.names[0]: s.shards[s.names[0]] + b"x"}), "ShardMismatch"),
    "two shards are swapped": (
        lambda s: s.shards.update(zip(s.names, list(s.shards.values())[::-1], strict=True)),
        "ShardMismatch",
    ),
    "a shard is another plugin's": (
        lambda s: s.shards.update({s.names[0]: next(iter(store(verified(OTHER)).shards.values()))}),
        "ShardMismatch",
    ),
    "the index is another plugin's": (lambda s: s.payload.update(store(verified(OTHER)).payload), "DigestMismatch"),
    "the index leads elsewhere": (
        lambda s: s.edit(lambda index: index["shards"][0].update(secretName="../../etc/passwd")),
        "DeliveryInvalid",
    ),
    "the index has the other order": (lambda s: s.edit(lambda index: index["shards"].reverse()), "DeliveryInvalid"),
    "the index has another version": (lambda s: s.edit(lambda index: index.update(version=2)), "DeliveryInvalid"),
    "the index names another hash": (lambda s: s.edit(lambda index: index["artifact"].update(sha256="0" * 64)), "DigestMismatch"),
    "the index promises too much": (lambda s: s.edit(lambda index: index["artifact"].update(size=1 << 40)), "ArtefactTooLarge"),
    "the index is gone": (lambda s: s.payload.pop("index.json"), "DeliveryInvalid"),
    "the signature is gone": (lambda s: s.payload.pop("plugin.sig"), "SignatureMissing"),
    "the signature is another one": (lambda s: s.payload.update({"plugin.sig": sign(OTHER)}), "SignatureInvalid"),
    "the descriptor is gone": (lambda s: s.payload.pop("plugin.yaml"), "DeliveryInvalid"),
    "the descriptor is broken": (lambda s: s.payload.update({"plugin.yaml": b"id: ["}), "DescriptorInvalid"),
    "the descriptor is another plugin's": (
        lambda s: s.payload.update({"plugin.yaml": build_descriptor(id="dev.mcpg.example.other")}),
        "PluginIdMismatch",
    ),
    "the descriptor has another runtime": (
        lambda s: s.payload.update({"plugin.yaml": build_descriptor(runtime="wasi-v1")}),
        "RuntimeMismatch",
    ),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_what_was_spoiled_is_refused_and_nothing_appears(write, place, stored, spoiled):
    spoil, reason = SPOILED[spoiled]
    spoil(stored)
    mount(stored, place / "source")
    refused(write("--output", "json"), place, reason=reason)


@pytest.mark.parametrize("spoiled", ["a shard is missing", "the signature is another one"])
def test_a_refusal_leaves_an_older_good_plugin_as_it_was(write, place, stored, spoiled):
    (place / "target").mkdir()
    before = {name: f"old {name}".encode() for name in FILES}
    for name, data in before.items():
        (place / "target" / name).write_bytes(data)
    SPOILED[spoiled][0](stored)
    mount(stored, place / "source")
    assert write().code == 1
    assert found(place / "target") == before


def test_a_library_that_the_pod_does_not_name_is_refused(write, place):
    mount(store(verified(OTHER)), place / "source")
    cause = refused(write("--output", "json"), place, reason="DigestMismatch")
    assert (cause["expected"], cause["got"]) == (f"`{pin(LIBRARY)}`", f"`{pin(OTHER)}`")


def test_a_library_signed_by_another_key_is_refused(write, place, stored):
    (place / "other.pub").write_bytes(public_key(seed=bytes(32)))
    mount(stored, place / "source")
    refused(write("--output", "json", key="other.pub"), place, reason="SignatureInvalid")
    assert write("--key", "other.pub").code == 0, "any of several keys may verify"


def test_another_content_is_refused(write, place, stored):
    mount(stored, place / "source")
    refused(write("--output", "json", "--content", "0" * 32), place, reason="DigestMismatch")


def test_another_class_and_another_platform_are_refused(write, place, stored):
    mount(stored, place / "source")
    refused(write("--output", "json", "--class", "identity_provider"), place, reason="PluginClassMismatch")
    refused(write("--output", "json", "--platform", "linux/arm64"), place, reason="PlatformMismatch")


def test_a_revoked_library_is_refused(write, place, stored):
    mount(stored, place / "source")
    revoked = {"version": 1, "revocations": [{"artifact_sha256": pin(LIBRARY)[7:], "reason": "a hole"}]}
    (place / "revoked.json").write_text(json.dumps(revoked))
    answer = write("--output", "json", "--revocations", "list.json", "--revocations", "revoked.json")
    refused(answer, place, reason="ArtefactRevoked")


def test_a_list_that_cannot_be_read_clears_nothing(write, place, stored):
    mount(stored, place / "source")
    (place / "broken.json").write_text('{"version": 1, "revocations": [{"artifact_sha256": "short"}]}')
    refused(write("--output", "json", "--revocations", "broken.json"), place, reason="RevocationListInvalid", code=3)


def test_the_limits_are_the_users(write, place, stored):
    mount(stored, place / "source")
    for flag in ("--limit-artifact", "--limit-delivery"):
        assert "1048576" in refused(write("--output", "json", flag, "1MiB"), place, reason="ArtefactTooLarge")["expected"]
        assert write(flag, "2MiB").code == 0
        for name in FILES:
            (place / "target" / name).unlink()


def test_no_file_appears_where_a_folder_has_its_name(write, place, stored):
    mount(stored, place / "source")
    (place / "target" / "plugin.so").mkdir(parents=True)
    answer = write()
    assert answer.code == 2
    assert "OutputFailed: cannot write file" in answer.err
    assert [path.name for path in (place / "target").iterdir()] == ["plugin.so"]


def test_a_failed_write_is_in_the_json_as_well(write, place, stored, monkeypatch):
    def fail(self):
        raise OutputError("cannot write file")

    mount(stored, place / "source")
    monkeypatch.setattr(Target, "commit", fail)
    answer = write("--output", "json")
    assert (answer.code, answer.json["exitCode"], answer.json["notes"]) == (2, 2, ["not done: cannot write file"])
    assert found(place / "target") == {}


def test_a_target_that_is_no_directory_is_a_wrong_request(write, place, stored):
    mount(stored, place / "source")
    (place / "target").touch()
    answer = write("--output", "json")
    assert (answer.code, answer.report["error"]["reason"]) == (2, "OutputFailed")


def test_the_bytes_are_never_judged_by_a_trust_root(write, place, stored, monkeypatch):
    asked = []
    verify = PluginVerifier.verify

    def watched(self, *args, **options):
        asked.append(self.root)
        return verify(self, *args, **options)

    monkeypatch.setattr(PluginVerifier, "verify", watched)
    mount(stored, place / "source")
    assert write().code == 0
    with pytest.raises(AssertionError, match="no layer that is judged here needs a trust root"):
        asked[0]()


# -- requests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "expected `--source`, `--target`, `--digest`, or `--plan FILE`"),
        (("--source", "s", "--digest", pin(b"")), "expected `--target`, or `--plan FILE`"),
        (("--source", "s", "--target", "t", "--digest", pin(b"")), "SigningKeyMissing"),
        (("--source", "s", "--target", "t", "--digest", "sha256:short", "--key", "release.pub"), "unusable digest"),
        (("--source", "s", "--target", "t", "--digest", "", "--key", "release.pub"), "`--digest` is blank"),
        (("--source", " ", "--target", "t", "--digest", pin(b""), "--key", "release.pub"), "`--source` is blank"),
        (("--source", "s", "--target", "t", "--digest", pin(b""), "--key", "nowhere"), "UnreadableFile"),
        (("--source", "s", "--target", "t", "--digest", pin(b""), "--key", "list.json"), "SigningKeyInvalid"),
        (("--source", "s", "--target", "t", "--digest", pin(b""), "--key", "release.pub", "--content", "X"), "unusable content"),
        (("--source", "s", "--target", "t", "--digest", pin(b""), "--key", "release.pub", "--limit-delivery", "0"), "at least 1"),
        (("--plan", "plan.json", "--source", "s"), "`--source` has no effect here"),
        (("--plan", "plan.json", "--key", "release.pub"), "`--key` has no effect here"),
        (("--plan", "nowhere"), "UnreadableFile"),
    ],
)
def test_a_wrong_request_is_told_before_anything_is_read(run, place, words, said):
    answer = run("materialise", *words)
    assert answer.code == 2
    assert said in " ".join((answer.out + answer.err).split())
    assert not (place / "t").exists()


def test_a_source_that_is_not_there_is_a_wrong_request(write, place):
    answer = write("--output", "json")
    assert (answer.code, answer.report["error"]["reason"]) == (2, "UnreadableFile")
    assert found(place / "target") == {}


def test_the_oddities_of_a_list_are_noted(write, place, stored):
    mount(stored, place / "source")
    (place / "odd.json").write_text('{"version": 1, "revocations": [], "more": 1}')
    answer = write("--revocations", "odd.json")
    assert (answer.code, answer.err.startswith("note: revocation list `odd.json`")) == (0, True)


# -- plans -------------------------------------------------------------------------------------------------------------


def entry(name, library, **more):
    return {"source": f"{name}/source", "target": f"{name}/target", "digest": pin(library), "keys": ["release.pub"], **more}


@pytest.fixture
def plan(run, place):
    def call(document, *more):
        (place / "plan.json").write_text(json.dumps(document))
        return run("materialise", "--plan", "plan.json", *more)

    return call


def test_a_plan_writes_several_plugins(plan, place):
    for name, library in (("one", LIBRARY), ("two", SMALL)):
        mount(store(verified(library)), place / name / "source")
    content = store(verified(SMALL)).suffix
    answer = plan(
        [
            entry("one", LIBRARY, pluginId="dev.mcpg.example.echo"),
            entry("two", SMALL, pluginClass="tool_gate", content=content),
        ],
        *("--revocations", "list.json", "--mode", "0444", "--output", "json"),
    )
    assert (answer.code, [report["target"] for report in answer.json["reports"]]) == (0, ["one/source", "two/source"])
    assert (found(place / "one/target")["plugin.so"], found(place / "two/target")["plugin.so"]) == (LIBRARY, SMALL)
    assert stat.S_IMODE((place / "two/target/plugin.so").stat().st_mode) == 0o444


def test_one_bad_plugin_of_a_plan_fails_the_call_and_leaves_the_others(plan, place):
    mount(store(verified(LIBRARY)), place / "one/source")
    mount(store(verified(OTHER)), place / "two/source")
    answer = plan([entry("two", LIBRARY), entry("one", LIBRARY)])
    assert answer.code == 1
    assert "2 targets: 1 refused, 1 trusted" in answer.out
    assert (set(found(place / "one/target")), found(place / "two/target")) == (FILES, {})


def test_ids_and_contents_of_a_plan_are_compared(plan, place):
    mount(store(verified(SMALL)), place / "one/source")
    for more in ({"pluginId": "dev.mcpg.example.other"}, {"pluginClass": "audit_sink"}, {"content": "0" * 32}):
        assert plan([entry("one", SMALL, **more)]).code == 1


GOOD = entry("one", SMALL)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        None,
        GOOD,
        [1],
        [[GOOD]],
        [{}],
        [{key: value for key, value in GOOD.items() if key != "digest"}],
        [{**GOOD, "keys": "release.pub"}],
        [{**GOOD, "keys": []}],
        [{**GOOD, "keys": [1]}],
        [{**GOOD, "keys": [" "]}],
        [{**GOOD, "keys": ["nowhere"]}],
        [{**GOOD, "source": ""}],
        [{**GOOD, "source": 1}],
        [{**GOOD, "target": None}],
        [{**GOOD, "digest": "sha256:short"}],
        [{**GOOD, "content": "short"}],
        [{**GOOD, "pluginID": "dev.mcpg.example.echo"}],
        [{**GOOD, "pluginId": None}],
        [GOOD, GOOD],
        [GOOD, {**GOOD, "target": "./one/../one/target/"}],
    ],
)
def test_a_malformed_plan_writes_nothing_at_all(plan, place, document):
    mount(store(verified(SMALL)), place / "one/source")
    answer = plan(document, "--output", "json")
    assert (answer.code, answer.report["target"]) == (2, "plan.json")
    assert not (place / "one/target").exists()


def test_a_plan_that_could_be_read_in_two_ways_is_refused(run, place):
    (place / "plan.json").write_text('[{"source": "a", "source": "b"}]')
    answer = run("materialise", "--plan", "plan.json")
    assert (answer.code, "the same key twice" in answer.out) == (2, True)


@pytest.mark.parametrize("keys", [{"keys": []}, {"publicKeys": ["x"]}, {"publicKeys": []}, {"publicKeys": "x"}])
def test_a_plan_needs_keys_in_one_of_two_ways(plan, place, keys):
    mount(store(verified(SMALL)), place / "one/source")
    rest = {key: value for key, value in GOOD.items() if key != "keys"}
    assert (plan([{**rest, **keys}]).code, plan([{**GOOD, "publicKeys": ["x"]}]).code) == (2, 2)
    assert not (place / "one/target").exists()


# -- orders ------------------------------------------------------------------------------------------------------------


def order(name, library, key=None, **more):
    rest = {field: value for field, value in entry(name, library, **more).items() if field != "keys"}
    return json.dumps({**rest, "publicKeys": [public_key().hex() if key is None else key]})


def test_orders_write_several_plugins_without_any_file_that_would_have_to_be_trusted(run, place):
    for name, library in (("one", LIBRARY), ("two", SMALL)):
        mount(store(verified(library)), place / name / "source")
    pem = PublicKey(raw=public_key(), name="release").pem
    answer = run("materialise", "--order", order("one", LIBRARY, pem), "--order", order("two", SMALL))
    assert (answer.code, set(found(place / "one/target")), set(found(place / "two/target"))) == (0, FILES, FILES)


def test_an_order_with_another_key_or_pin_is_refused(run, place):
    mount(store(verified(SMALL)), place / "one/source")
    other = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert run("materialise", "--order", order("one", SMALL, other)).code == 1
    assert run("materialise", "--order", order("one", LIBRARY)).code == 1
    assert found(place / "one/target") == {}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--order", "{"), "the order is no usable JSON"),
        (("--order", "[]"), "malformed plan"),
        (("--order", order("one", SMALL), "--order", order("one", SMALL)), "two plugins have the same target"),
        (("--order", order("one", SMALL), "--plan", "plan.json"), "`--plan` has no effect here"),
        (("--order", order("one", SMALL), "--key", "release.pub"), "`--key` has no effect here"),
        (("--order", '{"source": "a", "source": "b"}'), "number 1"),
    ],
)
def test_orders_that_are_wrong_write_nothing(run, place, words, text):
    mount(store(verified(SMALL)), place / "one/source")
    answer = run("materialise", *words)
    assert (answer.code, text in answer.out) == (2, True)
    assert not (place / "one/target").exists()


# -- as a process ------------------------------------------------------------------------------------------------------


def test_a_large_plugin_needs_little_memory(place):
    """Of its own, not of the files it maps: 32 MiB are the promise, and 24 MiB of library would show."""
    library = elf(24 * 1024 * 1024)
    mount(store(verified(library)), place / "source")
    program = (
        "import sys\n"
        "from supplychain.cli.main import main\n"
        "from supplychain.delivery.target import Target\n"
        "def anonymous():\n"
        "    return next(int(row.split()[1]) for row in open('/proc/self/status') if row.startswith('RssAnon'))\n"
        "append, peak = Target.append, [0]\n"
        "def watched(*args):\n"
        "    append(*args)\n"
        "    peak[0] = max(peak[0], anonymous())\n"
        "Target.append = watched\n"
        "code = main(sys.argv[1:])\n"
        "print(max(peak[0], anonymous()))\n"
        "sys.exit(code)\n"
    )
    words = ["--source", "source", "--target", "target", "--digest", pin(library), "--key", "release.pub", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", program, "materialise", *words], cwd=place, capture_output=True, text=True, check=True
    )
    assert found(place / "target")["plugin.so"] == library
    assert int(done.stdout) < 32 * 1024


def test_a_process_that_is_killed_leaves_nothing_under_a_final_name(place):
    mount(store(verified(LIBRARY)), place / "source")
    program = (
        "import os, signal, sys\n"
        "from supplychain.cli.main import main\n"
        "from supplychain.delivery.target import Target\n"
        "Target.commit = lambda self: os.kill(os.getpid(), signal.SIGKILL)\n"
        "main(sys.argv[1:])\n"
    )
    words = ["materialise", "--source", "source", "--target", "target", "--digest", pin(LIBRARY), "--key", "release.pub"]
    done = subprocess.run([sys.executable, "-c", program, *words], cwd=place, capture_output=True, check=False)
    assert done.returncode == -9
    left = found(place / "target")
    assert len(left) == 3
    assert not set(left) & FILES
    again = subprocess.run([sys.executable, "-m", "supplychain", *words], cwd=place, capture_output=True, check=False)
    assert again.returncode == 0
    assert set(found(place / "target")) == FILES


def test_noise_is_no_library(write, place):
    library = noise(3000)
    mount(store(verified(library)), place / "source")
    refused(write("--output", "json", library=library), place, reason="PlatformMismatch")
