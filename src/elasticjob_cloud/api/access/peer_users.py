"""Which user of this machine holds the other end of a loopback connection, by Linux's tables of TCP sockets."""

import os
import socket
import struct
from pathlib import Path
from typing import Final

from elasticjob_cloud.model.urls import parse_address

_TABLES: Final = Path("/proc/self/net")
_ALL_USERS: Final = (
    "0",
    "0",
    "4294967295",
)  # /proc/self/uid_map of a process that sees every user as they are
_UID_COLUMN: Final = 7
_INODE_COLUMN: Final = 9
# The kernel writes a table in pieces, and may pass over a row while others come and go.
_LOOKS: Final = 3
_PEER_SECONDS: Final = 5.0


def find_peer_uid(client: tuple[str, int], server: tuple[str, int], tables: Path = _TABLES) -> int | None:
    """Give the user id of the process at the other end of a connection; None where it cannot be told.

    Args:
        client: The other end's address and port.
        server: This end's.
        tables: Where `tcp` and `tcp6` are.
    """
    rows: set[int] = set()
    for _ in range(_LOOKS):
        if rows := _rows(client, server, tables):
            break
    if rows == {0}:
        # A socket that is closed between the reading of its inode and of its owner would pass for root's.
        rows |= _rows(client, server, tables) or {-1}
    if len(rows) != 1:
        return None
    (uid,) = rows
    return None if uid == _stand_in_uid() else uid


def can_tell_users() -> bool:
    """Tell whether the user of a process that connects over loopback can be told here: tried out."""
    if not hasattr(os, "geteuid"):
        return False
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = listener.getsockname()
            with socket.create_connection(server, _PEER_SECONDS) as client:
                return find_peer_uid(client.getsockname(), server) == os.geteuid()
    except OSError:
        return False


def _rows(client: tuple[str, int], server: tuple[str, int], tables: Path) -> set[int]:
    """Give the owners of the sockets between these two ends: one, if all is well."""
    owners: set[int] = set()
    for name, addresses in _written(client[0], server[0]):
        needle = f" {addresses[0]}:{client[1]:04X} {addresses[1]}:{server[1]:04X} ".encode()
        try:
            table = (tables / name).read_bytes()
        except OSError:
            continue
        start = table.find(needle)
        while start >= 0:
            row = table[table.rfind(b"\n", 0, start) + 1 :].split(b"\n", 1)[0].split()
            # A socket that no process holds any more has no inode, and is shown as root's, no matter who opened it.
            if len(row) > _INODE_COLUMN and row[_INODE_COLUMN] != b"0":
                owners.add(int(row[_UID_COLUMN]))
            start = table.find(needle, start + 1)
    return owners


def _written(client: str, server: str) -> list[tuple[str, tuple[str, str]]]:
    """Give the tables to look in, with both addresses as they are written there."""
    one, other = parse_address(client), parse_address(server)
    if one is None or other is None or one.version != other.version:
        return []
    if one.version == 6:
        return [("tcp6", (_hexadecimal(one.packed), _hexadecimal(other.packed)))]
    prefix = bytes(10) + b"\xff\xff"  # a program may have opened an IPv6 socket for it
    return [
        ("tcp", (_hexadecimal(one.packed), _hexadecimal(other.packed))),
        ("tcp6", (_hexadecimal(prefix + one.packed), _hexadecimal(prefix + other.packed))),
    ]


def _hexadecimal(packed: bytes) -> str:
    # The kernel prints the words of an address as the machine holds them.
    return "".join(f"{word:08X}" for word in struct.unpack(f"={len(packed) // 4}I", packed))


def _stand_in_uid() -> int | None:
    """Give the id that stands for all users who have none in this user namespace; None when it sees them all."""
    try:
        if tuple(Path("/proc/self/uid_map").read_text().split()) == _ALL_USERS:
            return None
        return int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return None
