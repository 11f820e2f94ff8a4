"""What commands do to runs: trigger, rerun, kill. Each checks everything first, and raises before it changes anything."""

import msgspec

from elasticjob_cloud.model.errors import ConflictError, FieldError, InvalidRequestError
from elasticjob_cloud.model.fire import FireSource
from elasticjob_cloud.model.jobs.job import FIXED_PROPS, JobConfiguration
from elasticjob_cloud.model.jobs.sharding import ShardingParameterError, check_sharding_item_parameters
from elasticjob_cloud.model.records import FireRecord, JobRecord
from elasticjob_cloud.scheduling import commands
from elasticjob_cloud.scheduling.configuration.checks import job_of
from elasticjob_cloud.scheduling.fires.catching_up import settle_due
from elasticjob_cloud.scheduling.fires.new_fires import check_room_for_request, enqueue
from elasticjob_cloud.scheduling.runs.launching import look_for_room
from elasticjob_cloud.scheduling.runs.tasks import stop_run
from elasticjob_cloud.scheduling.state.run import ReadOnlyRun
from elasticjob_cloud.scheduling.state.turn import Turn

_KILLED = "Killed through the API."


def trigger_job(turn: Turn, command: commands.TriggerJob) -> int:
    """Run a transient job once now, apart from its cron; give the run's id, an earlier one's where the key says so."""
    key = command.idempotency_key
    if key:
        earlier = turn.state.idempotency_keys.run_id((command.job_name, key), turn.now_ms)
        if earlier is not None:
            return earlier
    job = _startable_job(turn, command.job_name)
    own = None
    if command.parameters is not commands.NO_PARAMETERS:
        own = _own_settings(job.configuration, command.parameters)
    settle_due(turn, command.job_name)  # an earlier fire goes first
    check_room_for_request(turn, command.job_name)
    fire = turn.fires.new_of(
        own or job.configuration,
        FireSource.TRIGGER,
        turn.now_ms,
        is_own=own is not None,
        triggered_by=command.triggered_by,
        idempotency_key=key,
    )
    enqueue(turn, fire)
    return fire.fire_id


def rerun_shards(turn: Turn, command: commands.RerunShards) -> int:
    """Run shards of an earlier run again, under what the job is today; give the new run's id."""
    job_name, items = command.job_name, tuple(sorted(set(command.items)))
    job = _startable_job(turn, job_name)
    total = job.configuration.sharding_total_count
    outside = [item for item in items if not 0 <= item < total]
    if outside:
        problem = f"shard {outside[0]} is none of the job's, which are 0 to {total - 1} today."
        raise InvalidRequestError.of(FieldError("items", problem))
    if _live_run(turn, job_name, command.run_id) is not None or _waiting(turn, job_name, command.run_id):
        message = (
            f"Run {command.run_id} of job '{job_name}' has not ended. Kill it first, or wait for its end."
        )
        raise ConflictError(message)
    settle_due(turn, job_name)
    check_room_for_request(turn, job_name)
    fire = turn.fires.new_of(
        job.configuration,
        FireSource.RERUN,
        turn.now_ms,
        is_own=True,  # the job may be changed while this waits: the shards are those of today's
        items=items,
        rerun_of=command.run_id,
        triggered_by=command.triggered_by,
    )
    enqueue(turn, fire)
    return fire.fire_id


def kill_run(turn: Turn, command: commands.KillRun) -> None:
    """Kill what runs of a run, and drop what waits of it; nothing of it starts again."""
    job_name, run_id = command.job_name, command.run_id
    waiting = _waiting(turn, job_name, run_id)
    run = _live_run(turn, job_name, run_id)
    fire = waiting if run is None else run.fire
    if fire is None:
        message = f"Run {run_id} of job '{job_name}' has ended."
        raise ConflictError(message)
    if fire.source is FireSource.DAEMON:
        message = f"Job '{job_name}' is a DAEMON job, which has no runs to kill. Disable it to end its tasks."
        raise InvalidRequestError(message)
    if waiting is not None:
        turn.fires.kill_waiting(waiting)
        look_for_room(turn, job_name)
    else:
        stop_run(turn, job_name, f"Killed by {command.killed_by}." if command.killed_by else _KILLED)


def _startable_job(turn: Turn, job_name: str) -> JobRecord:
    job = job_of(turn, job_name)
    if job.configuration.is_daemon:
        message = f"Job '{job_name}' is a DAEMON job: it runs all the time, and cannot be triggered."
        raise InvalidRequestError(message)
    if not turn.state.is_enabled(job_name):
        what = (
            "is disabled"
            if job.disabled
            else f"belongs to app '{job.configuration.app_name}', which is disabled"
        )
        message = f"Job '{job_name}' {what}; enable it first."
        raise ConflictError(message)
    return job


def _own_settings(job: JobConfiguration, given: commands.RunParameters) -> JobConfiguration | None:
    """Give what a run is to be started with that has parameters of its own; None where it has none."""
    if given == commands.NO_PARAMETERS:
        return None
    fixed = sorted(FIXED_PROPS & given.props.keys())
    if fixed:
        problem = f"'{fixed[0]}' cannot be replaced for one run. Change the job with PUT /api/job/update."
        raise InvalidRequestError.of(FieldError("props", problem))
    changes = {
        name: value
        for name in ("job_parameter", "sharding_item_parameters", "sharding_total_count")
        if (value := getattr(given, name)) is not None
    }
    own = msgspec.structs.replace(job, **changes, props={**job.props, **given.props})
    if own.sharding_total_count < 1:
        raise InvalidRequestError.of(FieldError("shardingTotalCount", "must be at least 1."))
    try:
        parameters = check_sharding_item_parameters(own.sharding_item_parameters, own.sharding_total_count)
    except ShardingParameterError as error:
        raise InvalidRequestError.of(FieldError("shardingItemParameters", str(error))) from error
    return msgspec.structs.replace(own, sharding_item_parameters=parameters)


def _live_run(turn: Turn, job_name: str, run_id: int) -> ReadOnlyRun | None:
    run = turn.state.runs.get(job_name)
    return run if run is not None and run.fire.fire_id == run_id else None


def _waiting(turn: Turn, job_name: str, run_id: int) -> FireRecord | None:
    return next((it for it in turn.state.waiting.get(job_name, ()) if it.fire_id == run_id), None)
