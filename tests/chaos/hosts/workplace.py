"""The directory of a run: its name says whose it is, a lock says that the run lives."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BASE = Path("/var/tmp")  # not /tmp, which hosts have of their own
_PREFIX = "elasticjob-chaos-"
_LOCK = "lock"


@contextmanager
def workplace() -> Iterator[Path]:
    """Give a directory for a run, and remove it at the end; also those of runs that were killed."""
    _remove_abandoned()
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_BASE))
    with (directory / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # All that is temporary lies here, so that it goes with the run even when that is killed.
        tempfile.tempdir = str(directory)
        try:
            yield directory
        finally:
            tempfile.tempdir = None
            shutil.rmtree(directory, ignore_errors=True)


def kept(directory: Path, seed: int) -> Path:
    """Give where the history of a run is kept when a promise was broken."""
    return directory.with_name(f"kept-{directory.name}-seed-{seed}")


def _remove_abandoned() -> None:
    for lock_file in _BASE.glob(f"{_PREFIX}*/{_LOCK}"):
        with lock_file.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # that run lives
            shutil.rmtree(lock_file.parent, ignore_errors=True)
