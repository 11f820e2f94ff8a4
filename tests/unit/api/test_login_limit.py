"""How often a login may fail."""

import pytest

from elasticjob_cloud.api.access.login_limit import LoginLimit
from elasticjob_cloud.model.errors import TooManyAttemptsError


def fail(limit: LoginLimit, address: str, username: str, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        limit.begin_attempt(address, username, now)


def test_sixth_failure_in_a_minute_is_too_many() -> None:
    limit = LoginLimit(5)
    fail(limit, "10.0.0.1", "root", 5)
    with pytest.raises(TooManyAttemptsError, match="try again in 30 s") as caught:
        limit.begin_attempt("10.0.0.1", "root", 30.0)
    assert caught.value.retry_after_seconds == 30
    limit.begin_attempt("10.0.0.1", "root", 60.0)


def test_right_password_wipes_out_the_failures() -> None:
    limit = LoginLimit(5)
    for _ in range(100):
        fail(limit, "10.0.0.1", "root", 3)
        limit.forgive("10.0.0.1", "root")
    fail(limit, "10.0.0.1", "root", 5)


def test_trying_many_users_from_one_address_is_bounded_too() -> None:
    limit = LoginLimit(5)
    for number in range(30):
        limit.begin_attempt("10.0.0.1", f"user {number}", 0.0)
    with pytest.raises(TooManyAttemptsError):
        limit.begin_attempt("10.0.0.1", "another", 0.0)
    limit.begin_attempt("10.0.0.2", "another", 0.0)


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    limit = LoginLimit(5)
    for number in range(5):
        limit.begin_attempt(f"2001:db8::{number:x}", "root", 0.0)
    with pytest.raises(TooManyAttemptsError):
        limit.begin_attempt("2001:db8::ffff", "root", 0.0)
    limit.begin_attempt("2001:db8:0:1::1", "root", 0.0)


def test_ipv4_address_in_ipv6_clothes_is_the_same_address() -> None:
    limit = LoginLimit(5)
    fail(limit, "::ffff:10.0.0.1", "root", 5)
    with pytest.raises(TooManyAttemptsError):
        limit.begin_attempt("10.0.0.1", "root", 0.0)


def test_memory_is_bounded_whoever_asks() -> None:
    limit = LoginLimit(5)
    for number in range(30_000):
        limit.begin_attempt(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "root", 0.0)
    assert len(limit._attempts) <= 10_000


def test_waiting_out_the_minute_forgets_one_failure_after_another() -> None:
    limit = LoginLimit(2)
    limit.begin_attempt("", "root", 0.0)
    limit.begin_attempt("", "root", 10.0)
    with pytest.raises(TooManyAttemptsError):
        limit.begin_attempt("", "root", 59.0)
    limit.begin_attempt("", "root", 60.0)
    with pytest.raises(TooManyAttemptsError):
        limit.begin_attempt("", "root", 61.0)
