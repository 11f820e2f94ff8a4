"""Who is calling: log-in, and the access tokens that it gives (api.md, "Authentication")."""

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import argon2
import jwt

from elasticjob_cloud.api.access.browser_session import header_token, session_token
from elasticjob_cloud.api.access.fair_turns import FairTurns
from elasticjob_cloud.api.access.login_limit import LoginLimit, network_of
from elasticjob_cloud.api.access.users import AuthSettings, Role, User, is_weak_password, same_text, verifies
from elasticjob_cloud.model.errors import StartError, TooManyAttemptsError, UnauthorizedError

_log = logging.getLogger(__name__)
MINIMUM_SECRET_BYTES: Final = 32
_ALGORITHM: Final = "HS256"
# Each argon2 check takes tens of MiB and of milliseconds: more at a time would let strangers use up the machine.
_PARALLEL_CHECKS: Final = 2
_WAITING_CHECKS: Final = 1_000
_SHOWN_NAME: Final = 64
# When too many have failed, attempts are still looked at, but one after another and so slowly: guessing gets nowhere.
_LATE_CHECK_SECONDS: Final = 0.05
_WAITING_LATE_CHECKS: Final = 100
_ACCEPTED_TOKENS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a token belongs to. `is_local_only`: by a weak password, which is good for the scheduler's own user alone."""

    username: str
    role: Role
    is_local_only: bool = field(default=False, compare=False)


