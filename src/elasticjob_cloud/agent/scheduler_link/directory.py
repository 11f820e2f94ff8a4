"""The directory of an agent: whose it is, and where its sockets are."""

import contextlib
import fcntl
import hashlib
import os
from pathlib import Path

import msgspec

from elasticjob_cloud.agent.process.journal import is_running, read_boot_id
from elasticjob_cloud.agent.process.table import read_process
from elasticjob_cloud.model.errors import StartError

# A Unix socket's path has at most 108 bytes on Linux and 104 on macOS; the longest name below takes 16.
_SOCKET_DIRECTORY_BYTES = 80
_NAME_BYTES = 40  # of the directory's name in the temporary one, at most
_LIVES_KEPT = 100
_TRIES = 10


class AgentProcess(msgspec.Struct, frozen=True):
    """The process that has an agent's directory: what another needs to find and, if need be, end it."""

    agent_id: str
    pid: int
    start_ticks: int
    build: str = ""
    # Where its sockets are: its environment may name another temporary directory than a scheduler's.
    sockets: str = ""

    def runs(self) -> bool:
        """Whether that very process still runs."""
        return is_running(self.pid, self.start_ticks)


class _Lives(msgspec.Struct, frozen=True):
    """The agents that have had a directory, the latest first, and the life of the machine that the latest is of."""

    boot_id: str
    agent_ids: tuple[str, ...]


class AgentDirectory:
    """Paths of an agent's directory. Making one creates the directory and touches nothing else.

    The sockets' directory lies within, or where the system has such things when that path would be too long for a socket.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket_directory = _socket_directories(self.path)[0]

    @property
    def socket(self) -> Path:
        """Where schedulers connect."""
        return self.socket_directory / "agent.sock"

    def has_socket(self) -> bool:
        """Whether schedulers can connect to an agent that has its directory; also where that cannot be told."""
        return not (_is_gone(self.socket) or _is_gone(self.path))

    @property
    def log(self) -> Path:
        """The agent's own log."""
        return self.path / "agent.log"

    @property
    def start_log(self) -> Path:
        """What an agent printed before it had a log."""
        return self.path / "agent-start.log"

    @property
    def _process_file(self) -> Path:
        return self.path / "agent.json"

    def is_named(self) -> bool:
        """Whether the file is there that tells others which process has the directory."""
        return not _is_gone(self._process_file)

    def own_files(self) -> list[Path]:
        """Give the files that an agent holds or has written once, and needs for as long as it lives."""
        return [self.path, *(self.path / it for it in ("agent.lock", "agent.json", "lives.json"))]

    def is_gone(self) -> bool:
        """Whether the directory itself was deleted."""
        return _is_gone(self.path)

    def choose_sockets(self) -> None:
        """Take the sockets' directory that is best now: a login's end removes that of `XDG_RUNTIME_DIR`."""
        self.socket_directory = _socket_directories(self.path)[0]

    def find_sockets(self) -> None:
        """Take the sockets' directory of the agent that has this directory, wherever they are."""
        possible = _socket_directories(self.path)
        present = self.read_process()
        if present is not None and present.sockets and present.runs():
            self.socket_directory = Path(present.sockets)
        else:
            # An agent of an earlier version tells nobody; one that could not write its file neither.
            used = (path for path in possible if not _is_gone(path / "agent.sock"))
            self.socket_directory = next(used, possible[0])

    def ensure_socket_directory(self) -> None:
        """Make the sockets' directory, unless it is there; both ends do so before they trust a socket in it.

        Raises:
            StartError: another user made it.
        """
        _make_private(self.socket_directory)

    def remove_sockets(self) -> None:
        """Remove what is left of an agent's sockets; only for who has the directory's lock."""
        former = self.read_process()
        for directory in {self.socket_directory, Path(former.sockets if former else "")}:
            if directory.is_absolute():
                for path in directory.glob("*.sock"):
                    path.unlink(missing_ok=True)

    def remove_socket_directory(self) -> None:
        """Remove the sockets and their directory, which an agent's end would leave in the temporary directory."""
        self.remove_sockets()
        # What is not ours stays, and the directory with it.
        with contextlib.suppress(OSError):
            self.socket_directory.rmdir()

    def lock(self) -> int | None:
        """Take the directory for this process, and make the sockets' one; None when another has it.

        The lock goes with the process.

        Raises:
            StartError: another user made the sockets' directory.
        """
        descriptor = os.open(self.path / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        # Not before: the former agent removes it as its last act.
        self.ensure_socket_directory()
        return descriptor

    def write_process(self, agent_id: str, build: str) -> None:
        """Tell others which process has the directory."""
        row = read_process(os.getpid())
        assert row is not None
        process = AgentProcess(
            agent_id, os.getpid(), row.start_ticks, build, os.fsdecode(self.socket_directory)
        )
        content = msgspec.json.encode(process)
        temporary = self._process_file.with_suffix(".new")
        temporary.write_bytes(content)
        temporary.replace(self._process_file)

    def note_life(self, agent_id: str, *, since_start_only: bool) -> tuple[str, ...]:
        """Add an agent to those that have had the directory; give the ids of the ones before it, the latest first.

        `since_start_only`: without those from before this machine was started, which where disks are copied or moved may
        be another machine's, and run on there. Only for who has the directory's lock.
        """
        path = self.path / "lives.json"
        boot_id = read_boot_id()
        try:
            lives = msgspec.json.decode(path.read_bytes(), type=_Lives)
        except (OSError, msgspec.DecodeError):
            lives = _Lives(boot_id, ())
        former = lives.agent_ids if lives.boot_id == boot_id or not since_start_only else ()
        former = tuple(it for it in former if it != agent_id)[:_LIVES_KEPT]
        temporary = path.with_suffix(".new")
        # Without it the tasks of the former agents are taken for lost later, by the time alone.
        with contextlib.suppress(OSError):
            temporary.write_bytes(msgspec.json.encode(_Lives(boot_id, (agent_id, *former))))
            temporary.replace(path)
        return former

    def read_process(self) -> AgentProcess | None:
        """Tell which process had the directory last, whether it still runs or not."""
        try:
            return msgspec.json.decode(self._process_file.read_bytes(), type=AgentProcess)
        except (OSError, msgspec.DecodeError):
            return None


def _socket_directories(directory: Path) -> list[Path]:
    """Give where the sockets of this directory may be, the best first."""
    if len(os.fsencode(directory)) <= _SOCKET_DIRECTORY_BYTES:
        return [directory / "run"]
    digest = hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:16]
    return [base / f"elasticjob-{os.getuid()}-{digest}" for base in _short_directories()]


