"""The cable between a host and the switch, where something is wrong with it: a process that passes frames on, or does not.

Run as `python -I cable.py HOST_SIDE SWITCH_SIDE`, with the names of two network devices. Each line on standard input is
JSON, `{"out": FLAW, "in": FLAW}`, and says how the cable is from now on: `out` are frames from the host, `in` those to it.
A flaw has `blocked` (addresses, or "all"), `delay_ms`, `loss` (of 1) and `bytes_per_second` (0: no limit).
This is done here rather than by the kernel because many kernels have neither netem nor packet filters; it drops
silently, as a broken cable does, where a filter on the host itself would answer with errors.
"""

import contextlib
import heapq
import json
import os
import random
import select
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

_ALL_PROTOCOLS = 0x0003
_SOL_PACKET, _PACKET_VNET_HDR = 263, 15  # checksums and segments that are yet to be made pass through unmade
_HEADER_BYTES = 10
_LONGEST_FRAME = 70_000
_IPV4 = b"\x08\x00"
_MOST_WAITING = 20_000


@dataclass
class Flaw:
    """What happens to frames in one direction."""

    blocked: frozenset[str] = frozenset()
    blocks_all: bool = False
    delay_seconds: float = 0.0
    loss: float = 0.0
    bytes_per_second: float = 0.0

    @classmethod
    def of(cls, flaw: dict[str, Any]) -> "Flaw":
        blocked = flaw.get("blocked", [])
        return cls(
            frozenset(() if blocked == "all" else blocked),
            blocked == "all",
            flaw.get("delay_ms", 0) / 1000,
            flaw.get("loss", 0.0),
            flaw.get("bytes_per_second", 0.0),
        )

    def drops(self, peer: str, dice: random.Random) -> bool:
        return self.blocks_all or peer in self.blocked or (self.loss > 0 and dice.random() < self.loss)


@dataclass
class Lane:
    """One direction: from one device to the other."""

    source: socket.socket
    target: socket.socket
    peer_offset: int  # where a frame has the address of who is not the host
    flaw: Flaw = field(default_factory=Flaw)
    waiting: list[tuple[float, int, bytes]] = field(default_factory=list)
    free_at: float = 0.0
    count: int = 0

    def take_frame(self, dice: random.Random) -> None:
        try:
            frame, address = self.source.recvfrom(_LONGEST_FRAME)
        except OSError:
            return  # the host has just crashed, and its device went down
        if address[2] == socket.PACKET_OUTGOING:
            return  # what the other lane has just sent
        if self.flaw.drops(_peer_of(frame, self.peer_offset), dice) or len(self.waiting) >= _MOST_WAITING:
            return
        now = time.monotonic()
        if self.flaw.bytes_per_second:
            self.free_at = max(now, self.free_at) + len(frame) / self.flaw.bytes_per_second
            now = self.free_at
        self.count += 1
        heapq.heappush(self.waiting, (now + self.flaw.delay_seconds, self.count, frame))

    def pass_on(self) -> None:
        now = time.monotonic()
        while self.waiting and self.waiting[0][0] <= now:
            frame = heapq.heappop(self.waiting)[2]
            with contextlib.suppress(OSError):  # a device that is down or has no room: lost, as on any cable
                self.target.send(frame)


def main() -> None:
    host_side, switch_side = (_open(name) for name in sys.argv[1:3])
    outward = Lane(host_side, switch_side, peer_offset=30)
    inward = Lane(switch_side, host_side, peer_offset=26)
    dice = random.Random(1)
    print("ready", flush=True)
    buffer = b""
    while True:
        due = [lane.waiting[0][0] for lane in (outward, inward) if lane.waiting]
        timeout = max(0.0, min(due) - time.monotonic()) if due else None
        readable, _, _ = select.select([host_side, switch_side, sys.stdin], [], [], timeout)
        if sys.stdin in readable:
            data = os.read(sys.stdin.fileno(), 65_536)  # unbuffered, so that select knows of all of it
            if not data:
                return
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                flaws = json.loads(line)
                outward.flaw, inward.flaw = Flaw.of(flaws.get("out", {})), Flaw.of(flaws.get("in", {}))
                print("done", flush=True)
        for lane in (outward, inward):
            if lane.source in readable:
                lane.take_frame(dice)
            lane.pass_on()


def _open(name: str) -> socket.socket:
    device = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
    device.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    device.bind((name, _ALL_PROTOCOLS))
    device.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    return device


def _peer_of(frame: bytes, offset: int) -> str:
    ethernet = _HEADER_BYTES
    if frame[ethernet + 12 : ethernet + 14] != _IPV4:
        return ""
    return socket.inet_ntoa(frame[ethernet + offset : ethernet + offset + 4])


if __name__ == "__main__":
    main()
