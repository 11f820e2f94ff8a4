"""Addresses and URLs: what loopback is, and what a URL of HTTP is."""

import pytest

from elasticjob_cloud.model.urls import is_http_url, is_loopback


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "127.8.9.1",
        "127.255.0.1",
        "::1",
        "[::1]",
        "::ffff:127.0.0.1",
        "[::ffff:127.0.0.1]",
    ],
)
def test_loopback_is_known_in_every_form(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        *("0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "127.0.0.1.evil.org", "localhost.evil.org", ""),
        *("LOCALHOST.", "2130706433", "127.1"),  # read by some as loopback, but not by all
    ],
)
def test_whatever_others_may_reach_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("url", ["http://host", "https://host:8899/api", "http://[::1]:1/", "HTTP://host"])
def test_url_of_http_has_a_host(url: str) -> None:
    assert is_http_url(url)


@pytest.mark.parametrize(
    "url",
    ["host:8899", "ftp://host", "http://", "http://:80", "http://host:0", "http://host:65536", "http://[::1"],
)
def test_url_without_host_or_with_an_impossible_port_is_none_of_http(url: str) -> None:
    assert not is_http_url(url)
