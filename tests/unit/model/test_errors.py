"""What follows from an error's class and from what it is made with."""

import pytest

from elasticjob_cloud.model.errors import (
    CallerError,
    ElasticJobError,
    FieldError,
    InvalidRequestError,
    StoreUnavailableError,
    UnauthorizedError,
    UnavailableError,
)


def _kinds(base: type[ElasticJobError]) -> list[type[ElasticJobError]]:
    return [base, *(kind for each in base.__subclasses__() for kind in _kinds(each))]


@pytest.mark.parametrize("kind", _kinds(ElasticJobError))
def test_status_tells_whose_fault_it_was(kind: type[ElasticJobError]) -> None:
    is_callers = issubclass(kind, CallerError)
    assert (400 <= kind.status < 500) is is_callers
    assert (kind.status in {429, 502, 503}) is (kind.exit_code == 3), "what may work later"


def test_invalid_request_names_all_of_its_fields() -> None:
    fields = (FieldError("cron", "is none."), FieldError("cpuCount", "must be more than 0."))
    error = InvalidRequestError.of(*fields)
    assert str(error) == "cron: is none. cpuCount: must be more than 0."
    assert error.errors == fields


def test_refused_login_says_the_same_unless_told_otherwise() -> None:
    assert [str(UnauthorizedError()), str(UnauthorizedError("It has expired."))] == [
        "Unauthorized.",
        "It has expired.",
    ]


def test_store_that_is_away_says_what_may_have_been_written() -> None:
    locked = StoreUnavailableError("The database is locked.")
    cut_off = StoreUnavailableError("It broke.", 5, outcome_unknown=True)
    full = StoreUnavailableError("Its disk is full.", is_full=True)

    assert isinstance(locked, UnavailableError)
    seen = [(it.retry_after_seconds, it.outcome_unknown, it.is_full) for it in (locked, cut_off, full)]
    assert seen == [(1, False, False), (5, True, False), (1, False, True)]
