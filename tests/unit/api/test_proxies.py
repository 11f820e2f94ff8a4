"""The address of a caller behind proxies."""

import pytest
from starlette.types import Scope

from elasticjob_cloud.api.access.proxies import TrustedProxies

PROXIES = TrustedProxies(("10.0.0.1", "10.1.0.0/16", "2001:db8:1::/48"))
PEER = "10.0.0.1"


@pytest.mark.parametrize(
    "value, caller",
    [
        (b"203.0.113.5", "203.0.113.5"),
        (b"1.1.1.1, 203.0.113.5", "203.0.113.5"),
        (b"1.1.1.1, 203.0.113.5, 10.1.2.3", "203.0.113.5"),
        (b"203.0.113.5:4711", "203.0.113.5"),
        (b"[2001:db8::5]:4711", "2001:db8::5"),
        (b"2001:db8::5", "2001:db8::5"),
        (b"::ffff:203.0.113.5", "203.0.113.5"),
        (b"2001:db8:1::7", "2001:db8:1::7"),
        (b"203.0.113.5, 2001:db8:1::7", "203.0.113.5"),
        (b"10.1.2.3", "10.1.2.3"),
        (b"1.1.1.1, unknown", PEER),
        (b"1.1.1.1, unknown, 10.1.2.3", "10.1.2.3"),
        (b"1.1.1.1, \xff\x00", PEER),
        (b"", PEER),
        (b" , ,", PEER),
    ],
)
def test_x_forwarded_for_is_read_from_the_right(value: bytes, caller: str) -> None:
    assert PROXIES.caller_of(PEER, [(b"x-forwarded-for", value)]) == caller


@pytest.mark.parametrize(
    "value, caller",
    [
        (b"for=203.0.113.5", "203.0.113.5"),
        (b'For="[2001:db8::5]:4711";proto=https', "2001:db8::5"),
        (b"for=1.1.1.1, by=10.0.0.1;for=203.0.113.5, for=10.1.2.3", "203.0.113.5"),
        (b"for=1.1.1.1, proto=https", PEER),
        (b"for=1.1.1.1, for=_hidden", PEER),
        (b"for=1.1.1.1, for=unknown", PEER),
        (b"for", PEER),
    ],
)
def test_forwarded_is_read_from_the_right(value: bytes, caller: str) -> None:
    assert PROXIES.caller_of(PEER, [(b"forwarded", value)]) == caller


def test_several_headers_are_one_list() -> None:
    headers = [(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"203.0.113.5"), (b"host", b"x")]
    assert PROXIES.caller_of(PEER, headers) == "203.0.113.5"


def test_two_headers_that_disagree_are_not_believed() -> None:
    spoofed = [(b"forwarded", b"for=1.1.1.1"), (b"x-forwarded-for", b"203.0.113.5")]
    assert PROXIES.caller_of(PEER, spoofed) == PEER
    agreeing = [(b"forwarded", b"for=203.0.113.5"), (b"x-forwarded-for", b"203.0.113.5")]
    assert PROXIES.caller_of(PEER, agreeing) == "203.0.113.5"


@pytest.mark.parametrize("peer", ["10.0.0.2", "203.0.113.9", "", "testclient"])
def test_nobody_else_is_believed(peer: str) -> None:
    scope = {"client": (peer, 1), "headers": [(b"x-forwarded-for", b"1.1.1.1")]}
    assert PROXIES.with_caller(scope) is scope
    assert not TrustedProxies(()).trusts(peer)


def test_scope_has_the_callers_address() -> None:
    scope = {"client": ("::ffff:10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"203.0.113.5")], "path": "/"}
    assert PROXIES.with_caller(scope) == {**scope, "client": ("203.0.113.5", 0)}
    without: Scope = {"client": None, "headers": []}
    assert PROXIES.with_caller(without) is without
