"""Who is at the other end of a loopback connection: by tables of the kernel, real and made up."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from elasticjob_cloud.api.access.peer_users import can_tell_users, find_peer_uid
from tests.security.strangers import OTHER_UID, needs_root

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: only Linux has these tables")
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
CLIENT, SERVER = ("127.0.0.1", 0xA001), ("127.0.0.1", 0x22C3)
MAPPED = "0000000000000000FFFF00000100007F"


def tables(folder: Path, tcp: str = "", tcp6: str = "") -> Path:
    for name, rows in (("tcp", tcp), ("tcp6", tcp6)):
        (folder / name).write_text(HEAD + rows)
    return folder


def row(local: str, remote: str, uid: int, inode: int, state: str = "01") -> str:
    return f"   1: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 {uid:5} 0 {inode} 1 0\n"


def ours(uid: int, inode: int = 77, state: str = "01", host: str = "0100007F") -> str:
    return row(f"{host}:A001", f"{host}:22C3", uid, inode, state)


SERVERS_OWN = row("0100007F:22C3", "0100007F:A001", 0, 78)


@pytest.mark.skipif(
    sys.byteorder != "little", reason="NOT TESTED: the addresses here are of a little-endian machine"
)
@pytest.mark.parametrize(
    "tcp, tcp6, uid",
    [
        (SERVERS_OWN + ours(1000), "", 1000),
        (SERVERS_OWN + ours(0), "", 0),
        ("", ours(1000, host=MAPPED), 1000),
        (ours(1000, state="05"), "", 1000),  # half closed, and still held
        ("", "", None),
        (SERVERS_OWN, "", None),
        (ours(0, inode=0, state="05"), "", None),  # held by no process
        (ours(0, inode=0, state="06"), "", None),  # TIME_WAIT
        (ours(0) + ours(1000), "", None),
        (ours(0), ours(1000, host=MAPPED), None),
        (row("0100007F:A001", "0100007F:22C4", 0, 77), "", None),
        (row("0200007F:A001", "0100007F:22C3", 0, 77), "", None),
    ],
)
def test_row_of_the_other_end_tells_its_user(tmp_path: Path, tcp: str, tcp6: str, uid: int | None) -> None:
    assert find_peer_uid(CLIENT, SERVER, tables(tmp_path, tcp, tcp6)) == uid
    mapped = (("::ffff:127.0.0.1", CLIENT[1]), ("::ffff:127.0.0.1", SERVER[1]))
    assert find_peer_uid(*mapped, tables(tmp_path, tcp, tcp6)) == uid


def test_without_tables_nobody_is_told(tmp_path: Path) -> None:
    assert find_peer_uid(CLIENT, SERVER, tmp_path / "none") is None


@needs_linux
@pytest.mark.parametrize("family, host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_own_connection_is_recognised(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family) as listener:
        server = listener.getsockname()[:2]
        with socket.create_connection(server) as client:
            assert find_peer_uid(client.getsockname()[:2], server) == os.geteuid()
    assert can_tell_users()


@needs_root
@needs_linux
@pytest.mark.parametrize("closes", [False, True])
def test_another_users_socket_is_never_roots_even_when_nobody_holds_it_any_more(closes: bool) -> None:
    program = (
        "import os, socket, sys; os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]));"
        "s = socket.socket(); s.connect(('127.0.0.1', int(sys.argv[2])));"
        f"{closes} and s.close(); print('done', flush=True); sys.stdin.read()"
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = listener.getsockname()
        arguments = [sys.executable, "-I", "-c", program, str(OTHER_UID), str(server[1])]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as stranger:
            assert stranger.stdout is not None
            assert stranger.stdout.readline() == b"done\n"
            accepted, client = listener.accept()
            with accepted:
                assert find_peer_uid(client, server) == (None if closes else OTHER_UID)
            stranger.communicate()
