"""Which error handlers can send nothing as a job is set up: it is refused, since nobody would hear of its failures."""

from collections.abc import Mapping
from typing import Final

from elasticjob_cloud.model.errors import FieldError
from elasticjob_cloud.model.jobs.job import ErrorHandlerType, JobConfiguration

# What each that sends a message cannot do without (docs/error-handlers.md).
REQUIRED_PROPS: Final[Mapping[ErrorHandlerType, tuple[str, ...]]] = {
    ErrorHandlerType.EMAIL: ("email.host", "email.port", "email.from", "email.to"),
    ErrorHandlerType.WECHAT: ("wechat.webhook",),
    ErrorHandlerType.DINGTALK: ("dingtalk.webhook",),
    ErrorHandlerType.WEBHOOK: ("webhook.url",),
}
_FIELD: Final = "jobErrorHandlerType"


def error_handler_errors(job: JobConfiguration) -> list[FieldError]:
    """Say why a job's error handler could never send a message."""
    handler = job.job_error_handler_type
    required = REQUIRED_PROPS.get(handler, ())
    if not required:
        return []
    if job.is_script:
        problem = (
            f"{handler} is sent by the SDK, and a script runs without it: nobody would hear of its failures. "
            "Leave LOG, and have the scheduler send alerts: docs/alerts.md."
        )
        return [FieldError(_FIELD, problem)]
    missing = [name for name in required if not job.props.get(name, "").strip()]
    if not missing:
        return []
    return [FieldError(_FIELD, f"{handler} sends nothing without the props {', '.join(missing)}.")]
