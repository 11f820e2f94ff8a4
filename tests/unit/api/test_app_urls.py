"""Which URLs an app may come from."""

import pytest

from elasticjob_cloud.api.requests.app_urls import is_allowed

SCHEMES = ("http://", "https://", "ftp://")


@pytest.mark.parametrize("url", ["http://a/b", "https://a:1/b", "ftp://a/b", "HTTP://A/b"])
def test_scheme_alone_allows_every_host(url: str) -> None:
    assert is_allowed(url, SCHEMES)


@pytest.mark.parametrize("prefix", ["file:", "file://", "file:///"])
def test_files_are_allowed_only_when_named(prefix: str) -> None:
    assert not is_allowed("file:///opt/app.sh", SCHEMES)
    assert is_allowed("file:///opt/app.sh", (*SCHEMES, prefix))


@pytest.mark.parametrize(
    "url, allowed",
    [
        ("https://apps.test/releases", True),
        ("https://apps.test/releases/a.zip", True),
        ("https://APPS.test/releases/a.zip?x=1", True),
        ("https://apps.test/releases-old/a.zip", False),
        ("https://apps.test/a.zip", False),
        ("https://apps.test/releases/../a.zip", False),
        ("https://apps.test/releases/%2e%2e/a.zip", False),
        ("https://apps.test/releases/..%2fa.zip", False),
        ("https://apps.test/releases/..\\a.zip", False),
        ("https://apps.test/Releases/a.zip", False),
        ("http://apps.test/releases/a.zip", False),
        ("https://apps.test:444/releases/a.zip", False),
        ("https://apps.test.evil.org/releases/a.zip", False),
        ("https://apps.test@evil.org/releases/a.zip", False),
        ("https://user@apps.test/releases/a.zip", False),
        ("https://evil.org/?https://apps.test/releases/", False),
    ],
)
@pytest.mark.parametrize("prefix", ["https://apps.test/releases", "https://apps.test/releases/"])
def test_prefix_allows_what_is_below_it_and_nothing_else(prefix: str, url: str, allowed: bool) -> None:
    assert is_allowed(url, (prefix,)) is allowed


def test_without_prefixes_nothing_is_allowed() -> None:
    assert not is_allowed("http://a/b", ())
