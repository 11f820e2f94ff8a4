"""From a body's bytes to its text: the charsets that are read, and what is told to those who send another."""

from typing import Final

from elasticjob_cloud.api.requests.raw.text import shown
from elasticjob_cloud.model.errors import InvalidRequestError, UnsupportedMediaError

_UTF_8_MARK: Final = b"\xef\xbb\xbf"
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
# By the names of the IANA, to those of Python's codecs. Not every codec of Python is one for text, or fast.
_CODECS: Final = {
    **dict.fromkeys(("utf-8", "utf8", "us-ascii", "ascii"), "utf-8"),
    **dict.fromkeys(("utf-16", "utf16"), "utf-16"),
    **{name: name for name in ("utf-16le", "utf-16be", "gbk", "gb2312", "gb18030", "big5")},
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1"), "iso-8859-1"),
    **dict.fromkeys(("iso-8859-15", "latin-9"), "iso-8859-15"),
    **dict.fromkeys(("windows-1252", "cp1252"), "windows-1252"),
    **dict.fromkeys(("windows-1251", "cp1251"), "windows-1251"),
    **dict.fromkeys(("windows-936", "cp936", "x-gbk"), "gbk"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "windows-31j"), "cp932"),
    **{name: name for name in ("euc-jp", "euc-kr")},
}
_READ: Final = "UTF-8 (best), UTF-16, ISO-8859-1, windows-1252, GBK, GB18030, Big5, Shift_JIS, EUC-JP, EUC-KR"
# What upstream's own tests send there; a charset does not encode in this header's sense.
_NO_ENCODINGS: Final = frozenset({"", "identity", *_CODECS})


def check_not_compressed(content_encoding: str) -> None:
    """Refuse a compressed body: its size could not be bounded by what was sent.

    Raises:
        UnsupportedMediaError: It is compressed.
    """
    for encoding in content_encoding.lower().split(","):
        if encoding.strip() not in _NO_ENCODINGS:
            raise UnsupportedMediaError(
                f"The body is encoded with '{shown(encoding.strip())}'; send it as it is, without compression and "
                "without the header Content-Encoding."
            )


def find_codec(charset: str) -> str:
    """Give the codec of a charset.

    Raises:
        UnsupportedMediaError: It is not one that is read.
    """
    codec = _CODECS.get(charset.strip().strip("\"'").lower())
    if codec is None:
        raise UnsupportedMediaError(f"The charset '{shown(charset)}' is not read; these are: {_READ}.")
    return codec


def decode(body: bytes, codec: str) -> str:
    """Read a body's text, without the mark that some programs put before it.

    Raises:
        InvalidRequestError: It is not in that charset.
    """
    if body.startswith(_UTF_8_MARK):
        codec = "utf-8"  # the mark says so, and counts more than the header
    try:
        return body.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise InvalidRequestError(_not_in(codec, body, error.start + 1)) from None


def _not_in(codec: str, body: bytes, number: int) -> str:
    if codec == "utf-8" and body.startswith(_UTF_16_MARKS):
        return "The body is not UTF-8 but UTF-16: send UTF-8, or say 'charset=utf-16' in the content type."
    return f"The body is not {codec.upper()}: see byte {number}."
