"""Calls from processes of other users of this machine, in the standard library's own terms."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

OTHER_UID = 54_321
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can act as another user")

# The user changes when all is imported: another user may not be able to read the interpreter's files.
_PROGRAM = """
import http.client, json, os, socket, sys
port, uid, method, path, body, headers, local_port, ways = json.loads(sys.argv[1])
os.setgroups([]); os.setgid(uid); os.setuid(uid)
family, host = (socket.AF_INET6, "::ffff:127.0.0.1") if "mapped" in ways else (socket.AF_INET, "127.0.0.1")
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
connected = socket.socket(family)
connected.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if local_port:
    connected.bind(("127.0.0.1", local_port))
connected.settimeout(20)
connected.connect((host, port))
connection.sock = connected
connection.request(method, path, body, headers)
if "hasty" in ways:
    connected.close()
    print(json.dumps([0, ""]))
else:
    answer = connection.getresponse()
    print(json.dumps([answer.status, answer.read().decode()]))
"""


def call_as(
    uid: int,
    url: str,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    local_port: int = 0,
    ways: tuple[str, ...] = (),
) -> tuple[int, Any]:
    """Call as this user, and give status and answer. `ways`: `mapped` uses an IPv6 socket, `hasty` awaits no answer."""
    text = None if body is None else json.dumps(body)
    given = {"Content-Type": "application/json", **(headers or {})}
    arguments = json.dumps(
        [int(url.rpartition(":")[2]), uid, method, path, text, given, local_port, list(ways)]
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", _PROGRAM, arguments],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    status, answer = json.loads(done.stdout)
    return status, json.loads(answer) if answer else None


def log_in_as(uid: int, url: str, **options: Any) -> tuple[int, Any]:
    """Log in with the manual's password."""
    return call_as(uid, url, "POST", "/api/login", {"username": "root", "password": "pwd"}, **options)
