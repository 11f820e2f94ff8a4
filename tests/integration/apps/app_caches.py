"""An app cache on a disk of its own, and what tests ask of it."""

import io
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from elasticjob_cloud.agent.apps import AppCache, AppLimits, PreparedApp

# No answer of the server is taken as still true, so that each call asks.
ASKING = AppLimits(
    revalidate_seconds=0.0, revalidate_timeout_seconds=1.0, stale_seconds=0.0, idle_seconds=1.0
)


@asynccontextmanager
async def cache_in(directory: Path, limits: AppLimits = ASKING) -> AsyncIterator[AppCache]:
    cache = AppCache(directory, limits)
    try:
        yield cache
    finally:
        await cache.close()


def packed(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))
    return buffer.getvalue()


def kept(directory: Path) -> list[Path]:
    """Tell what the cache has on disk."""
    return [path for part in ("staging", "versions") for path in (directory / part).glob("*")]


def is_empty(directory: Path) -> bool:
    return not kept(directory)


def text_of(app: PreparedApp, name: str = "a.txt") -> str:
    return (app.directory / name).read_text()
