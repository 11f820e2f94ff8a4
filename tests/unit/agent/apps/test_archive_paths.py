"""Where members of an archive may go, tried with any name that there is."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.agent.apps.archives.paths import Parts, check_links, check_target, member_parts
from elasticjob_cloud.agent.apps.errors import ContentError

PART = st.sampled_from(["a", "b", "c", "..", ".", "", "...", "a b", "\udcff", "é"])
NAMES = st.one_of(st.text(max_size=30), st.lists(PART, max_size=8).map("/".join))
LINK_PARTS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map(tuple)
TARGETS = st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=6).map("/".join)


@given(NAMES)
def test_a_name_stays_inside_or_is_refused(name: str) -> None:
    try:
        parts = member_parts(name)
    except ContentError:
        return
    whole = posixpath.normpath(posixpath.join("/destination", *parts))
    assert whole == "/destination" or whole.startswith("/destination/")
    assert all(part not in {"", ".", ".."} and "/" not in part and "\0" not in part for part in parts)


@pytest.mark.parametrize(
    "name, reason",
    [
        ("/etc/passwd", "absolute"),
        ("//etc/passwd", "absolute"),
        ("../x", "leaves it"),
        ("a/../../x", "leaves it"),
        ("a/..", "leaves it"),
        ("x" * 256, "too long"),
        ("/".join(["x" * 200] * 11), "too long"),
        ("/".join(["x"] * 65), "deeper"),
        ("a\0b", "NUL"),
        ("a\ud800b", "Unicode"),
    ],
)
def test_bad_name_is_refused_with_its_reason(name: str, reason: str) -> None:
    with pytest.raises(ContentError, match=reason):
        member_parts(name)


@pytest.mark.parametrize(
    "name, parts",
    [("./a//b/", ("a", "b")), ("a/./b", ("a", "b")), (".", ()), ("./", ()), ("a\udcff", ("a\udcff",))],
)
def test_harmless_name_is_tidied(name: str, parts: Parts) -> None:
    assert member_parts(name) == parts


@pytest.mark.parametrize("target", ["/", "/etc", "", "x" * 5000])
def test_impossible_or_absolute_target_is_refused(target: str) -> None:
    with pytest.raises(ContentError):
        check_target(target, "a")


def test_link_that_leaves_through_another_link_is_refused() -> None:
    # By its text `deep/../..` stays inside; followed, it does not, since `deep` leads to the top.
    links: dict[Parts, str] = {("x", "deep"): "..", ("x", "out"): "deep/.."}
    with pytest.raises(ContentError, match="leaves it"):
        check_links(links, 1000)


def test_link_up_and_down_again_inside_is_allowed() -> None:
    check_links(
        {("lib", "current"): "../versions/1", ("bin", "tool"): "../lib/current/tool", ("top",): "."}, 1000
    )


def test_links_in_a_circle_are_refused() -> None:
    with pytest.raises(ContentError, match="circles"):
        check_links({("a",): "b", ("b",): "a"}, 1000)


def test_links_that_are_slow_to_follow_are_refused() -> None:
    with pytest.raises(ContentError, match="circles"):
        check_links({("a",): "/".join(["x"] * 50)}, 10)


@given(st.dictionaries(LINK_PARTS, TARGETS, max_size=6))
def test_accepted_links_lead_inside_by_a_second_way_of_following_them(links: dict[Parts, str]) -> None:
    try:
        check_links(links, 10_000)
    except ContentError:
        return
    for link, target in links.items():
        assert _lands(link[:-1], target, links) is not None


def _lands(at: Parts, target: str, links: dict[Parts, str]) -> Parts | None:
    """Follow recursively, where the code under test uses a stack; None when it leaves."""
    for part in target.split("/"):
        if part == ".":
            continue
        if part == "..":
            if not at:
                return None
            at = at[:-1]
        elif (*at, part) in links:
            landed = _lands(at, links[*at, part], links)
            if landed is None:
                return None
            at = landed
        else:
            at = (*at, part)
    return at
