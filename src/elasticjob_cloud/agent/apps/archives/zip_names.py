"""What the names in a zip mean: packers write them in their machine's own encoding, and do not say in which."""

import struct
import zipfile
import zlib
from collections.abc import Sequence

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075
_EXTRA_HEADER = struct.Struct("<HH")
_PATH_HEADER = struct.Struct("<BI")
# What the format means where nothing is said, and what zipfile took the bytes for.
_DEFAULT = "cp437"


def member_names(members: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Give the members' names, in their order."""
    raw_names = [_raw_name(member) for member in members]
    encoding = _guess_encoding([raw for raw in raw_names if raw is not None])
    return [
        member.filename if raw is None else _unicode_path(member.extra, raw) or raw.decode(encoding)
        for member, raw in zip(members, raw_names, strict=True)
    ]


def _raw_name(member: zipfile.ZipInfo) -> bytes | None:
    """Give the bytes of a name that is not marked as UTF-8; None for one that is."""
    name = member.orig_filename.split("\0", 1)[0]
    return None if member.flag_bits & _UTF8_FLAG else name.encode(_DEFAULT)


def _guess_encoding(raw_names: Sequence[bytes]) -> str:
    # One packer made them all, so that one encoding must fit them all.
    whole = b"\n".join(raw_names)
    try:
        whole.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030" if _is_chinese(raw_names) else _DEFAULT
    return "utf-8"


def _is_chinese(raw_names: Sequence[bytes]) -> bool:
    try:
        names = [raw.decode("gb18030") for raw in raw_names]
    except UnicodeDecodeError:
        return False
    # Many bytes of Western European names are also rare Chinese characters, but hardly ever common ones.
    return any(_is_common(character) for name in names for character in name)


def _is_common(character: str) -> bool:
    try:
        return len(character.encode("gb2312")) > 1
    except UnicodeEncodeError:
        return False


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Give the name in Info-ZIP's extra field, if it belongs to the name as it is (APPNOTE 4.6.9)."""
    while len(extra) >= _EXTRA_HEADER.size:
        kind, size = _EXTRA_HEADER.unpack_from(extra)
        field = extra[_EXTRA_HEADER.size : _EXTRA_HEADER.size + size]
        extra = extra[_EXTRA_HEADER.size + size :]
        if kind != _UNICODE_PATH or len(field) <= _PATH_HEADER.size:
            continue
        version, checksum = _PATH_HEADER.unpack_from(field)
        # Renamed by a tool that does not know the field, the name no longer fits the checksum.
        if version == 1 and checksum == zlib.crc32(raw):
            try:
                return field[_PATH_HEADER.size :].decode("utf-8")
            except UnicodeDecodeError:
                return None
    return None
