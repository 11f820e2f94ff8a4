"""Turns a download into the directory of an app. Blocking; for a thread."""

import errno
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from elasticjob_cloud.agent.apps.archives.kinds import (
    SINGLE_KINDS,
    ArchiveKind,
    archive_kind,
    is_used_whole,
    single_file_name,
)
from elasticjob_cloud.agent.apps.archives.recognition import recognise, undo_encodings
from elasticjob_cloud.agent.apps.archives.streams import open_decompressed
from elasticjob_cloud.agent.apps.archives.tar import extract_tar
from elasticjob_cloud.agent.apps.archives.tree import Tree
from elasticjob_cloud.agent.apps.archives.zip import extract_zip
from elasticjob_cloud.agent.apps.errors import ContentError, FetchError
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.model.errors import ElasticJobError

# What the disk, not the archive, is to blame for.
_DISK_FAULTS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE}
)


@dataclass(frozen=True, slots=True)
class Served:
    """What a server says of the file that it sends."""

    encodings: tuple[str, ...] = ()
    """`Content-Encoding`, in the order in which they were applied."""
    file_name: str = ""
    """The name in `Content-Disposition`, safe as a file name; may be empty."""


def unpack_download(
    download: Path,
    base_name: str,
    destination: Path,
    limits: AppLimits,
    stop: threading.Event,
    served: Served = Served(),
) -> str | None:
    """Make `destination`, which must not exist, from the file `download`, which its URL calls `base_name`.

    An archive is extracted; anything else becomes one executable file in the directory.

    Returns: The name of the single file; None for an archive.

    Raises:
        NoAppError: It is no app, but nothing, or an error page. Nothing is left behind.
        ContentError: It is not what its name says, not safe, or over the limits. Nothing is left behind.
        FetchError: The disk is full or faulty, or `stop` was set. Nothing is left behind.
    """
    telling_name = _telling_name(base_name, served.file_name)
    promised = archive_kind(telling_name)
    tree = Tree(destination, limits, stop)
    try:
        plain = undo_encodings(download, promised, served.encodings, limits, stop)
        kind = recognise(plain, telling_name, is_decoded=bool(served.encodings))
        promised = kind
        if kind is None or kind in SINGLE_KINDS:
            return _keep_single_file(plain, base_name, served.file_name, kind, tree)
        _extract(plain, kind, tree, limits, stop)
    except BaseException as error:
        shutil.rmtree(destination, ignore_errors=True)
        if isinstance(error, ElasticJobError) or not isinstance(error, Exception):
            raise
        if isinstance(error, OSError) and error.errno in _DISK_FAULTS:
            raise FetchError(f"it cannot be stored: {error.strerror}.") from error
        # The standard library's parsers raise all sorts for broken input, from EOFError to struct.error.
        what = f"{promised.value} file" if promised else "app"
        raise ContentError(f"it is not a readable {what}: {str(error) or type(error).__name__}.") from error
    finally:
        for decoded in download.parent.glob(f"{download.name}.*"):
            decoded.unlink()
    return None


def _telling_name(base_name: str, served_name: str) -> str:
    """Choose the name that says what the file is: the URL's, unless only the server's does."""
    tells = archive_kind(base_name) is not None or is_used_whole(base_name)
    return base_name if tells or not served_name else served_name


def _extract(download: Path, kind: ArchiveKind, tree: Tree, limits: AppLimits, stop: threading.Event) -> None:
    if kind is ArchiveKind.ZIP:
        extract_zip(download, tree, limits)
    else:
        extract_tar(download, kind, tree, limits, stop)
    if not tree.file_count:
        raise ContentError("the archive has no files.")
    tree.finish()


def _keep_single_file(
    download: Path, base_name: str, served_name: str, kind: ArchiveKind | None, tree: Tree
) -> str:
    name = single_file_name(base_name or served_name)
    with open_decompressed(download, kind) as stream:
        tree.add_file((name,), stream, 0o755)
    other = single_file_name(served_name)
    if served_name and other != name:
        # `download.php?id=7` says nothing; people write commands by the name that the server gives the file.
        tree.add_hard_link((other,), (name,))
    return name
