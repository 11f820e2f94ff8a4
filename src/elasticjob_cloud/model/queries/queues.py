"""Questions about what runs and what waits now (`GET /job/tasks/running`, `ready`, `failover`), and pages of it."""

from typing import Generic, TypeVar

import msgspec

Row = TypeVar("Row")


class QueueFilter(msgspec.Struct, frozen=True):
    """Which tasks or jobs. Empty: no such filter. `agent_id`: where a task runs; of what waits, it says nothing."""

    job_name: str = ""
    app_name: str = ""
    agent_id: str = ""


class QueuePage(msgspec.Struct, Generic[Row], frozen=True):
    """A page, and how many there are in all."""

    total: int
    rows: list[Row]
