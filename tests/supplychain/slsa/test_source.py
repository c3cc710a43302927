import pytest

from supplychain.slsa.source import Source, Version, meets_version
from supplychain.wire import MalformedError


@pytest.mark.parametrize(
    "text",
    [
        "github.com/acme/plugins",
        "https://github.com/acme/plugins",
        "git+https://github.com/acme/plugins",
        "git+https://GitHub.com/acme/plugins.git",
        "github.com/acme/plugins/",
        "https://github.com/acme/plugins.git",
    ],
)
def test_every_spelling_is_one_repository(text):
    assert Source.parse(text) == Source(repository="https://github.com/acme/plugins")


def test_a_ref_is_kept():
    source = Source.parse("git+https://github.com/acme/plugins@refs/tags/v1@2")
    assert source == Source(repository="https://github.com/acme/plugins", ref="refs/tags/v1@2")
    assert str(source) == "https://github.com/acme/plugins@refs/tags/v1@2"
    assert str(Source.parse("github.com/acme/plugins")) == "https://github.com/acme/plugins"


def test_the_path_is_compared_with_its_case():
    assert Source.parse("github.com/acme/plugins") != Source.parse("github.com/Acme/plugins")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acme/plugins",
        "github.com/acme",
        "github.com",
        "http://github.com/acme/plugins",
        "git://github.com/acme/plugins",
        "git+ssh://git@github.com/acme/plugins",
        "https://user@github.com/acme/plugins",
        "https://github.com/acme/plugins?x=1",
        "https://github.com/acme/plugins#x",
        "https://github.com/acme/../plugins",
        "https://github.com/./acme",
        "https://github.com//acme/plugins",
        "https://github.com/acme/plugins@",
        "https://github.com/acme/plugins@a b",
        " github.com/acme/plugins",
        "github.com/acme/plugins\n",
        "github.com/acme/" + "x" * 1000,
    ],
)
def test_what_names_no_repository_is_refused(text):
    with pytest.raises(MalformedError, match="names no source repository"):
        Source.parse(text)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v1", Version("1", None, None, "")),
        ("v1.2", Version("1", "2", None, "")),
        ("v1.2.3", Version("1", "2", "3", "")),
        ("v1.2.3-rc.1", Version("1", "2", "3", "-rc.1")),
        ("v1.2.3+build", Version("1", "2", "3", "")),
        ("v0", Version("0", None, None, "")),
    ],
)
def test_versions_are_read(text, version):
    assert Version.parse(text) == version


@pytest.mark.parametrize("text", ["", "1", "v", "v01", "v1.", "v1.2.3.4", "v1-rc", "v1.2-rc", "V1", "v1.02", "release"])
def test_what_is_no_version_is_none(text):
    assert Version.parse(text) is None


@pytest.mark.parametrize(
    ("tag", "wanted", "met"),
    [
        ("v14", "v14", True),
        ("v14", "v14.0", True),
        ("v14", "v14.0.0", True),
        ("v14", "v14.1", False),
        ("v14.2", "v14", True),
        ("v14.2", "v14.2", True),
        ("v14.2", "v14.2.0", True),
        ("v14.2", "v14.2.1", False),
        ("v14.2.3", "v14.2", True),
        ("v14.2.3", "v14.3", False),
        ("v14.2.3", "v14.2.3", True),
        ("v14.2.3", "v14.2.4", False),
        ("v13.0.30", "v1", False),
        ("v13.0.30", "v13", True),
        ("v1.2.3-rc.1", "v1", False),
        ("v1.2.3-rc.1", "v1.2.3", False),
        ("v1.2.3-rc.1", "v1.2.3-rc.1", True),
        ("v1.2.3", "v1.2.3-rc.1", False),
        ("main", "v1", False),
        ("1.2.3", "v1", False),
    ],
)
def test_a_tag_meets_a_version_that_it_makes_more_exact(tag, wanted, met):
    version = Version.parse(wanted)
    assert version is not None
    assert meets_version(tag, wanted=version) is met


def test_the_longest_text_is_read():
    text = "github.com/acme/".ljust(1000, "x")
    assert Source.parse(text).repository == f"https://{text}"
    with pytest.raises(MalformedError):
        Source.parse(f"{text}x")
