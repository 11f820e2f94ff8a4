"""Are the hosts what they should be? Run by `test_chaos.py` in a world of its own; raises AssertionError where not."""

import contextlib
import socket
import sys
import time
from collections.abc import Iterator

from tests.chaos.hosts.hosts import OURS, SUBNET, Host, Network, end_process
from tests.waiting import wait_for

_PORT = 8000
_SECONDS = 1.5  # longer than any delay here, and than a lost packet's repetition


def main() -> None:
    with Network() as network:
        one, other = network.add_host("a", 11), network.add_host("b", 12)
        _serve(other)
        _check_cable(one, other)
        _check_host(one, other)
    print("hosts and cables are as they should be")


def _check_cable(one: Host, other: Host) -> None:
    assert _seconds(one, other) is not None, "two hosts reach each other"
    one.cable.slow(delay_ms=100)
    slow = _seconds(one, other)
    assert slow is not None, "slow is not cut"
    assert slow >= 0.2, f"100 ms there and back take {slow} s"
    for ways in (("in",), ("out",), ("in", "out")):
        one.cable.cut(ways)
        assert _seconds(one, other) is None, f"cut {ways}, and still connected"
    one.cable.cut(peers=[f"{SUBNET}.99"])
    assert _seconds(one, other) is not None, "only another is cut off"
    one.cable.cut(peers=[other.address])
    assert _seconds(one, other) is None, "this one is cut off"
    one.cable.heal()
    assert _seconds(one, other) is not None, "healed"


def _check_host(one: Host, other: Host) -> None:
    assert one.run(["hostname"]).strip() == "a"
    sleeper = one.start(["sleep", "1000"])
    assert sleeper in one.processes()
    assert sleeper not in other.processes()
    assert one.run(["sh", "-c", "echo /proc/[0-9]*"]).count("/proc/") <= 3, "a host sees others' processes"
    one.run(["sh", "-c", "echo kept > /mnt/file; echo lost > /tmp/file"])
    end_process(sleeper)
    with contextlib.closing(socket.create_connection((other.address, _PORT), _SECONDS)) as connection:
        other.crash()
        assert other.processes() == []
        connection.settimeout(_SECONDS)
        # A host without power says nothing, not even goodbye.
        with contextlib.suppress(TimeoutError):
            raise AssertionError(f"the crashed host said {connection.recv(1)!r}")
    one.crash()
    one.boot()
    other.boot()
    assert one.run(["cat", "/mnt/file"]) == "kept\n"
    assert "file" not in one.run(["sh", "-c", "ls /tmp"])
    _serve(other)
    assert _seconds(one, other) is not None, "both are back"


def _serve(host: Host) -> None:
    host.start([sys.executable, "-m", "http.server", "--bind", host.address, str(_PORT)])
    wait_for(lambda: next(_connect(host), None), "the server")


def _connect(host: Host) -> Iterator[bool]:
    with contextlib.suppress(OSError), socket.create_connection((host.address, _PORT), 1, (OURS, 0)):
        yield True


def _seconds(one: Host, other: Host) -> float | None:
    """Give how long it takes from one host to get an answer of the other, or None when it gets none."""
    code = (
        "import socket, sys, time; began = time.monotonic();"
        f"peer = socket.create_connection(('{other.address}', {_PORT}), {_SECONDS});"
        "peer.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n'); peer.recv(1); print(time.monotonic() - began)"
    )
    began = time.monotonic()
    try:
        return float(one.run([sys.executable, "-IS", "-c", code]))
    except AssertionError:
        assert time.monotonic() - began >= _SECONDS, "refused, rather than silent"
        return None


if __name__ == "__main__":
    main()
