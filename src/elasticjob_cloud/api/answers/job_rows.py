"""Pages of the job list, never larger than 200 KB."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from elasticjob_cloud.api.answers.runs import run_view
from elasticjob_cloud.api.answers.views import is_long_job, job_view, shown_time
from elasticjob_cloud.model.queries.jobs import JobRow
from elasticjob_cloud.model.queries.runs import Run

_PAGE_BYTES: Final = 190_000  # with what stands around the rows, less than 200,000
_LONG_FIELDS: Final = ("shardingItemParameters", "jobParameter", "description", "cron", "timeZone")
_KEPT_CHARACTERS: Final = 20
_SUMMARY_CHARACTERS: Final = 300
_encode: Final = msgspec.json.Encoder().encode


async def job_rows(rows: Sequence[JobRow], zone: dt.tzinfo) -> list[msgspec.Raw]:
    """Show rows of the list, secrets as `***`, and the last run as in the list of runs, in this zone.

    Where they are too long for a page together, those over their share lose their props and the ends of long texts, and
    `shortened` says so.
    """
    views = [
        await asyncio.to_thread(_row_view, row, zone) if is_long_job(row.record) else _row_view(row, zone)
        for row in rows
    ]
    encoded = [_encode(view) for view in views]
    share = _PAGE_BYTES // max(1, len(rows))
    if sum(map(len, encoded)) > _PAGE_BYTES:
        encoded = [
            text if len(text) <= share else _encode(_shortened(view))
            for view, text in zip(views, encoded, strict=True)
        ]
    return [msgspec.Raw(text) for text in encoded]


def _row_view(row: JobRow, zone: dt.tzinfo) -> dict[str, Any]:
    run = row.results.last_run
    return {
        **job_view(row.record, {}),  # rules may be long: the job itself shows its own
        "lastRun": None if run is None else _last_run_view(run, zone),
        "recent": [state.value for state in row.results.recent],
        "nextFire": None if row.next_fire_ms is None else shown_time(row.next_fire_ms, dt.UTC),
        "runningShards": row.running_shards,
        "waitingReason": row.waiting_reason[:_SUMMARY_CHARACTERS] or None,
    }


def _last_run_view(run: Run, zone: dt.tzinfo) -> dict[str, Any]:
    view = run_view(run, zone)
    return {**view, "summary": view["summary"][:_SUMMARY_CHARACTERS]}


def _shortened(view: dict[str, Any]) -> dict[str, Any]:
    short = {name: _cut(view[name]) for name in _LONG_FIELDS}
    last_run = view["lastRun"]
    return {
        **view,
        **short,
        "props": {},
        "lastRun": None if last_run is None else {**last_run, "summary": _cut(last_run["summary"])},
        "waitingReason": None if view["waitingReason"] is None else _cut(view["waitingReason"]),
        "shortened": True,
    }


def _cut(text: str) -> str:
    return text if len(text) <= _KEPT_CHARACTERS else text[:_KEPT_CHARACTERS] + "…"
