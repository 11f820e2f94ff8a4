"""Hosts that are namespaces, on a switch of their own: processes, `/tmp`, network and cable of each can be lost alone.

To be used inside the world that `tests.chaos.hosts.isolation` makes, where none of it touches the machine:

    with Network() as network:
        n1 = network.add_host("n1", 11)         # boots it: 10.77.0.11
        process = n1.start(["sleep", "9"])      # a process of that host; its pid is one of ours too
        n1.cable.cut()                          # both ways; cut(("in",)), cut(("out",)), cut(peers=[db.address])
        n1.cable.slow(delay_ms=150)             # each way
        n1.cable.heal()
        n1.crash()                              # the power goes: cut off, then everything killed
        n1.boot()                               # comes back empty; what is in n1.disk is still there
"""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

import psutil

SUBNET = "10.77.0"
OURS = f"{SUBNET}.254"  # where this process is on the switch
_BRIDGE, _BRIDGE_MAC = "br0", "02:77:00:00:00:fe"
_HERE = Path(__file__).parent
_WAYS = ("in", "out")


class Cable:
    """What joins a host to the switch. Whole, it is the kernel's; with a flaw, frames pass through `cable.py`."""

    def __init__(self, name: str) -> None:
        self.port = f"p-{name}"  # the end at the switch; the host has the other one, eth0
        self._inserted = (f"c-{name}", f"d-{name}")
        self._process: subprocess.Popen[bytes] | None = None

    def cut(self, ways: Iterable[str] = _WAYS, peers: Sequence[str] | None = None) -> None:
        """Lose all frames (or those from and to `peers`) that go `in` to the host, `out` of it, or both."""
        flaw = {"blocked": "all" if peers is None else list(peers)}
        self.set_flaws(dict.fromkeys(ways, flaw))

    def slow(self, delay_ms: float, loss: float = 0.0, bytes_per_second: float = 0.0) -> None:
        """Delay all frames, lose some, limit the rate: the same each way."""
        flaw = {"delay_ms": delay_ms, "loss": loss, "bytes_per_second": bytes_per_second}
        self.set_flaws({"in": flaw, "out": flaw})

    def set_flaws(self, flaws: Mapping[str, Mapping[str, Any]]) -> None:
        """Give the cable flaws, by way (`in`, `out`)."""
        if self._process is None:
            self._insert()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.write(json.dumps(dict(flaws)).encode() + b"\n")
        process.stdin.flush()
        _expect_line(process, b"done\n")

    def heal(self) -> None:
        """Make the cable whole."""
        self._take_out()
        if self.port in {name for _, name in socket.if_nameindex()}:
            _ip(f"link set {self.port} arp on promisc off master {_BRIDGE}")

    def unplug(self) -> None:
        """Take the cable away from the switch. Of a cut one nothing gets through meanwhile."""
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip(f"link del {self.port}")  # gone already where the kernel was faster
        self._take_out()

    def _take_out(self) -> None:
        if self._process is not None:
            _end(self._process)
            self._process = None
            _ip(f"link del {self._inserted[0]}")

    def _insert(self) -> None:
        ours, at_switch = self._inserted
        _ip(f"link add name {ours} type veth peer name {at_switch}")
        # Our own kernel is no party here: it must not answer for its addresses on these ends.
        for end in (self.port, ours):
            _ip(f"link set {end} nomaster")
            _ip(f"link set {end} arp off promisc on up")
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_HERE / "cable.py"), self.port, ours],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        _expect_line(self._process, b"ready\n")
        _ip(f"link set {at_switch} up master {_BRIDGE}")


