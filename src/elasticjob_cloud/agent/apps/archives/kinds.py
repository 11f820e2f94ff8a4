"""What an app is, as far as the name in its URL tells (docs/apps.md, "Archives"); `looks` judges by the content."""

from enum import Enum


class ArchiveKind(Enum):
    """The archives that are extracted, and compressed single files. Anything else is kept as one executable file."""

    TAR = ".tar"
    TAR_GZIP = ".tar.gz"
    TAR_BZIP2 = ".tar.bz2"
    TAR_XZ = ".tar.xz"
    TAR_ZSTANDARD = ".tar.zst"
    # One compressed file each, not a directory.
    GZIP = ".gz"
    BZIP2 = ".bz2"
    XZ = ".xz"
    ZSTANDARD = ".zst"
    ZIP = ".zip"


SINGLE_KINDS = frozenset({ArchiveKind.GZIP, ArchiveKind.BZIP2, ArchiveKind.XZ, ArchiveKind.ZSTANDARD})
_TAR_BY_SINGLE = {
    ArchiveKind.GZIP: ArchiveKind.TAR_GZIP,
    ArchiveKind.BZIP2: ArchiveKind.TAR_BZIP2,
    ArchiveKind.XZ: ArchiveKind.TAR_XZ,
    ArchiveKind.ZSTANDARD: ArchiveKind.TAR_ZSTANDARD,
}
_SINGLE_BY_TAR = {tar: single for single, tar in _TAR_BY_SINGLE.items()}

# `.tar.gz` stands before `.gz`: the first that fits is it.
_SUFFIXES = (
    (".tar", ArchiveKind.TAR),
    (".tar.gz", ArchiveKind.TAR_GZIP),
    (".tgz", ArchiveKind.TAR_GZIP),
    (".taz", ArchiveKind.TAR_GZIP),
    (".tar.bz2", ArchiveKind.TAR_BZIP2),
    (".tbz2", ArchiveKind.TAR_BZIP2),
    (".tbz", ArchiveKind.TAR_BZIP2),
    (".tb2", ArchiveKind.TAR_BZIP2),
    (".tar.xz", ArchiveKind.TAR_XZ),
    (".txz", ArchiveKind.TAR_XZ),
    (".tar.zst", ArchiveKind.TAR_ZSTANDARD),
    (".tzst", ArchiveKind.TAR_ZSTANDARD),
    (".gz", ArchiveKind.GZIP),
    (".bz2", ArchiveKind.BZIP2),
    (".xz", ArchiveKind.XZ),
    (".zst", ArchiveKind.ZSTANDARD),
    (".zip", ArchiveKind.ZIP),
)

# Archives inside, but used as the one file that they are: `java -jar app.jar`, `python3 app.pyz`.
_WHOLE_SUFFIXES = (
    *(".jar", ".war", ".ear", ".apk", ".aar", ".pyz", ".pyzw", ".pex", ".whl", ".egg", ".npz", ".nupkg"),
    *(".xlsx", ".docx", ".pptx", ".odt", ".ods", ".epub", ".kmz", ".vsix", ".gem", ".crate", ".rds", ".svgz"),
)


def archive_kind(name: str) -> ArchiveKind | None:
    """Tell by a file name which archive it is; None: the name does not say that it is one."""
    lowered = name.lower()
    return next((kind for suffix, kind in _SUFFIXES if lowered.endswith(suffix)), None)


def is_used_whole(name: str) -> bool:
    """Tell whether a file of this name is used as it is, though its format is that of an archive."""
    return name.lower().endswith(_WHOLE_SUFFIXES)


def compression_of(kind: ArchiveKind | None) -> ArchiveKind | None:
    """Tell how an archive is compressed, by the kind of a single file so compressed."""
    return kind if kind in SINGLE_KINDS else _SINGLE_BY_TAR.get(kind) if kind is not None else None


def compressed_tar(compression: ArchiveKind) -> ArchiveKind:
    """Give the kind of a tar archive with this compression."""
    return _TAR_BY_SINGLE[compression]


def single_file_name(name: str) -> str:
    """Give the name under which a single file is kept: its own, without `.gz` and the like; `app` when it has none."""
    kind = archive_kind(name)
    if kind is not None and kind in SINGLE_KINDS:
        name = name[: -len(kind.value)]
    return name if name.strip(".") else "app"
