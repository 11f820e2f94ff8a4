"""Turns a download into the directory of an app. Blocking; for a thread."""

import errno
import shutil
import threading
from pathlib import Path

from elasticjob_cloud.agent.apps.errors import ContentError, FetchError
from elasticjob_cloud.agent.apps.kinds import ArchiveKind, archive_kind, single_file_name
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.streams import open_decompressed
from elasticjob_cloud.agent.apps.tar_archive import extract_tar
from elasticjob_cloud.agent.apps.tree import Tree
from elasticjob_cloud.agent.apps.zip_archive import extract_zip
from elasticjob_cloud.model.errors import ElasticJobError

# What the disk, not the archive, is to blame for.
_DISK_FAULTS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE}
)


def unpack_download(
    download: Path, base_name: str, destination: Path, limits: AppLimits, stop: threading.Event
) -> str | None:
    """Make `destination`, which must not exist, from the file `download`, which its URL calls `base_name`.

    An archive is extracted; anything else becomes one executable file in the directory.

    Returns: The name of the single file; None for an archive.

    Raises:
        ContentError: It is not what its name says, not safe, or over the limits. Nothing is left behind.
        FetchError: The disk is full or faulty, or `stop` was set. Nothing is left behind.
    """
    kind = archive_kind(base_name)
    try:
        return _unpack(download, base_name, kind, Tree(destination, limits, stop), limits)
    except BaseException as error:
        shutil.rmtree(destination, ignore_errors=True)
        if isinstance(error, ElasticJobError) or not isinstance(error, Exception):
            raise
        if isinstance(error, OSError) and error.errno in _DISK_FAULTS:
            raise FetchError(f"it cannot be stored: {error.strerror}.") from error
        # The standard library's parsers raise all sorts for broken input, from EOFError to struct.error.
        suffix = kind.value if kind else "plain"
        raise ContentError(
            f"it is not a readable {suffix} file: {str(error) or type(error).__name__}."
        ) from error


def _unpack(
    download: Path, base_name: str, kind: ArchiveKind | None, tree: Tree, limits: AppLimits
) -> str | None:
    if kind is None:
        return _keep_single_file(download, base_name, None, tree)
    if download.stat().st_size == 0:
        raise ContentError("it is empty.")
    if kind is ArchiveKind.GZIP:
        return _keep_single_file(download, base_name, kind, tree)
    if kind is ArchiveKind.ZIP:
        extract_zip(download, tree, limits)
    else:
        extract_tar(download, kind, tree, limits)
    if not tree.file_count:
        raise ContentError("the archive has no files.")
    tree.finish()
    return None


def _keep_single_file(download: Path, base_name: str, kind: ArchiveKind | None, tree: Tree) -> str:
    name = single_file_name(base_name)
    with open_decompressed(download, kind) as stream:
        tree.add_file((name,), stream, 0o755)
    return name
