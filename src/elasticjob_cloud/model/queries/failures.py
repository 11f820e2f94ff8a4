"""Failures of a time, grouped by what they say (`GET /job/failures`). Times are epoch milliseconds (UTC)."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

GROUPS_SHOWN: Final = 100
_SUMMARY_CHARACTERS: Final = 300
# Ids: UUIDs, and words of eight hexadecimal digits or more with a decimal digit among them.
_ID: Final = re.compile(r"\b(?=[0-9a-fA-F-]*\d)[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*\b")
# Exit codes and signals tell failures apart; other numbers do not.
_NUMBER: Final = re.compile(r"(?<!exit code )(?<!signal )(?<![\d.])\d+(?:[.,:]\d+)*")


class FailureQuery(msgspec.Struct, frozen=True):
    """A time, both ends included, in which a run was recorded or an execution of a daemon job started."""

    start_ms: int
    end_ms: int
    job_name: str = ""
    app_name: str = ""


class Failures(msgspec.Struct, frozen=True):
    """Failures of one job with literally the same summary. `last_run_id`: 0 for executions of daemon jobs."""

    summary: str
    job_name: str
    count: int
    last_ms: int
    last_run_id: int


class FailureGroup(msgspec.Struct, frozen=True):
    """Failures whose summaries differ in numbers and ids alone. `last_summary`, `last_job_name`: of the latest one."""

    summary: str
    count: int
    jobs: int
    last_ms: int
    last_run_id: int
    last_job_name: str
    last_summary: str


class FailureGroups(msgspec.Struct, frozen=True):
    """Groups, the largest first. `complete`: all failures of the time were looked at, and all groups are here."""

    rows: list[FailureGroup]
    looked_at: int
    complete: bool


def normalised(summary: str) -> str:
    """Give a summary with `#` for numbers and ids, so that failures of one kind read the same."""
    return _NUMBER.sub("#", _ID.sub("#", summary[:_SUMMARY_CHARACTERS]))


def grouped(failures: Iterable[Failures]) -> list[FailureGroup]:
    """Give all groups, the largest first; of equal ones, the latest first."""
    parts: dict[str, list[Failures]] = {}
    for each in failures:
        parts.setdefault(normalised(each.summary), []).append(each)
    groups = [_group(summary, members) for summary, members in parts.items()]
    return sorted(groups, key=lambda it: (-it.count, -it.last_ms))


def _group(summary: str, members: list[Failures]) -> FailureGroup:
    last = max(members, key=lambda it: (it.last_ms, it.last_run_id))
    return FailureGroup(
        summary=summary,
        count=sum(it.count for it in members),
        jobs=len({it.job_name for it in members}),
        last_ms=last.last_ms,
        last_run_id=last.last_run_id,
        last_job_name=last.job_name,
        last_summary=last.summary,
    )
