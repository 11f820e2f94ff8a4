"""What the ways to fetch an app have in common: what they are asked, and what they answer."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

import msgspec

from elasticjob_cloud.agent.apps.errors import ContentError, FetchError
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.sources.address import AppAddress

# What tells one version of a file on a server from another: `etag`, `mdtm` and so on. Empty: the server gives nothing.
Validator = dict[str, str]


class Fetched(msgspec.Struct, frozen=True):
    """A download that is complete, and how to ask later whether it changed."""

    validator: Validator
    sha256: str
    encodings: tuple[str, ...] = ()
    """How the server says that it compressed the file for the way, in the order in which it did."""
    file_name: str = ""
    """What the server calls the file, safe as a file name; empty if it says nothing."""


class Source(Protocol):
    """One way to fetch, such as HTTP."""

    async def fetch(
        self, address: AppAddress, validator: Validator, target: Path, answered: Callable[[], None]
    ) -> Fetched | None:
        """Fetch into the new file `target`; None when it is still what `validator` says (empty: always fetch).

        `answered` is called once the server has said whether the app changed. Raises `FetchError` and `ContentError`.
        """


class DownloadFile:
    """A file that a download is written to, with the size limit. Blocking."""

    def __init__(self, path: Path, limits: AppLimits) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._maximum_bytes = limits.download_bytes
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        try:
            # Writes what is still buffered.
            self._file.close()
        except OSError as error:
            raise _unstored(error) from error

    @property
    def size(self) -> int:
        return self._size

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def open(self) -> None:
        """Make the file. Raises `FetchError` when the disk does not take it."""
        try:
            self._file = self._path.open("xb")
        except OSError as error:
            raise _unstored(error) from error

    def write(self, data: bytes) -> None:
        """Add bytes. Raises `ContentError` beyond the limit, `FetchError` when the disk does not take them."""
        self._size += len(data)
        self.require_size(self._size)
        assert self._file is not None, "it is open"
        try:
            self._file.write(data)
        except OSError as error:
            raise _unstored(error) from error
        self._hash.update(data)

    def require_size(self, size: int) -> None:
        """Raise `ContentError` when a file of this size is over the limit."""
        if size > self._maximum_bytes:
            raise ContentError(f"it is larger than {self._maximum_bytes:,} bytes, the limit of a download.")


def _unstored(error: OSError) -> FetchError:
    return FetchError(f"it cannot be stored: {error.strerror}.")


async def fetch_in_time(
    source: Source,
    address: AppAddress,
    validator: Validator,
    target: Path,
    limits: AppLimits,
    on_answer: Callable[[], None],
) -> Fetched | None:
    """Fetch within the limits of time: a short one for the answer whether it changed, if that is the question."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.download_seconds
    finished = False
    first = min(end, loop.time() + limits.revalidate_timeout_seconds) if validator else end
    try:
        async with asyncio.timeout_at(first) as timer:

            def answered() -> None:
                # A thread may say so too late.
                if not finished and not timer.expired():
                    timer.reschedule(end)
                    on_answer()

            return await source.fetch(address, validator, target, answered)
    except TimeoutError as error:
        if loop.time() < end:
            raise FetchError(
                f"the server did not answer within {limits.revalidate_timeout_seconds:g} s."
            ) from error
        raise FetchError(f"the download took more than {limits.download_seconds:g} s, the limit.") from error
    finally:
        finished = True
