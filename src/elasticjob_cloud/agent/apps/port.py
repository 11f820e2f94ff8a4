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
        """Whether the next run needs a fresh folder: a task has changed the app's files, or filled it."""

    def is_spent(self) -> bool:
        """Whether it is of no more use: files of the app are gone, or tasks have filled its folder."""

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
