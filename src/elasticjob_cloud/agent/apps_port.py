"""What the agent needs of the app cache: small enough for a test to give another one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Prepared(Protocol):
    """An app that is there to be run, until it is released."""

    @property
    def directory(self) -> Path:
        """Where it was extracted, or where its single file is."""

    def is_changed(self) -> bool:
        """Whether a task has changed the app's files, as far as a short look tells."""

    def has_lost_files(self) -> bool:
        """Whether files of the app are gone, as far as a short look tells."""

    def release(self) -> None:
        """Give it back: from now on its directory may be removed."""


class Folder(Protocol):
    """A directory with an app's files."""

    @property
    def path(self) -> str:
        """Where it is."""

    @property
    def size_bytes(self) -> int:
        """What it takes, with what jobs wrote there."""


class AppSource(Protocol):
    """Where apps come from."""

    async def prepare(self, app_name: str, url: str, *, cache: bool) -> Prepared:
        """Download and extract; raise `AppUnavailableError` when that cannot be done."""

    def folders(self, app_name: str) -> Sequence[Folder]:
        """Tell where the app's files are, in use or not; empty: those of all apps."""

    async def forget(self, app_name: str) -> None:
        """Remove what is kept of the app."""

    async def close(self) -> None:
        """Stop all downloads."""
