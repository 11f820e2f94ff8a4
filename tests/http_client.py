"""HTTP clients of servers that a test has on loopback. They trust no certificate, for reading those of the whole world,
as httpx does for each client, takes longer than most tests."""

import ssl
from typing import Any

import httpx

_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def http_client(**options: Any) -> httpx.Client:
    """Give a client with the options of `httpx.Client`, which asks no proxy."""
    return httpx.Client(verify=_TRUSTS_NOBODY, trust_env=False, **options)


def http_get(url: str, **options: Any) -> httpx.Response:
    """Get a URL, through a connection of its own."""
    return httpx.get(url, verify=_TRUSTS_NOBODY, trust_env=False, **options)


def http_post(url: str, **options: Any) -> httpx.Response:
    """Post to a URL, through a connection of its own."""
    return httpx.post(url, verify=_TRUSTS_NOBODY, trust_env=False, **options)
