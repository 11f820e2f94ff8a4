"""How one scheduler tells another that it has passed a call on, and proves that it is one: by the key that they share."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Final

MARK: Final = b"x-elasticjob-forwarded"
FORWARDED_FOR: Final = b"x-forwarded-for"
# Says that the one who passed the call on has recognised the caller as the user who started it (own_user.py).
VOUCHER: Final = b"x-elasticjob-own-user"
_UNSIGNED: Final = b"unsigned"
# Clocks of machines differ somewhat. Who overhears a mark could use it for so long, to hide an address behind another.
_VALID_SECONDS: Final = 300.0

Headers = Sequence[tuple[bytes, bytes]]


class ForwardingMark:
    """Puts marks on calls that are passed on, and reads those of others."""

    def __init__(self, secret: bytes | None, wall_seconds: Callable[[], float]) -> None:
        """Use the key that signs tokens; None: there is none, so that no scheduler is believed."""
        self._secret = secret
        self._wall_seconds = wall_seconds

    def of_call(self, headers: Headers, peer: str, *, is_own_user: bool = False) -> list[tuple[bytes, bytes]]:
        """Give the headers that tell of the caller, instead of those that came with the call."""
        before = _joined(headers)
        forwarded_for = b", ".join(part for part in (before, peer.encode("latin-1", "replace")) if part)
        marks = [(FORWARDED_FOR, forwarded_for), (MARK, self._sign(MARK, forwarded_for))]
        if is_own_user and self._secret is not None:
            marks.append((VOUCHER, self._sign(VOUCHER, forwarded_for)))
        return marks

    def is_on(self, headers: Headers) -> bool:
        """Tell whether a call was passed on already, as it says."""
        return any(name == MARK for name, _ in headers)

    def client_of(self, headers: Headers) -> str | None:
        """Give the address that a scheduler has passed this call on for; None when no scheduler says so."""
        if not self._is_signed(MARK, headers):
            return None
        return _joined(headers).rpartition(b",")[2].strip().decode("latin-1")

    def vouches(self, headers: Headers) -> bool:
        """Tell whether a scheduler has passed this call on, and has recognised the caller as its own user."""
        return self._is_signed(MARK, headers) and self._is_signed(VOUCHER, headers)

    def _is_signed(self, header: bytes, headers: Headers) -> bool:
        given = next((value for name, value in headers if name == header), b"")
        seconds, _, signature = given.partition(b".")
        if self._secret is None or not seconds.isdigit() or len(seconds) > 12:
            return False
        if abs(self._wall_seconds() - int(seconds)) > _VALID_SECONDS:
            return False
        return hmac.compare_digest(signature, self._signature(header, seconds, _joined(headers)))

    def _sign(self, header: bytes, forwarded_for: bytes) -> bytes:
        if self._secret is None:
            return _UNSIGNED
        seconds = str(int(self._wall_seconds())).encode()
        return seconds + b"." + self._signature(header, seconds, forwarded_for)

    def _signature(self, header: bytes, seconds: bytes, forwarded_for: bytes) -> bytes:
        assert self._secret is not None
        text = b"\n".join((header, seconds, forwarded_for))
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest().encode()


def _joined(headers: Headers) -> bytes:
    return b", ".join(value for name, value in headers if name == FORWARDED_FOR)
