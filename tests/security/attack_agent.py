"""What a job runs to take its agent from the scheduler: `python attack_agent.py SOCKET [escape]`.

Prints `obeyed`, `refused` or `closed`, as the agent answers a greeting with an epoch that nobody reaches.
"""

import os
import socket
import struct
import sys
import time

from elasticjob_cloud.agent.scheduler_link.frames import Hello, Refused, decode_agent_frame, encode_frame

FARTHEST_EPOCH = 2**62
_SECONDS = 20.0


def greet(path: str, hello: Hello) -> str:
    """Greet the agent as a scheduler does; say what came of it."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        try:
            connection.connect(path)
            content = encode_frame(hello)
            connection.sendall(struct.pack(">I", len(content)) + content)
            length = connection.recv(4, socket.MSG_WAITALL)
            if len(length) < 4:
                return "closed"
            answer = connection.recv(struct.unpack(">I", length)[0], socket.MSG_WAITALL)
        except (ConnectionRefusedError, FileNotFoundError):
            return "nobody"
        except (ConnectionResetError, BrokenPipeError):
            return "closed"
        return "refused" if isinstance(decode_agent_frame(answer), Refused) else "obeyed"


def escape(path: str, report: str) -> None:
    """Leave the task's group and session, and what it is known by in the environment; greet as an orphan."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    while os.getppid() != int(report.rpartition(":")[2]):
        time.sleep(0.01)  # until the parent has ended
    os.execve(sys.executable, [sys.executable, __file__, path, report.rpartition(":")[0]], {})


def main() -> None:
    """Attack."""
    path, how = sys.argv[1], sys.argv[2]
    if how == "escape":
        escape(path, sys.argv[3])
    said = greet(path, Hello(FARTHEST_EPOCH))
    if how == "-":
        print(said, flush=True)
    else:
        with open(how + ".new", "w") as report:  # noqa: PTH123 - as small as it can be
            report.write(said)
        os.replace(how + ".new", how)  # noqa: PTH105 - likewise


if __name__ == "__main__":
    main()
