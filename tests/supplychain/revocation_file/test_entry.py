"""Entries put into the text of lists of every layout: the old text is all there, and it means what it meant and one entry more."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.digest import ArtifactHash
from supplychain.errors import InvalidManifestError, InvalidPolicyError
from supplychain.revocation import Revocation
from supplychain.revocation_file import entry as adding
from supplychain.revocation_file.entry import find_list, insert

A, B, NEW = "a" * 64, "b" * 64, "1" * 64
ENTRY = Revocation(hash=ArtifactHash(NEW), reason='a "key" was stolen: büro 😀 #1', revoked_at="2026-01-31T12:00:00Z")
HEAD = "apiVersion: mcpg.dev/v1alpha2\nkind: MCPGRevocationList\nmetadata: {name: cluster-default}\n"


def grown(text: str, *, name: str | None = None) -> str:
    """Insert, and check everything that must always hold."""
    data = text.encode()
    found = find_list(data, file="list", name=name)
    changed = insert(found, ENTRY)
    again = find_list(changed, file="list", name=name).revocations
    assert dict(again.entries) == {**found.revocations.entries, NEW: again.entries[NEW]}
    assert (again.entries[NEW].reason, again.entries[NEW].revoked_at) == (ENTRY.reason, ENTRY.revoked_at)
    assert again.problems == found.revocations.problems
    assert (again.issued_at, again.name) == (found.revocations.issued_at, found.revocations.name)
    out = changed.decode()
    assert out.count("#") == text.count("#") + 1, "a comment is lost"
    return out


YAML = {
    "block": f"spec:\n  version: 1\n  revocations:\n    - artifactSha256: {A}  # first\n      reason: x\n    # between\n"
    f"    - reason: y\n      artifactSha256: '{B}'\n# behind\nstatus: {{}}\n",
    "dash under the key": f"spec:\n  revocations:\n  - artifactSha256: {A}\n    reason: x\n  version: 1\n",
    "no newline at the end": f"spec:\n  revocations:\n  - artifactSha256: {A}\n    reason: x",
    "comment on the last line": f"spec:\n  revocations:\n  - artifactSha256: {A}\n    reason: x  # why\n  # kept\n",
    "literal at the end": f"spec:\n  revocations:\n  - artifactSha256: {A}\n    reason: |\n      long\n\n      words\n\n  version: 1\n",
    "folded": f"spec:\n  revocations:\n  - artifactSha256: {A}\n    reason: >-\n      long\n      words\n# behind\n",
    "plain over lines": f"spec:\n  revocations:\n  - artifactSha256: {A}\n    reason: long\n      words\n  version: 1\n",
    "quoted over lines": f'spec:\n  revocations:\n  - artifactSha256: {A}\n    reason: "long\n      words"  # x\n  version: 1\n',
    "windows": f"spec:\r\n  revocations:\r\n  - artifactSha256: {A}\r\n    reason: x\r\n  version: 1\r\n",
    "windows, empty": "spec:\r\n  revocations: []\r\n",
    "empty": "spec:\n  version: 1\n  revocations: []\n",
    "empty with a comment": "spec:\n  revocations: [ ]   # nothing yet\n  version: 1\n",
    "empty at the end": "spec:\n  revocations: []",
    "empty over lines": "spec:\n  revocations: [\n  ]\n  version: 1\n",
    "empty with a comment inside": "spec:\n  revocations: [  # nothing yet\n  ]\n  version: 1\n",
    "flow": f"spec:\n  revocations: [{{artifactSha256: {A}, reason: x}}]  # one\n",
    "flow with a comma": f"spec:\n  revocations: [\n    {{artifactSha256: {A}, reason: x}},  # one\n  ]\n",
    "flow in flow": "spec: {version: 1, revocations: []}\n",
    "flow in flow, filled": f"spec: {{revocations: [{{artifactSha256: {A}, reason: x}}], version: 1}}\n",
    "items in braces": f"spec:\n  revocations:\n  - {{artifactSha256: {A}, reason: x}}  # one\n  - {{artifactSha256: {B}, reason: y}}\n",
    "wide": f"spec:\n        revocations:\n            -   artifactSha256: {A}\n                reason: x\n",
    "unicode before": f"# 😀 ünï\nspec:\n  revocations:\n  - artifactSha256: {A}\n    reason: 😀\n",
    "broken entry": f"spec:\n  revocations:\n  - artifactSha256: {A}\n    reason: x\n  - nonsense\n  - artifactSha256: zz\n",
    "quoted key": f'spec:\n  "revocations":\n  - artifactSha256: {A}\n    reason: x\n',
    "empty, issued": "spec:\n  revocations: []\n  issuedAt: 2026-01-01T00:00:00Z\n",
    "null entry": f"spec:\n  revocations:\n  - artifactSha256: {A}\n    reason: x\n  -\n",
    "merged": f"spec:\n  revocations:\n  - &one\n    artifactSha256: {A}\n    reason: x\n  - <<: *one\n    artifactSha256: {B}\n",
}


@pytest.mark.parametrize("name", YAML)
def test_yaml_of_every_layout_takes_an_entry(name: str) -> None:
    text = HEAD + YAML[name]
    out = grown(text)
    if "windows" in name:
        assert out.replace("\r\n", "").count("\n") == out.replace("\r\n", "").count("\n", 0, len(HEAD))
    if "empty" not in name and "flow" not in name:
        start = next((at for at, one in enumerate(text) if out[at] != one), len(text))
        more = len(out) - len(text)
        assert out[:start] + out[start + more :] == text, "only an insertion, at one place"


def test_the_entry_looks_like_its_neighbours() -> None:
    assert grown(HEAD + YAML["block"]).endswith(
        f"      artifactSha256: '{B}'\n"
        f'    - artifactSha256: "{NEW}"\n'
        '      reason: "a \\"key\\" was stolen: büro 😀 #1"\n'
        '      revokedAt: "2026-01-31T12:00:00Z"\n'
        "# behind\nstatus: {}\n"
    )
    assert "  revocations:   # nothing yet\n" in grown(HEAD + YAML["empty with a comment"])


def test_other_documents_of_the_file_stay_as_they_are() -> None:
    other = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\ndata:\n  revocations: []\n---\n\n---\n{HEAD}{YAML['empty']}---\n# end\n"
    out = grown(other)
    assert out.startswith(other.partition("kind: MCPG")[0])
    assert out.endswith("---\n# end\n")


def two(first: str = "cluster-default", second: str = "team") -> str:
    return (
        (HEAD + YAML["empty"]).replace("cluster-default", first)
        + "---\n"
        + (HEAD + YAML["dash under the key"]).replace("cluster-default", second)
    )


def test_of_several_lists_the_named_one_takes_it() -> None:
    text = two()
    assert grown(text, name="team").startswith(text.partition("---")[0])
    assert grown(text, name="cluster-default").endswith(text.partition("---")[2])
    for name in (None, "nobody"):
        with pytest.raises(InvalidManifestError, match="does not say which revocation list") as caught:
            find_list(text.encode(), file="list", name=name)
        assert caught.value.got == "`cluster-default`, `team`"


def test_a_list_of_kubectl_takes_it() -> None:
    body = "".join(f"  {line}\n" for line in (HEAD + YAML["block"]).splitlines())
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: x}\n-" + body[1:]
    assert NEW in grown(text)
    as_json = json.dumps(
        {
            "apiVersion": "mcpg.dev/v1alpha2",
            "kind": "MCPGRevocationListList",
            "items": [{"metadata": {"name": "cluster-default"}, "spec": {"revocations": []}}],
        },
        indent=4,
    )
    assert NEW in grown(as_json)


def entry(text: str, **more: str) -> dict[str, str]:
    return {"artifact_sha256": text, "reason": "x", **more}


JSON = {
    "pretty": json.dumps({"version": 1, "revocations": [entry(A), entry(B)]}, indent=2) + "\n",
    "wide": json.dumps({"issued_at": "2026-01-01T00:00:00Z", "revocations": [entry(A)], "version": 1}, indent=8),
    "compact": json.dumps({"revocations": [entry(A)], "version": 1}, separators=(",", ":")),
    "a line an entry": f'{{"version": 1, "revocations": [\n  {json.dumps(entry(A))},\n  {json.dumps(entry(B))}\n]}}\n',
    "empty": '{"version": 1, "revocations": []}',
    "empty, pretty": '{\n  "version": 1,\n  "revocations": []\n}\n',
    "empty over lines": '{\n\t"version": 1,\n\t"revocations": [\n\t]\n}\n',
    "windows": json.dumps({"version": 1, "revocations": [entry(A)]}, indent=2).replace("\n", "\r\n"),
    "tricky texts": json.dumps(
        {"x": '"revocations": [', "y": ["]", {"revocations": [1]}], "version": 1, "revocations": [entry(A)]}
    ),
    "escaped key": '{"version": 1, "revocation\\u0073": []}',
    "numbers": '{"version":1,"x":[-1.5e3,true,null,false],"revocations":[]}',
    "broken entry": json.dumps({"version": 1, "revocations": [entry(A), 7]}),
}


@pytest.mark.parametrize("name", JSON)
def test_json_of_every_layout_takes_an_entry(name: str) -> None:
    out = grown(JSON[name])
    assert json.loads(out)["revocations"][-1] == {
        "artifact_sha256": NEW,
        "reason": ENTRY.reason,
        "revoked_at": ENTRY.revoked_at,
    }


def test_json_looks_like_its_neighbours() -> None:
    assert grown(JSON["a line an entry"]).splitlines()[2].endswith("},")
    assert "\n" not in grown(JSON["compact"])
    assert '\n    {\n      "artifact_sha256": "1' in grown(JSON["pretty"])
    assert '\n    {\n      "artifact_sha256": "1' in grown(JSON["empty, pretty"])


def test_a_byte_order_mark_stays() -> None:
    for text in (JSON["pretty"], HEAD + YAML["block"]):
        found = find_list(b"\xef\xbb\xbf" + text.encode(), file="list")
        assert insert(found, ENTRY) == b"\xef\xbb\xbf" + grown(text).encode()


def test_without_a_time_there_is_none() -> None:
    from dataclasses import replace

    changed = insert(find_list(JSON["empty"].encode(), file="list"), replace(ENTRY, revoked_at=None))
    assert "revoked_at" not in changed.decode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not say which"),
        ("[]", "no Kubernetes object"),
        ("{", "cannot be used"),
        ("{}", "has no entries that one could be added to"),
        ('{"version": 1}', "has no entries that one could be added to"),
        ('{"version": 1, "revocations": {}}', "has no entries that one could be added to"),
        ('{"version": 1, "version": 1, "revocations": []}', "cannot be used"),
        ("just text", "no Kubernetes object"),
        ("a: [", "no YAML"),
        ("\x00", "no YAML"),
        (HEAD, "has no entries that one could be added to"),
        (HEAD + "spec: []\n", "has no entries that one could be added to"),
        (HEAD + "spec:\n  revocations:\n", "has no entries that one could be added to"),
        (HEAD + "spec:\n  revocations: none\n", "has no entries that one could be added to"),
        (HEAD.replace("RevocationList", "RevocationLists"), "unknown kind"),
        (HEAD.replace("v1alpha2", "v1alpha1") + YAML["empty"], "unknown version"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n", "does not say which"),
        (HEAD + YAML["empty"] + "---\n" + HEAD + YAML["empty"], "the same object twice"),
    ],
)
def test_what_is_no_list_takes_nothing(text: str, said: str) -> None:
    with pytest.raises(InvalidManifestError, match=said):
        find_list(text.encode(), file="list")


def test_bytes_that_are_no_text_are_refused() -> None:
    for data in (b"\xff\xfe{}", b'{"a": "\xff"}', b"\xc3("):
        with pytest.raises(InvalidManifestError):
            find_list(data, file="list")


def test_what_is_on_the_list_is_not_put_there_twice() -> None:
    out = grown(HEAD + YAML["block"])
    with pytest.raises(InvalidPolicyError, match="already"):
        insert(find_list(out.encode(), file="list"), ENTRY)


def test_a_resource_that_is_full_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding, "_MOST", 2)
    with pytest.raises(InvalidPolicyError, match="has 2 entries"):
        insert(find_list((HEAD + YAML["block"]).encode(), file="list"), ENTRY)
    assert grown(JSON["pretty"])


SHARED = {
    "alias": f"spec:\n  revocations: &all\n  - artifactSha256: {A}\n    reason: x\nstatus: {{seen: *all}}\n",
    "literal that a newline would change": f"spec:\n  revocations:\n  - artifactSha256: {A}\n    reason: |\n      long",
    "entries by alias": "spec:\n  revocations: *all\n",
    "carriage returns alone": f"spec:\r  revocations:\r  - artifactSha256: {A}\r    reason: x\r  version: 1\r",
}


@pytest.mark.parametrize("name", SHARED)
def test_a_layout_that_would_change_more_than_the_list_is_left_alone(name: str) -> None:
    text = HEAD + SHARED[name]
    if "by alias" in name:
        text = text.replace("{name: cluster-default}", "{name: cluster-default, annotations: &all []}")
    found = find_list(text.encode(), file="list")
    with pytest.raises(InvalidManifestError, match="without disturbing the rest") as caught:
        insert(found, ENTRY)
    assert NEW in (caught.value.hint or "")


_WORDS = st.text(
    alphabet=st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u2028\u2029\x85\ufeff"), min_size=1
)


@given(_WORDS.filter(str.strip).filter(str.isprintable), st.sampled_from(sorted(YAML)), st.integers(0, 2**256 - 1))
def test_every_reason_and_hash_survives(reason: str, layout: str, number: int) -> None:
    digest = f"{number:064x}"
    if digest in {A, B}:
        return
    new = Revocation(hash=ArtifactHash(digest), reason=reason, revoked_at=None)
    for text in (HEAD + YAML[layout], JSON["pretty"]):
        changed = insert(find_list(text.encode(), file="list"), new)
        assert find_list(changed, file="list").revocations.entries[digest].reason == reason
