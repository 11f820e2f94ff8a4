"""`GET /api/overview`: the figures of the console's first page."""

import datetime as dt
from typing import Any

import msgspec
from fastapi import APIRouter, Response

from elasticjob_cloud.api.answers.alerts import alert_view
from elasticjob_cloud.api.answers.responses import json_response
from elasticjob_cloud.api.answers.views import shown_time
from elasticjob_cloud.api.openapi.alerts import ALERT
from elasticjob_cloud.api.openapi.documents import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    array_of,
    described,
    nullable,
    object_of,
)
from elasticjob_cloud.model.masking import mask_message
from elasticjob_cloud.model.queries.overview import Overview, ResultCounts
from elasticjob_cloud.service.port import SchedulerPort

_FAILING = object_of({"jobName": TEXT, "since": nullable(TEXT), "summary": TEXT, "runId": nullable(INTEGER)})
_WAITING = object_of({"jobName": TEXT, "dueTime": TEXT, "times": INTEGER, "reason": TEXT})
_RESULTS = object_of({"since": TEXT, "succeeded": INTEGER, "failed": INTEGER})
_OVERVIEW = object_of(
    {
        "revision": TEXT,
        "time": TEXT,
        "jobs": INTEGER,
        "disabledApps": INTEGER,
        "runningRuns": INTEGER,
        "failing": object_of({"total": INTEGER, "complete": BOOLEAN, "rows": array_of(_FAILING)}),
        "waiting": object_of({"total": INTEGER, "late": INTEGER, "rows": array_of(_WAITING)}),
        "nextFires": array_of(object_of({"jobName": TEXT, "time": TEXT})),
        "results": object_of({"lastHour": _RESULTS, "lastDay": _RESULTS}),
        "lateness": object_of({"p50Ms": nullable(INTEGER), "p99Ms": nullable(INTEGER)}),
        "agents": object_of(
            {
                "total": INTEGER,
                "draining": INTEGER,
                "cpusTotal": NUMBER,
                "cpusUsed": NUMBER,
                "memoryMBTotal": NUMBER,
                "memoryMBUsed": NUMBER,
            }
        ),
        "alerts": array_of(ALERT),
    }
)


def overview_routes(scheduler: SchedulerPort) -> APIRouter:
    """Give the route of the first page."""
    router = APIRouter(prefix="/api", tags=["console"])
    latest: tuple[Overview, msgspec.Raw] | None = None

    @router.get("/overview", **described(_OVERVIEW))
    async def read_overview() -> Response:
        """Give what fails, waits and comes next, results, lateness, room and open alerts. Made once for all who look, at most twice a second."""
        nonlocal latest
        overview = await scheduler.reading.overview()
        if latest is None or latest[0] is not overview:
            latest = (overview, msgspec.Raw(msgspec.json.encode(_overview_view(overview))))
        return json_response(latest[1])

    return router


def _overview_view(overview: Overview) -> dict[str, Any]:
    room = overview.room
    return {
        "revision": overview.revision,
        "time": _time(overview.time_ms),
        "jobs": overview.jobs,
        "disabledApps": overview.disabled_apps,
        "runningRuns": overview.running_runs,
        "failing": {
            "total": overview.failing_count,
            "complete": overview.knows_all_results,
            "rows": [
                {
                    "jobName": it.job_name,
                    "since": _time(it.since_ms),
                    "summary": mask_message(it.summary),
                    "runId": it.run_id or None,
                }
                for it in overview.failing
            ],
        },
        "waiting": {
            "total": overview.waiting_count,
            "late": overview.late_count,
            "rows": [
                {
                    "jobName": it.job_name,
                    "dueTime": _time(it.due_ms),
                    "times": it.times,
                    "reason": it.reason,
                }
                for it in overview.waiting
            ],
        },
        "nextFires": [{"jobName": it.job_name, "time": _time(it.time_ms)} for it in overview.next_fires],
        "results": {
            "lastHour": _counts_view(overview.last_hour),
            "lastDay": _counts_view(overview.last_day),
        },
        "lateness": {"p50Ms": overview.lateness_p50_ms, "p99Ms": overview.lateness_p99_ms},
        "agents": {
            "total": room.agents,
            "draining": room.draining,
            "cpusTotal": room.cpus_total,
            "cpusUsed": room.cpus_used,
            "memoryMBTotal": room.memory_mb_total,
            "memoryMBUsed": room.memory_mb_used,
        },
        "alerts": [alert_view(alert) for alert in overview.alerts],
    }


def _counts_view(counts: ResultCounts) -> dict[str, Any]:
    return {"since": _time(counts.since_ms), "succeeded": counts.succeeded, "failed": counts.failed}


def _time(epoch_ms: int) -> str | None:
    return shown_time(epoch_ms, dt.UTC) if epoch_ms else None
