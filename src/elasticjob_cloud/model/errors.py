"""Every error that passes from one package to another, in one file. Standard library only: the SDK uses it too.

The class tells whose fault it was (the caller's, the world's, ours), and the HTTP status and CLI exit code follow from
the class alone (`status`, `exit_code`). A message says what is wrong and what to do about it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One invalid field of a request: its name as the caller wrote it, and what is wrong with it."""

    field: str
    message: str


class ElasticJobError(Exception):
    """The base of all errors of ElasticJob-Cloud."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1


class CallerError(ElasticJobError):
    """The caller asked for something that cannot be done as asked; nothing was changed."""

    status = 400
    exit_code = 2


class InvalidRequestError(CallerError):
    """A request is malformed, or has invalid fields, which `errors` lists."""

    def __init__(self, message: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)

    @classmethod
    def of(cls, *errors: FieldError) -> "InvalidRequestError":
        """Make the error for these invalid fields, with a message that names all of them."""
        return cls(" ".join(f"{error.field}: {error.message}" for error in errors), errors)


class UnauthorizedError(CallerError):
    """No token, or one that is wrong or has expired."""

    status = 401

    def __init__(self, message: str = "Unauthorized.") -> None:
        super().__init__(message)


class ForbiddenError(CallerError):
    """The caller's role may not do this."""

    status = 403


class NotFoundError(CallerError):
    """There is no app, job or task of that name."""

    status = 404


class ConflictError(CallerError):
    """It exists already, or its state does not allow the call."""

    status = 409


class TooLargeError(CallerError):
    """The request's body is over the limit."""

    status = 413


class UnsupportedMediaError(CallerError):
    """The request's content type is not one that the API reads."""

    status = 415


class TooManyAttemptsError(CallerError):
    """Too many failed logins from this address for this user. `is_first`: the first that is refused for it in a minute."""

    status = 429
    exit_code = 3  # as all that may work later

    def __init__(self, message: str, retry_after_seconds: int = 60, *, is_first: bool = False) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.is_first = is_first


class UnavailableError(ElasticJobError):
    """The world is not ready: no leader, a full queue, an agent that does not answer. Try again later."""

    status = 503
    exit_code = 3

    def __init__(self, message: str, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NotLeadingError(UnavailableError):
    """This scheduler does not lead (any more), and the call was not carried out: the leader can be asked instead."""


class OutcomeUnknownError(UnavailableError):
    """The lead was lost, or the leader fell silent, while it had the call; it may have been carried out or not."""

    status = 502


class StoreUnavailableError(UnavailableError):
    """The database is locked, full, gone or damaged; nothing was written, unless `outcome_unknown`.

    `outcome_unknown`: a commit was cut off, and may or may not be found in the database when it is back. The caller
    must load the state again before it goes on. `is_full`: its disk is full; deleting rows frees space.
    """

    def __init__(
        self,
        message: str,
        retry_after_seconds: int = 1,
        *,
        outcome_unknown: bool = False,
        is_full: bool = False,
    ) -> None:
        super().__init__(message, retry_after_seconds)
        self.outcome_unknown = outcome_unknown
        self.is_full = is_full


class StartError(ElasticJobError):
    """The scheduler or an executor cannot start; the message says what to change."""

    exit_code = 4


class AgentsRefuseError(StartError):
    """The agents obey another scheduler, and not one that this one has replaced."""


class JobExecutionError(ElasticJobError):
    """A job of type HTTP or SCRIPT failed, or its `props` do not say what to do."""


class AppUnavailableError(ElasticJobError):
    """An app could not be downloaded, extracted or started on an agent."""


class BugError(ElasticJobError):
    """Something that cannot happen did. This is our bug: please report it with the message."""
