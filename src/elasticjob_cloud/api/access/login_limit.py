"""How often a login may fail: per address and user, and per address. Time is handed in."""

import ipaddress
import math
from collections import OrderedDict, deque
from typing import Final

from elasticjob_cloud.model.errors import TooManyAttemptsError
from elasticjob_cloud.model.urls import parse_address

WINDOW_SECONDS: Final = 60.0
# Addresses may be shared by many people behind one gateway, so an address as a whole is allowed more than one user is.
_ADDRESS_FACTOR: Final = 6
_MAXIMUM_KEYS: Final = 10_000


class LoginLimit:
    """Remembers failed logins of the last minute, of at most 10,000 addresses and users."""

    def __init__(self, failures: int) -> None:
        self._failures = failures
        self._attempts: OrderedDict[tuple[str, str | None], deque[float]] = OrderedDict()
        self._refused: OrderedDict[tuple[str, str | None], float] = OrderedDict()

    def begin_attempt(self, address: str, username: str, now: float) -> None:
        """Count an attempt as failed until `forgive` says otherwise, so that attempts at the same time count too.

        Args:
            address: Where it comes from; all of an IPv6 /64 counts as one, since one machine may use it all.
            username: Who it wants to be.
            now: Monotonic seconds.

        Raises:
            TooManyAttemptsError: Too many have failed already; this one is not to be looked at.
        """
        network = network_of(address)
        bounds = (((network, username), self._failures), ((network, None), self._failures * _ADDRESS_FACTOR))
        for key, bound in bounds:
            recent = self._recent(key, now)
            if len(recent) >= bound:
                seconds = max(1, math.ceil(recent[0] + WINDOW_SECONDS - now))
                raise TooManyAttemptsError(
                    f"Too many failed logins; try again in {seconds} s.",
                    seconds,
                    is_first=self._is_first_refusal(key, now),
                )
        for key, _ in bounds:
            self._attempts.setdefault(key, deque()).append(now)
            self._attempts.move_to_end(key)
        while len(self._attempts) > _MAXIMUM_KEYS:
            self._attempts.popitem(last=False)

    def forgive(self, address: str, username: str) -> None:
        """Forget a user's failures at this address, since the password was right in the end."""
        network = network_of(address)
        mended = self._attempts.pop((network, username), deque())
        whole = self._attempts.get((network, None))
        for moment in mended:
            if whole is not None and moment in whole:
                whole.remove(moment)

    def _is_first_refusal(self, key: tuple[str, str | None], now: float) -> bool:
        """Tell whether nothing was refused for this reason within a minute: the log is not for strangers to fill."""
        if now - self._refused.get(key, -math.inf) < WINDOW_SECONDS:
            return False
        self._refused[key] = now
        self._refused.move_to_end(key)
        while len(self._refused) > _MAXIMUM_KEYS:
            self._refused.popitem(last=False)
        return True

    def _recent(self, key: tuple[str, str | None], now: float) -> deque[float]:
        attempts = self._attempts.get(key, deque())
        while attempts and attempts[0] <= now - WINDOW_SECONDS:
            attempts.popleft()
        return attempts


def network_of(address: str) -> str:
    """Give what counts as one caller: an address, or an IPv6 /64."""
    parsed = parse_address(address)
    if parsed is None:
        return address
    return str(parsed if parsed.version == 4 else ipaddress.ip_network((parsed, 64), strict=False))
