"""Who may connect when there are many, and how many descriptors that takes."""

from elasticjob_cloud.server.descriptors import connection_limit
from elasticjob_cloud.server.http.connections import Connections
from elasticjob_cloud.server.http.limits import HttpLimits

LIMITS = HttpLimits(connections=6, address_connections=3)


class Caller:
    def __init__(self, *, is_working: bool = False, has_asked: bool = False) -> None:
        self.is_working = is_working
        self.has_asked = has_asked
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


def test_oldest_that_never_asked_makes_room_before_one_that_did() -> None:
    connections = Connections(LIMITS)
    keeps, first, second, late = Caller(has_asked=True), Caller(), Caller(), Caller()
    for caller in (keeps, first, second, late):
        assert connections.enter(caller, "10.0.0.1")
    assert [caller.aborted for caller in (keeps, first, second, late)] == [False, True, False, False]
    assert len(connections) == 3


def test_one_that_asked_before_makes_room_when_there_is_no_other() -> None:
    connections = Connections(LIMITS)
    working, idle = Caller(is_working=True), Caller(has_asked=True)
    for caller in (working, idle, Caller(is_working=True), Caller()):
        assert connections.enter(caller, "10.0.0.1")
    assert idle.aborted
    assert not working.aborted


def test_no_connection_at_work_makes_room() -> None:
    connections = Connections(LIMITS)
    callers = [Caller(is_working=True) for _ in range(4)]
    assert [connections.enter(caller, "10.0.0.1") for caller in callers] == [True, True, True, False]
    assert connections.enter(Caller(), "10.0.0.2")
    connections.leave(callers[0])
    assert connections.enter(Caller(), "10.0.0.1")


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    connections = Connections(LIMITS)
    callers = [Caller() for _ in range(5)]
    for number, caller in enumerate(callers):
        assert connections.enter(caller, f"2001:db8::{number:x}")
    assert [caller.aborted for caller in callers] == [True, True, False, False, False]


def test_when_all_are_many_the_address_with_most_makes_room() -> None:
    connections = Connections(LIMITS)
    many = [Caller() for _ in range(3)]
    few = [Caller(), Caller()]
    for caller in many:
        connections.enter(caller, "10.0.0.1")
    for caller in few:
        connections.enter(caller, "10.0.0.2")
    for number in range(3, 5):
        assert connections.enter(Caller(), f"10.0.0.{number}")
    assert [caller.aborted for caller in many] == [True, False, False]
    assert not any(caller.aborted for caller in few)


def test_cap_of_an_address_is_not_for_trusted_proxies() -> None:
    connections = Connections(LIMITS, lambda address: address == "10.0.0.1")
    callers = [Caller() for _ in range(6)]
    for caller in callers:
        assert connections.enter(caller, "10.0.0.1")
    assert not any(caller.aborted for caller in callers)
    assert connections.enter(Caller(), "10.0.0.1")
    assert callers[0].aborted


def test_leaving_twice_does_no_harm() -> None:
    connections = Connections(LIMITS)
    caller = Caller()
    connections.enter(caller, "10.0.0.1")
    connections.leave(caller)
    connections.leave(caller)
    assert len(connections) == 0


def test_descriptors_are_held_in_reserve() -> None:
    assert connection_limit(8192, 4096) == 4096
    assert connection_limit(1024, 4096) == 768
    assert connection_limit(256, 4096) == 128
