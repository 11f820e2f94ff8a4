"""What an app is, told by the name in its URL (api.md, "Apps")."""

from enum import Enum


class ArchiveKind(Enum):
    """The archives that are extracted. Anything else is kept as one executable file."""

    TAR = ".tar"
    TAR_GZIP = ".tar.gz"
    TAR_BZIP2 = ".tar.bz2"
    TAR_XZ = ".tar.xz"
    TAR_ZSTANDARD = ".tar.zst"
    GZIP = ".gz"  # one compressed file, not a directory
    ZIP = ".zip"


# `.tar.gz` stands before `.gz`: the first that fits is it.
_SUFFIXES = (
    (".tar", ArchiveKind.TAR),
    (".tar.gz", ArchiveKind.TAR_GZIP),
    (".tgz", ArchiveKind.TAR_GZIP),
    (".tar.bz2", ArchiveKind.TAR_BZIP2),
    (".tbz2", ArchiveKind.TAR_BZIP2),
    (".tar.xz", ArchiveKind.TAR_XZ),
    (".txz", ArchiveKind.TAR_XZ),
    (".tar.zst", ArchiveKind.TAR_ZSTANDARD),
    (".gz", ArchiveKind.GZIP),
    (".zip", ArchiveKind.ZIP),
)


def archive_kind(name: str) -> ArchiveKind | None:
    """Tell by a file name which archive it is; None: a single file."""
    lowered = name.lower()
    return next((kind for suffix, kind in _SUFFIXES if lowered.endswith(suffix)), None)


def single_file_name(name: str) -> str:
    """Give the name under which a single file is kept: its own, without `.gz`, or `app` when it has none."""
    if archive_kind(name) is ArchiveKind.GZIP:
        name = name[: -len(ArchiveKind.GZIP.value)]
    return name if name.strip(".") else "app"