def _short_directories() -> list[Path]:
    """Give the user's runtime directory, where nobody tidies up, the temporary one, and /tmp, as far as sockets fit there.

    Not `tempfile.gettempdir`: on a full disk, where it cannot write, it fails, or gives another one than it gave before,
    in which nobody looks for an agent.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    # It is there while the user is logged in; a service that became another user may have inherited a stranger's.
    named = [runtime] if os.access(runtime, os.W_OK | os.X_OK) and Path(runtime).is_dir() else []
    named.append(os.environ.get("TMPDIR", ""))
    fitting = [
        Path(name)
        for name in named
        if Path(name).is_absolute() and len(os.fsencode(name)) + _NAME_BYTES <= _SOCKET_DIRECTORY_BYTES
    ]
    return [*fitting, Path("/tmp")]  # noqa: S108 - what is made in it is private, and checked to be


def _is_gone(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass
    return False


def _make_private(directory: Path) -> None:
    for tries_left in reversed(range(_TRIES)):
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            status = directory.lstat()
            # In a shared temporary directory another user may have been here first.
            if status.st_uid != os.getuid() or directory.is_symlink():
                raise StartError(
                    f"{directory} belongs to another user; remove it, or choose another data directory."
                )
            directory.chmod(0o700)
        except OSError as error:
            # An agent that ends removes it: it was there, and is not.
            is_removed = isinstance(error, FileExistsError | FileNotFoundError)
            if not (is_removed and tries_left):
                raise _cannot_be_made(directory, error) from error
        else:
            return


def _cannot_be_made(directory: Path, error: OSError) -> StartError:
    return StartError(
        f"The directory of the agent's sockets, {directory}, cannot be made: {error.strerror}. "
        "Set TMPDIR to a directory that can be written, or give the data a shorter path."
    )
