import pytest

from supplychain import yaml_documents
from supplychain.errors import InvalidManifestError
from supplychain.yaml_documents import MAX_DEPTH, parse_documents


def values(text):
    return [one.value for one in parse_documents(text.encode() if isinstance(text, str) else text, where="`f`")]


def refusal(text):
    with pytest.raises(InvalidManifestError) as caught:
        values(text)
    return caught.value


def test_documents_are_separated_and_empty_ones_left_out():
    found = parse_documents(b"# start\n---\na: 1\n---\n---\n# nothing\n---\nb: 2\n", where="`f`")
    assert [(one.value, one.line) for one in found] == [({"a": 1}, 3), ({"b": 2}, 8)]


def test_an_empty_file_has_no_documents():
    assert values("") == []


def test_a_byte_order_mark_is_left_aside():
    assert values(b"\xef\xbb\xbfa: 1") == [{"a": 1}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("off", False),
        ("'yes'", "yes"),
        ("~", None),
        ("", None),
        ("-17", -17),
        ("017", "017"),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.2.3", "1.2.3"),
        ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("!!int 5", 5),
        ("!!float 5", 5),
        ("!!null ''", None),
        ("!!bool yes", True),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_are_read_as_kubernetes_reads_them(text, value):
    assert values(f"x: {text}") == [{"x": value}]


def test_an_alias_stands_for_its_anchor():
    assert values("a: &x {k: [1]}\nb: *x\n") == [{"a": {"k": [1]}, "b": {"k": [1]}}]


def test_a_merge_fills_what_the_mapping_does_not_say():
    text = "base: &b {k: 1, z: 2}\nmore: &m {z: 3, y: 4}\none:\n  <<: *b\n  k: 9\ntwo:\n  <<: [*b, *m]\n'<<': text\n"
    found = values(text)[0]
    assert found["one"] == {"k": 9, "z": 2}
    assert found["two"] == {"k": 1, "z": 2, "y": 4}
    assert found["<<"] == "text"


def test_json_with_tabs_is_yaml():
    assert values('{"a":\n\t[1, "x"]}') == [{"a": [1, "x"]}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("a: 1\na: 2", "same key twice", id="duplicate key"),
        pytest.param("a: &x [*x]", "within it", id="an alias within its anchor"),
        pytest.param("a: *x", "alias", id="an alias without an anchor"),
        pytest.param("--- &x a\n---\n*x", "alias", id="an anchor of another document"),
        pytest.param("a: !!python/object/apply:os.system [id]", "application tag", id="python tag"),
        pytest.param("a: !Ref b", "application tag", id="local tag"),
        pytest.param("a: !!int x", "does not fit its tag", id="wrong tag"),
        pytest.param("a: {<<: 3}", "merges mappings", id="merge of a number"),
        pytest.param("1: 2", "no text", id="numeric key"),
        pytest.param("? [a]\n: 2", "no text", id="list as key"),
        pytest.param("[" * (MAX_DEPTH + 2), "nested deeper", id="deep flow"),
        pytest.param("- " * (MAX_DEPTH + 2), "nested deeper", id="deep block"),
    ],
)
def test_what_cannot_be_read_in_one_way_is_refused_with_its_line(text, words):
    error = refusal(text)
    assert words in error.got
    assert "line" in error.where


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\t- x", "%YAML 9\n---\nx", b"a: \x00", b"a: \x1b"])
def test_what_is_no_yaml_is_refused(text):
    assert refusal(text).what == "the file is no YAML"


def test_another_encoding_is_refused():
    assert "UTF-8" in refusal(b"\xff\xfea").what


def test_a_short_file_cannot_become_a_huge_value():
    lines = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "more than" in refusal("\n".join(lines)).got


def test_merges_count_too(monkeypatch):
    monkeypatch.setattr(yaml_documents, "MAX_VALUES", 30)
    assert "more than" in refusal("a: &a {a: 1, b: 2, c: 3, d: 4, e: 5}\nb: {<<: [*a, *a]}\n").got


def test_lines_are_noted_only_where_they_are_asked_for():
    (plain,) = parse_documents(b"a:\n- b: 1\n", where="f")
    (placed,) = parse_documents(b"a:\n- b: 1\n", where="f", placed=True)
    assert dict(plain.lines) == {}
    assert dict(placed.lines) == {"a": 1, "a[0]": 2, "a[0].b": 2}
    assert plain.value == placed.value
