"""The index is read as strictly as it is written."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from supplychain.delivery.index import LARGEST_PAYLOAD, LARGEST_SHARD, Index, Shard, parse_index, render_index
from supplychain.errors import ArtifactTooLargeError, DeliveryInvalidError
from supplychain.limits import Limits

LIMITS = Limits()
A, B, C = "a" * 64, "b" * 64, "c" * 64
INDEX = Index(
    artifact_name="plugin.so",
    size=2_000_000,
    sha256=A,
    compressed_size=LARGEST_SHARD + 7,
    shards=(Shard(size=LARGEST_SHARD, sha256=B), Shard(size=7, sha256=C)),
)


def edited(*path: Any, to: Any = None) -> bytes:
    """The index with the value at `path` replaced, or removed by an ellipsis."""
    document = json.loads(render_index(INDEX))
    node = document
    for step in path[:-1]:
        node = node[step]
    if to is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = to
    return json.dumps(document).encode()


def place(path: tuple[Any, ...]) -> str:
    """As a message names it, as a pattern."""
    return re.escape("".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix("."))


def test_an_index_is_read_as_it_was_written():
    assert parse_index(render_index(INDEX), limits=LIMITS) == INDEX


def test_the_written_form_does_not_change_between_versions_of_this_program():
    assert render_index(INDEX).decode() == (
        "{\n"
        ' "artifact": {\n'
        '  "name": "plugin.so",\n'
        f'  "sha256": "{A}",\n'
        '  "size": 2000000\n'
        " },\n"
        ' "compressedSize": 921607,\n'
        ' "encoding": "zstd",\n'
        ' "shards": [\n'
        "  {\n"
        f'   "secretName": "mcpg-shard-{B[:32]}",\n'
        f'   "sha256": "{B}",\n'
        '   "size": 921600\n'
        "  },\n"
        "  {\n"
        f'   "secretName": "mcpg-shard-{C[:32]}",\n'
        f'   "sha256": "{C}",\n'
        '   "size": 7\n'
        "  }\n"
        " ],\n"
        ' "version": 1\n'
        "}\n"
    )


@pytest.mark.parametrize("version", [2, 0, -1, "1", 1.0, True, None, [1], ...])
def test_another_version_is_refused_whatever_its_keys(version):
    with pytest.raises(DeliveryInvalidError, match="the index has another version: expected `version` 1"):
        parse_index(edited("version", to=version), limits=LIMITS)


def test_the_other_version_is_told():
    with pytest.raises(DeliveryInvalidError, match=r"expected `version` 1, got `7`, in `index\.json`"):
        parse_index(edited("version", to=7), limits=LIMITS)


@pytest.mark.parametrize("document", [b"[]", b'"1"', b"1", b"null", b"{}"])
def test_a_document_of_another_form_has_no_version(document):
    with pytest.raises(DeliveryInvalidError, match="the index has another version"):
        parse_index(document, limits=LIMITS)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "Expecting value"),
        (b"not json", "Expecting value"),
        (b"\xff\xfe", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"version": 1, "version": 1}', "the same key twice"),
        (render_index(INDEX).replace(b'"size": 7', b'"size": 7, "size": 7'), "the same key twice"),
        (render_index(INDEX) + b"{}", "Extra data"),
        (b" " * (LARGEST_PAYLOAD + 1), f"longer than {LARGEST_PAYLOAD} bytes"),
        (b"[" * 200_000, "nested deeper"),
    ],
)
def test_what_is_no_json_or_could_be_read_in_two_ways_is_refused(data, cause):
    with pytest.raises(DeliveryInvalidError, match=f"the index is no usable JSON: got .*{cause}"):
        parse_index(data, limits=LIMITS)


@pytest.mark.parametrize(
    ("path", "at"),
    [
        (("artifact",), "index"),
        (("encoding",), "index"),
        (("compressedSize",), "index"),
        (("shards",), "index"),
        (("artifact", "name"), "artifact"),
        (("artifact", "size"), "artifact"),
        (("artifact", "sha256"), "artifact"),
        (("shards", 1, "secretName"), r"shards\[1\]"),
        (("shards", 0, "size"), r"shards\[0\]"),
        (("shards", 0, "sha256"), r"shards\[0\]"),
    ],
)
def test_a_missing_or_an_additional_key_is_refused_with_its_place(path, at):
    with pytest.raises(DeliveryInvalidError, match=f"unexpected form.*at `{at}`"):
        parse_index(edited(*path, to=...), limits=LIMITS)
    with pytest.raises(DeliveryInvalidError, match=f"unexpected form.*`more`.*at `{at}`"):
        parse_index(edited(*path[:-1], "more", to=1), limits=LIMITS)


@pytest.mark.parametrize("value", [None, 1, "text", [], [1], True])
@pytest.mark.parametrize("path", [("artifact",), ("shards", 0)])
def test_a_value_in_the_place_of_an_object_is_refused(path, value):
    with pytest.raises(DeliveryInvalidError, match="unexpected form"):
        parse_index(edited(*path, to=value), limits=LIMITS)


@pytest.mark.parametrize("value", [None, 1, "text", {}, {"0": 1}, []])
def test_no_list_of_shards_or_an_empty_one_is_refused(value):
    with pytest.raises(DeliveryInvalidError, match="the index has no list of shards"):
        parse_index(edited("shards", to=value), limits=LIMITS)


@pytest.mark.parametrize("value", ["gzip", "zstd ", "", None, 1, ["zstd"], {}])
def test_another_encoding_is_refused(value):
    with pytest.raises(DeliveryInvalidError, match="the index names another encoding: expected `zstd`"):
        parse_index(edited("encoding", to=value), limits=LIMITS)


@pytest.mark.parametrize("value", ["plugin.sig", "../plugin.so", "/etc/passwd", "", None, 1, ["plugin.so"], {}])
def test_another_file_than_a_library_is_refused(value):
    with pytest.raises(DeliveryInvalidError, match="the index names another file"):
        parse_index(edited("artifact", "name", to=value), limits=LIMITS)


@pytest.mark.parametrize("value", [0, -1, 1.5, 1.0, "1", True, None, [], {}])
@pytest.mark.parametrize("path", [("artifact", "size"), ("compressedSize",), ("shards", 0, "size")])
def test_what_is_no_size_is_refused(path, value):
    with pytest.raises(DeliveryInvalidError, match=rf"no usable size: expected 1 .*at `{place(path)}`"):
        parse_index(edited(*path, to=value), limits=LIMITS)


def test_a_shard_larger_than_any_is_refused():
    with pytest.raises(
        DeliveryInvalidError, match=r"expected 1 to 921600 bytes, got `921601`, in `index.json` at `shards\[0\].size`"
    ):
        parse_index(edited("shards", 0, "size", to=LARGEST_SHARD + 1), limits=LIMITS)


@pytest.mark.parametrize("value", ["", "a", A.upper(), A[:-1], A + "a", "g" * 64, f"sha256:{A}", A + "\n", None, 1, [A]])
@pytest.mark.parametrize("path", [("artifact", "sha256"), ("shards", 1, "sha256")])
def test_what_is_no_digest_is_refused(path, value):
    with pytest.raises(DeliveryInvalidError, match=rf"no usable digest: .*at `{place(path)}`"):
        parse_index(edited(*path, to=value), limits=LIMITS)


@pytest.mark.parametrize(
    "value",
    [
        f"mcpg-shard-{C[:32]}",
        f"mcpg-shard-{B[:31]}",
        f"mcpg-shard-{B}",
        B[:32],
        "../../../etc/passwd",
        "/etc/passwd",
        f"x/mcpg-shard-{B[:32]}",
        "",
        None,
        1,
        [f"mcpg-shard-{B[:32]}"],
    ],
)
def test_a_shard_is_called_after_its_digest_and_nothing_else(value):
    with pytest.raises(DeliveryInvalidError, match="a shard is not called after its digest"):
        parse_index(edited("shards", 0, "secretName", to=value), limits=LIMITS)


@pytest.mark.parametrize("size", [LARGEST_SHARD + 6, LARGEST_SHARD + 8, 1])
def test_shards_that_do_not_add_up_are_refused(size):
    with pytest.raises(DeliveryInvalidError, match=f"the shards do not add up: expected {size} bytes, got 921607 bytes"):
        parse_index(edited("compressedSize", to=size), limits=LIMITS)


def test_a_promise_above_a_cap_is_refused_before_anything_is_read():
    whole = render_index(INDEX)
    assert parse_index(whole, limits=Limits(artifact=2_000_000, delivery=921_607)) == INDEX
    with pytest.raises(
        ArtifactTooLargeError, match="the library is too large: expected at most 1999999 bytes, got 2000000 bytes"
    ):
        parse_index(whole, limits=Limits(artifact=1_999_999))
    with pytest.raises(
        ArtifactTooLargeError, match="the compressed library is too large: expected at most 921606 bytes, got 921607"
    ):
        parse_index(whole, limits=Limits(delivery=921_606))


def test_a_long_text_of_a_stranger_is_shown_in_part():
    with pytest.raises(DeliveryInvalidError) as caught:
        parse_index(edited("encoding", to="x" * 100_000), limits=LIMITS)
    assert len(str(caught.value)) < 300
    with pytest.raises(DeliveryInvalidError) as caught:
        parse_index(edited("x" * 100_000, to=1), limits=LIMITS)
    assert len(str(caught.value)) < 400
