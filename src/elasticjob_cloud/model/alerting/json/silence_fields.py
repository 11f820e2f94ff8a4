"""Silences as JSON: the body of `POST /alert/silences`, and a silence as it is shown."""

from collections.abc import Mapping
from typing import Any

from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.json.fields import Fields, raise_if
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.model.errors import FieldError

_YEAR_MINUTES = 366 * 24 * 60
_LATEST_MS = 253_402_300_799_000  # the year 9999


def read_silence(body: Mapping[str, object], *, silence_id: str, created_by: str, now_ms: int) -> Silence:
    """Read a silence. Its end is `endTime` (milliseconds), or so many `minutes` after its start.

    Raises:
        InvalidRequestError: Fields are wrong; it lists all of them.
    """
    errors: list[FieldError] = []
    fields = Fields(body, errors)
    start = fields.number("startTime", least=0, most=_LATEST_MS, whole=True)
    start_ms = now_ms if start is None else int(start)
    end = fields.number("endTime", least=0, most=_LATEST_MS, whole=True)
    minutes = fields.number("minutes", least=0.1, most=_YEAR_MINUTES)
    if (end is None) == (minutes is None):
        fields.refuse("endTime", "is needed, or minutes, and not both: a silence has an end.")
    end_ms = start_ms + round((minutes or 0) * 60_000) if end is None else int(end)
    if not errors and end_ms <= max(start_ms, now_ms):
        fields.refuse("endTime", "must be later than now and than startTime.")
    silence = Silence(
        silence_id=silence_id,
        start_ms=start_ms,
        end_ms=end_ms,
        app_name=fields.text("appName", longest=100) or "",
        job_name=fields.text("jobName", longest=100) or "",
        condition=fields.choice("condition", Condition),
        created_by=created_by,
        comment=fields.text("comment", longest=1000) or "",
    )
    fields.refuse_others()
    raise_if(errors)
    return silence


def silence_fields(silence: Silence) -> dict[str, Any]:
    """Give a silence as it is shown."""
    return {
        "id": silence.silence_id,
        "startTime": silence.start_ms,
        "endTime": silence.end_ms,
        "appName": silence.app_name,
        "jobName": silence.job_name,
        "condition": silence.condition.value if silence.condition else "",
        "createdBy": silence.created_by,
        "comment": silence.comment,
    }
