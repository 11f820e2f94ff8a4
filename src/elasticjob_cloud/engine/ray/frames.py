"""What a scheduler and its gateway say to each other, as msgpack messages over a socket (`agent/scheduler_link/frames.py`).

The messages between scheduler and agent travel inside, unread. A session is one connection to a node's agent: whatever
breaks on the way ends it, and the next one begins with a hello.
"""

from collections import deque

import msgspec

# Sent on together, so that it stays far below what one message may have, and takes little of the time of a call.
_PART_BYTES = 8 << 20


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway is started with. `agent_settings`: `AgentSettings` as JSON."""

    address: str
    namespace: str
    agent_dir: str
    agent_settings: str


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """Scheduler: I lead. Find the nodes, see to it that each has an agent, and open sessions to them."""


class Forward(msgspec.Struct, frozen=True, tag="forward"):
    """Scheduler: hand these messages to the node's agent, in order."""

    node_id: str
    session: str
    frames: list[bytes]


class Hold(msgspec.Struct, frozen=True, tag="hold"):
    """Scheduler: have so much of the node leased from Ray. Each is answered with `Held`."""

    node_id: str
    number: int
    milli_cpus: int
    memory_kib: int


class Release(msgspec.Struct, frozen=True, tag="release"):
    """Scheduler: let go of the node, which holds no tasks: its agent and its relay may end, until there is need again.

    The session is over. Where the agent holds tasks after all, or anything goes wrong, the next one is opened.
    """

    node_id: str


class Want(msgspec.Struct, frozen=True, tag="want"):
    """Scheduler: these runs find no room, each of pieces (CPUs, MB) that start together; nothing when all have.

    While there are any, all nodes are used that were let go of.
    """

    runs: list[tuple[tuple[float, float], ...]]


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Gateway: I have joined the Ray cluster. `cluster_id`: what Ray calls it."""

    cluster_id: str = ""


class Trouble(msgspec.Struct, frozen=True, tag="trouble"):
    """Gateway: this went wrong, and is tried again. `node_id`: whose agent cannot be reached for it, and `cause`: why."""

    message: str
    node_id: str = ""
    cause: str = ""


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """Gateway: I live. Once a second."""


class NodeSeen(msgspec.Struct, frozen=True, tag="node-seen"):
    """Gateway: a node that we may use, and what of it is ours or free; again whenever that changes.

    `is_draining`: Ray takes the node away soon, in so many seconds where it has said when: it gets no new task.
    """

    node_id: str
    hostname: str
    ip: str
    milli_cpus: int
    memory_kib: int
    is_draining: bool = False
    left_seconds: float | None = None


class NodeGone(msgspec.Struct, frozen=True, tag="node-gone"):
    """Gateway: Ray counts the node as dead, for this reason. Its agent may live."""

    node_id: str
    reason: str = ""


class SessionOpened(msgspec.Struct, frozen=True, tag="session-opened"):
    """Gateway: the node's agent listens."""

    node_id: str
    session: str


class SessionEnded(msgspec.Struct, frozen=True, tag="session-ended"):
    """Gateway: messages of this session may have been lost; the next one is being opened."""

    node_id: str
    session: str
    reason: str


class Arrived(msgspec.Struct, frozen=True, tag="arrived"):
    """Gateway: messages of the node's agent, in order."""

    node_id: str
    session: str
    frames: list[bytes]


class Held(msgspec.Struct, frozen=True, tag="held"):
    """Gateway: `Hold` of that number was done; or what there is leased instead, and why."""

    node_id: str
    number: int
    milli_cpus: int
    memory_kib: int
    fault: str = ""


ToGateway = Begin | Forward | Hold | Release | Want
FromGateway = Beat | Ready | Trouble | NodeSeen | NodeGone | SessionOpened | SessionEnded | Arrived | Held

_to_gateway: msgspec.msgpack.Decoder[ToGateway] = msgspec.msgpack.Decoder(ToGateway)
_from_gateway: msgspec.msgpack.Decoder[FromGateway] = msgspec.msgpack.Decoder(FromGateway)


def decode_to_gateway(content: bytes) -> ToGateway:
    """Read what a scheduler sent; raises `msgspec.DecodeError`."""
    return _to_gateway.decode(content)


def decode_from_gateway(content: bytes) -> FromGateway:
    """Read what a gateway sent; raises `msgspec.DecodeError`."""
    return _from_gateway.decode(content)


def next_part(frames: deque[bytes]) -> list[bytes]:
    """Take from these messages the first ones, up to 8 MiB and at least one: what goes on in one piece."""
    part: list[bytes] = []
    size = 0
    while frames and size < _PART_BYTES:
        part.append(frames.popleft())
        size += len(part[-1])
    return part
