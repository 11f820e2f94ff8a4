"""What an app's URL says: its kind, its file name, whether it is allowed, and what may be shown of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elasticjob_cloud.agent.apps.archives.kinds import ArchiveKind, archive_kind, single_file_name
from elasticjob_cloud.agent.apps.errors import FetchError
from elasticjob_cloud.agent.apps.sources.address import AppAddress


@pytest.mark.parametrize(
    "name, kind",
    [
        ("app.tar", ArchiveKind.TAR),
        ("app.TAR.GZ", ArchiveKind.TAR_GZIP),
        ("app.tgz", ArchiveKind.TAR_GZIP),
        ("app.tar.bz2", ArchiveKind.TAR_BZIP2),
        ("app.tbz2", ArchiveKind.TAR_BZIP2),
        ("app.tar.xz", ArchiveKind.TAR_XZ),
        ("app.txz", ArchiveKind.TAR_XZ),
        ("app.tar.zst", ArchiveKind.TAR_ZSTANDARD),
        ("app.sh.gz", ArchiveKind.GZIP),
        ("app.Zip", ArchiveKind.ZIP),
        ("app.sh", None),
        ("tar", None),
        ("", None),
    ],
)
def test_kind_is_told_by_the_name(name: str, kind: ArchiveKind | None) -> None:
    assert archive_kind(name) is kind


@pytest.mark.parametrize(
    "url, name",
    [
        ("http://h/apps/run.sh?sig=a/b.zip#x", "run.sh"),
        ("http://h/a%20b.sh", "a b.sh"),
        ("http://h/run.sh.GZ", "run.sh"),
        ("http://h/..%2F..%2Fetc%2Fx.sh", ".._.._etc_x.sh"),
        ("http://h/%2e%2e", "app"),
        ("http://h/", "app"),
        ("http://h", "app"),
        ("http://h/.gz", "app"),
        ("http://h/a%00b", "a_b"),
        ("http://h/%E4%BD%9C.py", "作.py"),
    ],
)
def test_single_file_keeps_the_safe_part_of_its_name(url: str, name: str) -> None:
    assert single_file_name(AppAddress.parse(url).base_name) == name


@given(st.text(max_size=300))
def test_single_file_name_is_always_one_harmless_part(path: str) -> None:
    try:
        address = AppAddress.parse("http://host/" + path)
    except FetchError:
        return
    name = single_file_name(address.base_name)
    assert name.strip(".")
    assert "/" not in name
    assert "\0" not in name
    assert len(name.encode()) <= 200


@pytest.mark.parametrize(
    "url, prefix, allowed",
    [
        ("http://apps/x", "http://", True),
        ("https://apps/x", "http://", False),
        ("http://apps/x", "http://apps", True),
        ("http://APPS:80/x", "http://apps/", True),
        ("http://user:pw@apps/x", "http://apps/", True),
        ("http://apps.evil/x", "http://apps", False),
        ("http://apps@evil/x", "http://apps", False),
        ("http://apps:8080/x", "http://apps", False),
        ("http://apps/team/x", "http://apps/team/", True),
        ("http://apps/other/x", "http://apps/team/", False),
        ("http://apps/team/../other/x", "http://apps/team/", False),
        ("http://apps/team/%2e%2e/other/x", "http://apps/team/", False),
        ("file:///opt/apps/x.sh", "file:///opt/apps/", True),
        ("file:/opt/apps/x.sh", "file:", True),
        ("file:///etc/passwd", "file:///opt/apps/", False),
        ("http://apps/x", "http://bad:port/", False),
    ],
)
def test_prefix_is_compared_part_by_part(url: str, prefix: str, allowed: bool) -> None:
    address = AppAddress.parse(url)
    if allowed:
        address.require_allowed((prefix,))
    else:
        with pytest.raises(FetchError, match="allowed URL prefixes"):
            address.require_allowed((prefix,))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x.sh",
        "gopher://h/x",
        "http:///x",
        "http://h:port/x",
        "file://host/x",
        "http://h/a\nb",
        "http://[::1/x",
    ],
)
def test_what_is_no_app_url_is_refused(url: str) -> None:
    with pytest.raises(FetchError):
        AppAddress.parse(url)


def test_neither_credentials_nor_the_query_are_shown_or_sent_in_the_url() -> None:
    address = AppAddress.parse("ftp://us%40er:se%2Fcret@[::1]:2121/x.tar?token=abc")
    assert address.shown == "ftp://[::1]:2121/x.tar?..."
    assert (address.user, address.password) == ("us@er", "se/cret")
    assert "se" not in address.request_url.split("?")[0]
    assert address.hide("530 se/cret is wrong") == "530 *** is wrong"
