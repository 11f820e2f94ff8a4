"""Whose word is taken about the address that a call comes from."""

import pytest

from elasticjob_cloud.api.access.forwarding_mark import FORWARDED_FOR, MARK, VOUCHER, ForwardingMark, Headers

_KEY = b"a key of thirty-two bytes or more"
_NOW = 1_795_000_000.0


def mark(key: bytes | None = _KEY, now: float = _NOW) -> ForwardingMark:
    return ForwardingMark(key, lambda: now)


def test_address_that_a_scheduler_passes_on_is_believed() -> None:
    headers = mark().of_call([(b"accept", b"*/*")], "10.0.0.7")

    assert mark(now=_NOW + 60).client_of(headers) == "10.0.0.7"
    assert mark().is_on(headers)


def test_address_is_the_one_that_the_scheduler_saw_not_what_the_caller_claims() -> None:
    headers = mark().of_call([(FORWARDED_FOR, b"1.1.1.1, 2.2.2.2"), (FORWARDED_FOR, b"3.3.3.3")], "10.0.0.7")

    assert dict(headers)[FORWARDED_FOR] == b"1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.7"
    assert mark().client_of(headers) == "10.0.0.7"


@pytest.mark.parametrize(
    "headers",
    [
        [(FORWARDED_FOR, b"10.0.0.7")],
        [(FORWARDED_FOR, b"10.0.0.7"), (MARK, b"")],
        [(FORWARDED_FOR, b"10.0.0.7"), (MARK, b"unsigned")],
        [(FORWARDED_FOR, b"10.0.0.7"), (MARK, b"1795000000.0123456789abcdef")],
        [(FORWARDED_FOR, b"10.0.0.7"), (MARK, b"9" * 5000 + b".00")],
        [(FORWARDED_FOR, b"10.0.0.8"), mark().of_call([], "10.0.0.7")[1]],
        mark(b"another key of thirty-two bytes!!").of_call([], "10.0.0.7"),
        mark(now=_NOW - 301).of_call([], "10.0.0.7"),
        mark(None).of_call([], "10.0.0.7"),
    ],
    ids=["bare", "empty", "unsigned", "forged", "huge", "changed", "other-key", "old", "no-key"],
)
def test_nobody_else_is_believed(headers: Headers) -> None:
    assert mark().client_of(headers) is None


def test_without_a_key_nobody_is_believed() -> None:
    headers = mark().of_call([], "10.0.0.7")

    assert mark(None).client_of(headers) is None
    assert mark(None).is_on(headers)


def test_scheduler_vouches_for_the_caller_that_it_has_recognised() -> None:
    headers = mark().of_call([], "127.0.0.1", is_own_user=True)

    assert mark(now=_NOW + 60).vouches(headers)
    assert mark().client_of(headers) == "127.0.0.1"
    assert not mark().vouches(mark().of_call([], "127.0.0.1"))


_VOUCHED = mark().of_call([], "127.0.0.1", is_own_user=True)


@pytest.mark.parametrize(
    "headers",
    [
        [*mark().of_call([], "127.0.0.1"), (VOUCHER, b"1")],
        [*mark().of_call([], "127.0.0.1"), (VOUCHER, mark().of_call([], "127.0.0.1")[1][1])],
        [*mark().of_call([], "10.0.0.7"), _VOUCHED[2]],
        [_VOUCHED[0], _VOUCHED[2]],
        mark(b"another key of thirty-two bytes!!").of_call([], "127.0.0.1", is_own_user=True),
        mark(now=_NOW - 301).of_call([], "127.0.0.1", is_own_user=True),
        mark(None).of_call([], "127.0.0.1", is_own_user=True),
    ],
    ids=["made-up", "the-mark-itself", "another-call", "no-mark", "other-key", "old", "no-key"],
)
def test_nobody_else_vouches(headers: Headers) -> None:
    assert not mark().vouches(headers)