class Authenticator:
    """Checks passwords, and gives and checks access tokens. One for each server; for one event loop."""

    def __init__(
        self,
        settings: AuthSettings,
        secret: bytes,
        *,
        login_failures: int = 5,
        late_check_seconds: float = _LATE_CHECK_SECONDS,
        wall_seconds: Callable[[], float] = time.time,
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make one from the users and the key that signs tokens.

        Args:
            settings: The users.
            secret: At least 32 random bytes, the same after a restart and on all schedulers that share a store.
            login_failures: How many failed logins of a user from an address are allowed in a minute.
            late_check_seconds: How long each check takes at least when too many have failed.
            wall_seconds: The clock that tokens expire by.
            monotonic_seconds: The clock that failed logins are forgotten by.

        Raises:
            StartError: The secret is too short, a password hash cannot be read, or two users have one name.
        """
        if len(secret) < MINIMUM_SECRET_BYTES:
            raise StartError(
                f"The key that signs access tokens must have at least {MINIMUM_SECRET_BYTES} bytes."
            )
        if len({user.name for user in settings.users}) < len(settings.users):
            raise StartError("The admin and the guest have the same user name. Give them different ones.")
        for user in settings.users:
            if user.is_hashed and not _is_readable_hash(user.password):
                raise StartError(f"The password hash of {user.name} is not a whole argon2id hash.")
        self._secret = secret
        self._token_seconds = settings.token_seconds
        self._users = {user.name: user for user in settings.users}
        self._reference_hash = next((user.password for user in settings.users if user.is_hashed), None)
        default_users = {user.name for user in settings.users if user.has_default_password}
        self._has_default_passwords = bool(default_users)
        self._weak_users = {
            user.name
            for user in settings.users
            if user.name in default_users
            or (not user.is_hashed and is_weak_password(user.name, user.password))
        }
        self._limit = LoginLimit(login_failures)
        self._accepted: dict[bytes, tuple[Principal, float]] = {}
        self._checks = FairTurns(_PARALLEL_CHECKS, _WAITING_CHECKS)
        self._late_checks = FairTurns(1, _WAITING_LATE_CHECKS)
        self._late_check_seconds = late_check_seconds
        self._wall_seconds = wall_seconds
        self._monotonic_seconds = monotonic_seconds

    @property
    def has_default_passwords(self) -> bool:
        """Whether a user has a password that everybody knows, so that a web page could log in too."""
        return self._has_default_passwords

    async def login(self, username: str, password: str, address: str) -> str:
        """Give an access token.

        Raises:
            UnauthorizedError: Wrong password, or no such user: the two are not told apart, by message or by time.
            TooManyAttemptsError: Wrong again, after too many failed logins from this address.
        """
        user = self._users.get(username)
        network = network_of(address)
        try:
            self._limit.begin_attempt(address, username, self._monotonic_seconds())
        except TooManyAttemptsError as error:
            # Many people may share an address: who knows the password is not locked out by others who do not.
            is_right = await self._is_right_late(user, password, network)
            if not is_right and error.is_first:
                _log.warning(
                    "Refused a login of %s from %s: too many have failed.", _shown(username), address
                )
            if not is_right:
                raise
        else:
            is_right = await self._is_right(user, password, network)
        if not is_right or user is None:
            _log.warning("Refused a login of %s from %s.", _shown(username), address)
            raise UnauthorizedError
        self._limit.forgive(address, username)
        now = self._wall_seconds()
        claims = {
            "sub": user.name,
            "role": user.role.value,
            "iat": int(now),
            "exp": int(now + self._token_seconds),
            "pwd": self._fingerprint(user),
            "local": is_weak_password(user.name, password),
        }
        return jwt.encode(claims, self._secret, _ALGORITHM)

    def identify(self, headers: Sequence[tuple[bytes, bytes]]) -> Principal:
        """Say who a request with these headers comes from: by a token in a header, else by a browser's session.

        Raises:
            UnauthorizedError: No token, one that is forged or expired, or whose user's password or role has changed.
        """
        token = header_token(headers)
        if token is None:
            token = session_token(headers)
        if token is None:
            raise UnauthorizedError
        principal, expiry = self._accepted.get(token) or self._read_token(token)
        if expiry <= self._wall_seconds():
            self._accepted.pop(token, None)
            raise UnauthorizedError
        return principal

    def _read_token(self, token: bytes) -> tuple[Principal, float]:
        """Check a token that has not been seen yet, its expiry aside, and remember it: a signature takes time."""
        try:
            # The clock is ours to hand in, so expiry is checked below.
            claims = jwt.decode(
                token,
                self._secret,
                [_ALGORITHM],
                options={"verify_exp": False, "verify_iat": False, "require": ["sub", "role", "exp", "pwd"]},
            )
            expiry = float(claims["exp"])
        except (jwt.InvalidTokenError, TypeError, ValueError):
            raise UnauthorizedError from None
        user = self._users.get(str(claims["sub"]))
        if user is None or user.role.value != claims["role"]:
            raise UnauthorizedError
        if not same_text(self._fingerprint(user), str(claims["pwd"])):
            raise UnauthorizedError
        if len(self._accepted) >= _ACCEPTED_TOKENS:
            self._accepted.clear()
        # One that an older scheduler gave does not say so.
        is_local_only = bool(claims.get("local")) or user.name in self._weak_users
        self._accepted[token] = (Principal(user.name, user.role, is_local_only), expiry)
        return self._accepted[token]

    async def _is_right(self, user: User | None, password: str, network: str) -> bool:
        # Every login does the same work for every user: one hash check if any user has a hash, one comparison.
        plain = user.password if user is not None and not user.is_hashed else ""
        right = same_text(plain, password) and user is not None and not user.is_hashed
        hashed = user.password if user is not None and user.is_hashed else self._reference_hash
        if hashed is None:
            return right
        async with self._checks.turn(network):
            verified = await asyncio.to_thread(verifies, hashed, password)
        return verified if user is not None and user.is_hashed else right

    async def _is_right_late(self, user: User | None, password: str, network: str) -> bool:
        async with self._late_checks.turn(network):
            right = await self._is_right(user, password, network)
            if not right:
                await asyncio.sleep(self._late_check_seconds)
            return right

    def _fingerprint(self, user: User) -> str:
        """Tie a token to the password it was given for: a new password ends the old tokens."""
        text = f"{user.name}\0{user.password}".encode("utf-8", "surrogatepass")
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:32]


def _shown(username: str) -> str:
    """Give a name for the log: quoted, so that a stranger's line break begins no line there, and short."""
    return repr(username[:_SHOWN_NAME])


def _is_readable_hash(text: str) -> bool:
    try:
        argon2.extract_parameters(text)
    except argon2.exceptions.InvalidHashError:
        return False
    return True
