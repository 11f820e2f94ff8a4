"""Makes a version of an app: asks its server, downloads, extracts, and writes down what it is."""

import asyncio
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from elasticjob_cloud.agent.apps.archives.archive import Served, unpack_download
from elasticjob_cloud.agent.apps.errors import FetchError
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.sources.address import AppAddress
from elasticjob_cloud.agent.apps.sources.fetching import Fetched, Source, fetch_in_time
from elasticjob_cloud.agent.apps.sources.file import FileSource
from elasticjob_cloud.agent.apps.sources.ftp import FtpSource
from elasticjob_cloud.agent.apps.sources.http import HttpSource
from elasticjob_cloud.agent.apps.threads import run_stoppable
from elasticjob_cloud.agent.apps.versions.chores import Chores
from elasticjob_cloud.agent.apps.versions.manifest import write_manifest
from elasticjob_cloud.agent.apps.versions.shelf import VersionShelf, disk_bytes
from elasticjob_cloud.agent.apps.versions.version import (
    CONTENT_NAME,
    DOWNLOAD_NAME,
    MANIFEST_NAME,
    Version,
    VersionRecord,
)


class VersionMaker:
    """Fills staging directories of a shelf. Knows nothing of who asks, nor of what is cached but the version it compares."""

    def __init__(self, shelf: VersionShelf, limits: AppLimits, threads: Executor, chores: Chores) -> None:
        self._shelf = shelf
        self._limits = limits
        self._threads = threads
        self._chores = chores
        self._http = HttpSource(limits, threads)
        self._sources: dict[str, Source] = {
            "http": self._http,
            "https": self._http,
            "ftp": FtpSource(limits, threads),
            "file": FileSource(limits, threads),
        }

    async def load_certificates(self) -> None:
        """Read the machine's certificates, which takes a while, before the first download."""
        await self._http.load_certificates()

    async def fetch_into(
        self,
        staging: Path,
        key: str,
        address: AppAddress,
        current: Version | None = None,
        answered: Callable[[], None] = lambda: None,
    ) -> VersionRecord | None:
        """Fetch and extract into `staging`; None when `current` is still what the server has.

        Whatever happens, the caller deletes `staging` unless it keeps it. `answered` is called when the server has said
        whether the app changed.

        Raises:
            FetchError: The server does not give it, or the disk does not take it.
            ContentError: It is not what its name says, not safe, or over the limits.
        """
        validator = current.record.validator if current is not None else {}
        await self._make_directory(staging)
        source, download = self._sources[address.scheme], staging / DOWNLOAD_NAME
        fetched = await fetch_in_time(source, address, validator, download, self._limits, answered)
        if fetched is None:
            return None
        if current is not None and fetched.sha256 == current.record.sha256:
            # A server without ETags, or several that do not agree on them: the app is the same.
            if fetched.validator != validator:
                current.record.validator = fetched.validator
                self._chores.do_later(partial(self._shelf.save, current))
            return None
        return await self._unpack_in_time(staging, key, address.base_name, fetched)

    async def restore_into(self, staging: Path, version: Version) -> VersionRecord:
        """Extract a version's download again, as `fetch_into` does.

        Raises:
            FetchError: The download is not there any more, or not what it was, or the disk does not take it.
        """
        record = version.record
        await self._make_directory(staging)
        download = staging / DOWNLOAD_NAME
        try:
            await run_stoppable(
                self._threads, lambda _stop: _copy_checked(version.download, download, record.sha256)
            )
        except OSError as error:
            raise FetchError(f"its download cannot be read again: {error.strerror}.") from error
        fetched = Fetched(record.validator, record.sha256, record.encodings, record.served_name)
        return await self._unpack_in_time(staging, record.key, record.base_name, fetched)

    async def _make_directory(self, staging: Path) -> None:
        try:
            await run_stoppable(self._threads, lambda _stop: staging.mkdir(mode=0o700))
        except OSError as error:
            raise FetchError(f"it cannot be stored: {error.strerror}.") from error

    async def _unpack_in_time(
        self, staging: Path, key: str, base_name: str, fetched: Fetched
    ) -> VersionRecord:
        seconds = self._limits.extraction_seconds
        try:
            async with asyncio.timeout(seconds):
                unpack = partial(self._unpack, staging, key, base_name, fetched)
                return await run_stoppable(self._threads, unpack)
        except TimeoutError as error:
            raise FetchError(f"the extraction took more than {seconds:g} s, the limit.") from error

    def _unpack(
        self, staging: Path, key: str, base_name: str, fetched: Fetched, stop: threading.Event
    ) -> VersionRecord:
        content = staging / CONTENT_NAME
        served = Served(fetched.encodings, fetched.file_name)
        single_file = unpack_download(staging / DOWNLOAD_NAME, base_name, content, self._limits, stop, served)
        try:
            write_manifest(content, staging / MANIFEST_NAME)
            record = VersionRecord(
                key=key,
                app_names=[],
                single_file=single_file,
                validator=fetched.validator,
                sha256=fetched.sha256,
                disk_bytes=disk_bytes(staging),
                created_ns=time.time_ns(),
                boot_id=self._shelf.boot_id,
                base_name=base_name,
                encodings=fetched.encodings,
                served_name=fetched.file_name,
                noted=True,
            )
            self._shelf.write_record(staging, record)
        except OSError as error:
            raise FetchError(f"it cannot be stored: {error.strerror}.") from error
        return record


def _copy_checked(source: Path, target: Path, sha256: str) -> None:
    # A job could have reached it, by way of `..`.
    with source.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise FetchError("its download was changed.")
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
