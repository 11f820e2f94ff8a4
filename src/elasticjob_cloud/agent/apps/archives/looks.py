"""What a file is, by its bytes: names lie, forget their suffix, or belong to another file than the server sent."""

import re
import tarfile

from elasticjob_cloud.agent.apps.archives.kinds import ArchiveKind
from elasticjob_cloud.agent.apps.errors import ContentError, NoAppError

HEAD_BYTES = 64 * 1024
_TAR_HEADER_BYTES = 512
_COMPRESSIONS = (
    (re.compile(rb"\x1f\x8b\x08"), ArchiveKind.GZIP),
    (re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"), ArchiveKind.BZIP2),
    (re.compile(rb"\xfd7zXZ\x00"), ArchiveKind.XZ),
    # A frame, or one to be skipped, as parallel packers put in front.
    (re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"), ArchiveKind.ZSTANDARD),
)
_ZIP = re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08|00PK)")
_FOREIGN = (
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x1f\x9d", "compress (.Z)"),
    (b"\x1f\xa0", "LZH (.Z)"),
    (b"LZIP", "lzip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x89LZO\x00\r\n", "lzop"),
    (b"\x5d\x00\x00", "lzma"),
    (b"MSCF\x00\x00\x00\x00", "cabinet"),
    (b"070701", "cpio"),
    (b"070707", "cpio"),
    (b"xar!", "xar"),
)
# The tags by which browsers tell HTML (WHATWG, MIME Sniffing), but for the short ones, and `<?php` is none of them.
_TAGS = "html|head|body|title|script|meta|style|iframe|center|h1|div|table|font|link|p|br"
_HTML = re.compile(
    rf"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|(?:{_TAGS})[\s/>])",
    re.IGNORECASE | re.DOTALL,
)
_UTF16_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_WHITE = b" \t\r\n\v\f\0"
_UTF8_MARK = b"\xef\xbb\xbf"


def compression_by(head: bytes) -> ArchiveKind | None:
    """Tell by a file's first bytes how it is compressed, if it is."""
    return next((kind for pattern, kind in _COMPRESSIONS if pattern.match(head)), None)


def is_zip(head: bytes) -> bool:
    """Tell whether a file begins as zip archives do."""
    return _ZIP.match(head) is not None


def is_tar(head: bytes) -> bool:
    """Tell whether a file begins with the header of a tar archive, of the old form without a mark too."""
    try:
        tarfile.TarInfo.frombuf(head[:_TAR_HEADER_BYTES], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def require_some_app(head: bytes, name: str, promised: ArchiveKind | None) -> None:
    """Refuse what no app is: nothing, and the pages that servers, proxies and log-ins send in place of a file."""
    if len(head) < HEAD_BYTES and not head.removeprefix(_UTF8_MARK).strip(_WHITE):
        raise NoAppError("it is empty." if not head else "it is empty: nothing but white space or zeros.")
    if not name.lower().endswith((".html", ".htm", ".xhtml")) and _HTML.match(_text_of(head)):
        what = f" {promised.value} file" if promised else " app"
        raise NoAppError(
            f"it is not a readable{what}, but an HTML page, such as servers send for errors and log-ins. "
            "Open the appURL on the agent's machine, without a browser's log-in, to see it."
        )


def require_known_format(head: bytes) -> None:
    """Refuse the archives that nothing here can unpack, rather than have a shell run them."""
    for magic, title in _FOREIGN:
        if head.startswith(magic):
            raise ContentError(
                f"it is compressed as {title}, which cannot be unpacked here. Pack the app as .tar.gz or .zip."
            )


def _text_of(head: bytes) -> str:
    encoding = _UTF16_MARKS.get(head[:2], "utf-8")
    return head.decode(encoding, "replace").lstrip("\ufeff").lstrip()