class Host:
    """One host. `disk` (there: `/mnt`) is as small as was asked for, and outlives a crash; `/tmp` does not."""

    def __init__(
        self, name: str, number: int, directory: Path, disk_megabytes: int, tmp_megabytes: int
    ) -> None:
        self.name = name
        self.address = f"{SUBNET}.{number}"
        self.disk = directory / "disks" / name
        self.logs = directory / "logs"
        self.cable = Cable(name)
        self._number = number
        self._tmp_megabytes = tmp_megabytes
        self._unshare: subprocess.Popen[bytes] | None = None
        self._init: psutil.Process | None = None
        self.disk.mkdir(parents=True)
        self.logs.mkdir(exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={disk_megabytes}m", "tmpfs", str(self.disk))

    def boot(self) -> None:
        """Start the host: its first process, and a link to the switch."""
        assert self._init is None, f"{self.name} is up"
        kinds = ("--mount", "--pid", "--uts", "--ipc", "--net")
        init = (sys.executable, "-I", str(_HERE / "host_init.py"), self.name, str(self._tmp_megabytes))
        with (self.logs / f"{self.name}-init.log").open("ab") as log:
            self._unshare = subprocess.Popen(
                ["unshare", *kinds, "--fork", "--kill-child=KILL", "--mount-proc", *init, str(self.disk)],
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        _expect_line(self._unshare, b"ready\n")
        self._init = psutil.Process(self._unshare.pid).children()[0]
        self._plug_in()

    def start(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        log: str = "",
        directory: Path | None = None,
    ) -> psutil.Process:
        """Start a process on this host, its output in the log of that name, and give it as we see it."""
        with (self.logs / f"{self.name}-{log or Path(command[0]).name}.log").open("ab") as output:
            entering = self._popen(command, environment, output, output, directory)
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(psutil.NoSuchProcess, IndexError):
                return psutil.Process(entering.pid).children()[0]
            assert entering.poll() is None, (
                f"{command[0]} ended at once on {self.name} ({entering.returncode})"
            )
            assert time.monotonic() < deadline, f"{command[0]} does not start on {self.name}"
            time.sleep(0.005)

    def run(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, seconds: float = 120
    ) -> str:
        """Run a command on this host to its end, and give its output; raise AssertionError when it fails."""
        with tempfile.TemporaryFile() as output:
            process = self._popen(command, environment, output, output, None)
            code = process.wait(seconds)
            output.seek(0)
            text = output.read().decode(errors="replace")
        assert code == 0, f"{' '.join(command)} on {self.name}: exit code {code}\n{text}"
        return text

    def prefix(self) -> tuple[str, ...]:
        """Give the command that runs another in this host's network alone, with our processes and files."""
        return ("nsenter", "--target", str(self._pid), "--net", "--")

    def processes(self) -> list[psutil.Process]:
        """Give all processes of this host but its first one."""
        if self._init is None:
            return []
        world = _pid_world(self._init.pid)
        return [process for process in psutil.process_iter() if _pid_world(process.pid) == world][1:]

    def find(self, *words: str) -> list[psutil.Process]:
        """Give the processes of this host whose command line (or title) has all these words; shells are none."""
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                line = " ".join(process.cmdline())
                if all(word in line for word in words) and process.name() != "sh":
                    found.append(process)
        return found

    def ray_logs(self) -> Path:
        """Give where Ray logs on this host, as we see it."""
        return (
            Path(f"/proc/{self._pid}/root/tmp/ray/session_latest/logs") if self.is_up else self.logs / "none"
        )

    @property
    def is_up(self) -> bool:
        """Whether it was booted and did not crash."""
        return self._init is not None

    def crash(self) -> None:
        """Let the power go: nobody hears from it any more, and all its processes are gone at once."""
        if self._init is None:
            return
        assert self._unshare is not None
        self.cable.cut()  # first, so that no connection is closed in an orderly way
        self._init.kill()
        self._unshare.wait(30)
        _drop_pipes(self._unshare)
        self._unshare = self._init = None
        # Not healed first: the host's network outlives its processes for a while, and says goodbye for them.
        self.cable.unplug()

    @property
    def _pid(self) -> int:
        assert self._init is not None, f"{self.name} is down"
        return self._init.pid

    def _plug_in(self) -> None:
        port, mac = self.cable.port, f"02:77:00:00:00:{self._number:02x}"
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip(f"link del {port}")  # the kernel takes its time to remove that of a crash
        _ip(f"link add name {port} type veth peer name eth0 address {mac} netns {self._pid}")
        _ip(f"link set {port} master {_BRIDGE} up")
        # Addresses last for ever, so that a host that is cut off is not also forgotten by its neighbours' kernels.
        for arguments in (f"address add {self.address}/24 dev eth0", "link set eth0 up"):
            _run(*self.prefix(), "ip", *arguments.split())

    def _popen(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
        directory: Path | None,
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                "nsenter",
                f"--target={self._pid}",
                *("--mount", "--pid", "--uts", "--ipc", "--net"),
                f"--wd={directory or self.disk}",
                "--",
                *command,
            ],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=dict(environment) if environment is not None else None,
            start_new_session=True,
        )


class Network:
    """A switch, and the hosts on it."""

    def __init__(self, directory: Path | None = None) -> None:
        # Not in /tmp: each host has one of its own, which hides it.
        self.directory = directory or Path(tempfile.mkdtemp(prefix="ejchaos-", dir="/var/tmp"))
        self.directory.chmod(0o755)  # PostgreSQL runs as somebody else
        self._owns_directory = directory is None
        self.hosts: dict[str, Host] = {}

    def __enter__(self) -> Self:
        _ip("link set lo up")
        # An address of its own: it would be that of some port, whose cable we would then hear even when it is cut.
        _ip(f"link add name {_BRIDGE} address {_BRIDGE_MAC} type bridge forward_delay 0")
        _ip(f"address add {OURS}/24 dev {_BRIDGE}")
        _ip(f"link set {_BRIDGE} up")
        return self

    def __exit__(self, *_: object) -> None:
        for host in self.hosts.values():
            host.crash()
            _run("umount", "--lazy", str(host.disk))
        _ip(f"link del {_BRIDGE}")
        if self._owns_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def add_host(self, name: str, number: int, disk_megabytes: int = 256, tmp_megabytes: int = 512) -> Host:
        """Make a host with the address 10.77.0.`number`, and boot it."""
        host = self.hosts[name] = Host(name, number, self.directory, disk_megabytes, tmp_megabytes)
        host.boot()
        return host


def end_process(process: psutil.Process, seconds: float = 30) -> None:
    """Kill a process that we see, and wait until it runs no more (whoever is its parent may never wait for it)."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, f"{process} does not end"
            time.sleep(0.005)


def _pid_world(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""


def _expect_line(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdout is not None
    got = process.stdout.readline()
    assert got == line, f"{process.args!r} said {got!r}, not {line!r}"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    _drop_pipes(process)


def _drop_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _ip(arguments: str) -> None:
    _run("ip", *arguments.split())


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
