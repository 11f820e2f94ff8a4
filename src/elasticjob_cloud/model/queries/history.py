"""Questions to the trace tables, and their answers (api.md, `GET /job/events/...`)."""

from collections.abc import Mapping
from typing import Any

import msgspec

EXECUTION_FILTERS = ("jobName", "taskId", "ip", "isSuccess")
STATUS_TRACE_FILTERS = ("jobName", "taskId", "slaveId", "source", "executionType", "state")


class HistoryQuery(msgspec.Struct, frozen=True):
    """One page of a trace table. `sort` and the keys of `filters` are column names as the API writes them.

    `start_ms` and `end_ms` bound the row's own time (`startTime` of executions, `creationTime` of status traces), both
    included. The newest rows come first unless `sort` and `ascending` say otherwise.
    """

    page: int = 1
    per_page: int = 10
    sort: str = ""
    ascending: bool = False
    start_ms: int | None = None
    end_ms: int | None = None
    filters: Mapping[str, str] = msgspec.field(default_factory=dict)


class HistoryPage(msgspec.Struct, frozen=True):
    """The rows of one page, with the API's names as keys, and how many rows the query has in all."""

    total: int
    rows: list[dict[str, Any]]
