"""The cache's place on disk. All methods block, for threads, but those that say otherwise.

    staging/<random>/                 downloads under way, and apps without cache; emptied at start
    versions/<random>/content/        an extracted app
    versions/<random>/download        what it was extracted from, to do it again when a job has changed it
    versions/<random>/manifest        what its files were
    versions/<random>/version.json    what is known of it; without this file the version is a leftover

A version is made in `staging` and moved when it is complete, so that there is no half one.
"""

import contextlib
import logging
import os
import shutil
import stat
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec

from elasticjob_cloud.agent.apps.versions.version import CONTENT_NAME, Version, VersionRecord

_RECORD_NAME = "version.json"
_BLOCK_BYTES = 4096
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

logger = logging.getLogger(__name__)


class VersionShelf:
    """Makes, finds and deletes the directories of versions."""

    def __init__(self, directory: Path) -> None:
        self._staging = directory / "staging"
        self._versions = directory / "versions"
        self.boot_id = _read_boot_id()

    def open(self) -> list[Version]:
        """Remove what a predecessor left half done, and give the versions that are whole, one for each key."""
        for directory in (self._staging, self._versions):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self._staging.iterdir():
            self.delete(leftover)
        newest: dict[str, Version] = {}
        for directory in self._versions.iterdir():
            version = self._load(directory)
            if version is None:
                self.delete(directory)
                continue
            rival = newest.get(version.record.key)
            if rival is not None and rival.record.created_ns > version.record.created_ns:
                version, rival = rival, version
            newest[version.record.key] = version
            if rival is not None:
                self.delete(rival.directory)
        return list(newest.values())

    def plan_staging(self) -> Path:
        """Name a directory for a download, yet to be made. Does not block."""
        return self._staging / uuid.uuid4().hex

    def install(self, staging: Path) -> Path:
        """Move a complete version to its place. One rename, so that the loop may do it without a gap."""
        directory = self._versions / staging.name
        staging.rename(directory)
        return directory

    def write_record(self, directory: Path, record: VersionRecord) -> None:
        """Write a version's record, whole or not at all."""
        temporary = directory / f"{_RECORD_NAME}.{uuid.uuid4().hex}"
        with temporary.open("xb") as file:
            file.write(msgspec.json.encode(record))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(directory / _RECORD_NAME)

    def save(self, version: Version) -> None:
        """Write a version's record again, unless it was retired meanwhile."""
        with version.lock, _disk_faults_logged(version.directory):
            if not version.retired:
                self.write_record(version.directory, version.record)

    def settle(self, version: Version, stop: threading.Event) -> None:
        """Make the disk keep a version through a loss of power, and note that it does."""
        with _disk_faults_logged(version.directory):
            kept = (path for path in (version.download, version.manifest) if path.exists())
            for path in (version.content, *kept, *_walk(version.content)):
                if stop.is_set() or version.retired:
                    return
                with contextlib.suppress(FileNotFoundError):
                    # A job has removed it meanwhile, which its manifest tells at the next start.
                    _synchronise(path)
            version.record.settled = True
            self.save(version)

    def inspect(self, version: Version) -> str | None:
        """Note on disk that a version is used. Returns: what is not as it was extracted, if anything is not."""
        try:
            os.utime(version.directory / _RECORD_NAME)
        except OSError:
            return _RECORD_NAME
        if not version.content.is_dir():
            return CONTENT_NAME
        inspection = version.inspection
        is_known_whole = inspection.is_changed() is False and not inspection.is_close_look_due()
        return None if is_known_whole else inspection.look_closely()

    def retire(self, version: Version) -> None:
        """Make sure that a restart does not find this version again, though it is still held."""
        with version.lock, _disk_faults_logged(version.directory):
            (version.directory / _RECORD_NAME).unlink(missing_ok=True)

    def discard(self, version: Version) -> None:
        """Delete a version, which must be retired."""
        with version.lock:
            # A record that is being written now would make the directory undeletable; none is begun after this.
            assert version.retired, "only retired versions are deleted"
        self.delete(version.directory)

    def delete(self, directory: Path) -> None:
        """Delete a directory, whatever its app made of it."""
        _make_writable(directory)
        shutil.rmtree(directory, ignore_errors=True)
        if directory.exists():
            logger.warning("Could not delete all of %s; it is tried again at the next start.", directory)

    def _load(self, directory: Path) -> Version | None:
        try:
            path = directory / _RECORD_NAME
            record = msgspec.json.decode(path.read_bytes(), type=VersionRecord)
            used_ns = path.stat().st_mtime_ns
        except (OSError, msgspec.MsgspecError):
            return None
        version = Version(directory, record, used_ns)
        trusted = record.settled or record.boot_id == self.boot_id
        return version if trusted and version.content.is_dir() else None


def disk_bytes(directory: Path, stop: threading.Event | None = None) -> int:
    """Tell how much room a directory takes, in whole blocks. Jobs may write and delete there meanwhile."""
    total = 0
    for path in _walk(directory):
        if stop is not None and stop.is_set():
            break
        with contextlib.suppress(OSError):
            total += _BLOCK_BYTES + -(-path.lstat().st_size // _BLOCK_BYTES) * _BLOCK_BYTES
    return total


def _walk(directory: Path) -> Iterator[Path]:
    for above, directories, files in os.walk(directory):
        for name in (*directories, *files):
            yield Path(above, name)


def _synchronise(path: Path) -> None:
    if stat.S_IFMT(path.lstat().st_mode) not in {stat.S_IFREG, stat.S_IFDIR}:
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_writable(directory: Path) -> None:
    # An app may have made directories of its own that cannot be listed or changed.
    with contextlib.suppress(OSError):
        for above, directories, _ in os.walk(directory):
            for name in directories:
                path = Path(above, name)
                if not path.is_symlink():
                    path.chmod(0o700)


@contextlib.contextmanager
def _disk_faults_logged(directory: Path) -> Iterator[None]:
    # The version in use is as good as before; a restart may not find it, and then downloads it again.
    try:
        yield
    except OSError as error:
        if directory.exists():
            logger.warning("Could not keep the record of the app in %s: %s.", directory, error.strerror)


def _read_boot_id() -> str:
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return uuid.uuid4().hex
