"""The users of a scheduler and their passwords, and where passwords that others can guess will do (api.md, "Authentication")."""

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import argon2

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.urls import is_loopback
from elasticjob_cloud.settings.scheduler import SchedulerSettings, variable_of
from elasticjob_cloud.settings.values import ARGON2ID_PREFIX

DEFAULT_PASSWORDS: Final = frozenset({"pwd", "guest"})
MINIMUM_PASSWORD_LENGTH: Final = 8


class Role(StrEnum):
    """What a user may do."""

    ADMIN = "admin"  # everything
    GUEST = "guest"  # queries only


@dataclass(frozen=True, slots=True)
class User:
    """Someone who may log in. `password` is plain text, or an argon2id hash (`$argon2id$...`)."""

    name: str
    password: str
    role: Role

    @property
    def is_hashed(self) -> bool:
        """Whether `password` is a hash."""
        return self.password.startswith(ARGON2ID_PREFIX)

    @property
    def has_default_password(self) -> bool:
        """Whether everybody knows the password, which is kept plain or hashed."""
        matches = verifies if self.is_hashed else same_text
        return any(matches(self.password, known) for known in DEFAULT_PASSWORDS)


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Who may log in and for how long. `no_auth`: nobody has to."""

    users: tuple[User, ...] = (User("root", "pwd", Role.ADMIN), User("guest", "guest", Role.GUEST))
    token_seconds: float = 24 * 3600.0
    no_auth: bool = False

    @classmethod
    def of(cls, settings: SchedulerSettings) -> "AuthSettings":
        """Take over what the scheduler's settings say about users."""
        return cls(
            users=(
                User(settings.admin_username, settings.admin_password.get_secret_value(), Role.ADMIN),
                User(settings.guest_username, settings.guest_password.get_secret_value(), Role.GUEST),
            ),
            token_seconds=settings.token_hours * 3600,
            no_auth=settings.no_auth,
        )


def check_exposure(host: str, settings: AuthSettings) -> None:
    """Refuse to open the scheduler to other machines without log-in, or with a password that everybody knows.

    Raises:
        StartError: `host` is not loopback, and there is no log-in, or a user has a default password, plain or hashed.
    """
    if is_loopback(host):
        return
    if settings.no_auth:
        raise StartError(f"no_auth serves on loopback only, not on {host}: drop it, or listen on 127.0.0.1.")
    known = [f"{user.role.value}_password" for user in settings.users if user.has_default_password]
    if known:
        raise StartError(
            f"Everybody knows the default passwords, and {host} is not loopback: set "
            f"{' and '.join(f'{name} ({variable_of(name)})' for name in known)}, or listen on 127.0.0.1."
        )


def is_weak_password(username: str, password: str) -> bool:
    """Tell whether a password is a default, the user's own name, or short: anyone who may try can guess it."""
    return (
        len(password) < MINIMUM_PASSWORD_LENGTH
        or password in DEFAULT_PASSWORDS
        or password.casefold() == username.casefold()
    )


def same_text(first: str, second: str) -> bool:
    """Compare two texts, in a time that tells nothing about either."""
    # Digests are of one length, so that not even that of the password shows in the time.
    one, other = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (first, second))
    return hmac.compare_digest(one, other)


def verifies(hashed: str, password: str) -> bool:
    """Tell whether this is the password behind a hash. It takes tens of milliseconds and of MiB."""
    try:
        return argon2.PasswordHasher().verify(hashed, password)
    except argon2.exceptions.VerificationError:
        return False
