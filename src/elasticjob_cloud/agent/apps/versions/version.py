"""One version of an app on the agent's disk, and who holds it."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from elasticjob_cloud.agent.apps.sources.fetching import Validator
from elasticjob_cloud.agent.apps.versions.manifest import Inspection

CONTENT_NAME = "content"
DOWNLOAD_NAME = "download"
MANIFEST_NAME = "manifest"


class VersionRecord(msgspec.Struct, kw_only=True):
    """What is remembered of a version across restarts. The URL is not: it may hold a password."""

    key: str
    app_names: list[str]
    single_file: str | None
    validator: Validator
    sha256: str
    disk_bytes: int
    created_ns: int
    boot_id: str
    base_name: str = ""
    """What the URL calls the file; with `encodings` and `served_name`, what it takes to extract the download again."""
    encodings: tuple[str, ...] = ()
    served_name: str = ""
    noted: bool = False
    """There is a manifest of its files."""
    settled: bool = False
    """The disk has it: a loss of power leaves it whole. Before, it is trusted in the same boot of the machine only."""


class Version:
    """A version and its holders. All but `lock` belongs to the event loop's thread."""

    def __init__(self, directory: Path, record: VersionRecord, used_ns: int) -> None:
        self.directory = directory
        self.record = record
        self.used_ns = used_ns
        self.holders = 0
        self.retired = False
        """Nobody new gets it; it is deleted when its last holder lets go."""
        self.disk_bytes = record.disk_bytes
        """What it takes now, with what jobs wrote there."""
        self.is_measured = False
        """Whether that is still so: nobody has released it since."""
        self.measure_due = float("-inf")
        self.is_warned_of = False
        self.lock = threading.Lock()
        """Held while its record is written."""
        self.inspection = Inspection(self.content, self.manifest, is_noted=record.noted)

    @property
    def download(self) -> Path:
        """The file as it came, to extract it again."""
        return self.directory / DOWNLOAD_NAME

    @property
    def manifest(self) -> Path:
        """What its files were."""
        return self.directory / MANIFEST_NAME

    @property
    def content(self) -> Path:
        """The directory of the app."""
        return self.directory / CONTENT_NAME

    def outgrows(self, limit_bytes: int) -> bool:
        """Tell whether it is over the limit by what jobs wrote there, and not by the app's own size."""
        written = self.disk_bytes - self.record.disk_bytes
        return self.disk_bytes > limit_bytes and written > limit_bytes // 4

    def hold(self) -> None:
        """Count a holder."""
        self.holders += 1
        self.used_ns = time.time_ns()


class AppFolder(NamedTuple):
    """Where an app's files are, and what they take."""

    path: str
    size_bytes: int


class PreparedApp:
    """An app on this machine's disk, kept as long as it is not released. Holders share the directory with others."""

    def __init__(
        self,
        directory: Path,
        single_file: str | None,
        url: str,
        on_release: Callable[[], None],
        version: Version | None = None,
        limit_bytes: int = 0,
    ) -> None:
        self.directory = directory
        """Where the app is: run its scripts from there."""
        self.single_file = single_file
        """The file's name in the directory, if the app is one file; None for an archive."""
        self.url = url
        """As configured; with its password, so not for logs."""
        self._version = version
        self._limit_bytes = limit_bytes
        self._on_release: Callable[[], None] | None = on_release

    def is_changed(self) -> bool:
        """Whether the next run needs a fresh folder: a task has changed the app's files, or filled it.

        As far as a short look tells. On the loop's thread.
        """
        return self._version is not None and (
            self._version.inspection.is_changed() is True or self._version.outgrows(self._limit_bytes)
        )

    def is_spent(self) -> bool:
        """Whether it is of no more use: files of the app are gone, or tasks have filled its folder. Like `is_changed`."""
        return self._version is not None and (
            self._version.inspection.has_lost_files() or self._version.outgrows(self._limit_bytes)
        )

    def release(self) -> None:
        """Let go of the directory, which may be deleted then. On the loop's thread; again does nothing."""
        on_release, self._on_release = self._on_release, None
        if on_release is not None:
            on_release()
