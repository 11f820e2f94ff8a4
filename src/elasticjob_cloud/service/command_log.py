"""Logs which commands were carried out."""

import structlog

from elasticjob_cloud.scheduling.commands import ApiCommand, TriggerJob

_log = structlog.get_logger(__name__)
_FIELDS = {
    "job_name": "job",
    "app_name": "app",
    "task_id": "task",
    "scope": "scope",
    "alert_id": "alert",
    "silence_id": "silence",
}


def log_command(command: ApiCommand) -> None:
    """Say what was done to what; not with which settings, which may hold secrets."""
    # Triggers come by the thousand; all else is worth a line.
    log = _log.debug if isinstance(command, TriggerJob) else _log.info
    log("A command was carried out.", command=type(command).__name__, **_described(command))


def _described(command: ApiCommand) -> dict[str, object]:
    configuration = getattr(command, "configuration", None)
    named = command if configuration is None else configuration
    name = next((field for field in _FIELDS if hasattr(named, field)), None)
    said = {} if name is None else {_FIELDS[name]: getattr(named, name)}
    disabled = getattr(command, "disabled", None)
    return said if disabled is None else {**said, "disabled": disabled}
