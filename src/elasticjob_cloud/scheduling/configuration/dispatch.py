"""Which command of the API does what, and which has to wait."""

from typing import assert_never

from elasticjob_cloud.model.alerting.rule import APP_PREFIX, JOB_PREFIX
from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.scheduling import commands
from elasticjob_cloud.scheduling.configuration.alerts import (
    acknowledge_alert,
    drop_silence,
    put_alert_rule,
    put_rule_of,
)
from elasticjob_cloud.scheduling.configuration.apps import (
    delete_app,
    publish_app,
    set_app_disabled,
    update_app,
)
from elasticjob_cloud.scheduling.configuration.jobs import (
    deregister_job,
    reconcile_clock,
    register_job,
    set_job_disabled,
    update_job,
)
from elasticjob_cloud.scheduling.configuration.runs import kill_run, rerun_shards, trigger_job
from elasticjob_cloud.scheduling.runs.tasks import kill_tasks
from elasticjob_cloud.scheduling.state.turn import Turn


def carry_out(turn: Turn, command: commands.ApiCommand) -> int | None:
    """Carry out one command of the API; give the id of the run that it starts, if it starts one.

    Raises:
        CallerError: it cannot be carried out; nothing changed.
        UnavailableError: the ready queue is full.
    """
    match command:
        case commands.PublishApp():
            publish_app(turn, command)
            put_rule_of(turn, APP_PREFIX + command.configuration.app_name, command.alerts)
        case commands.UpdateApp():
            update_app(turn, command)
            put_rule_of(turn, APP_PREFIX + command.app_name, command.alerts)
        case commands.SetAppDisabled():
            set_app_disabled(turn, command.app_name, disabled=command.disabled)
        case commands.DeleteApp():
            delete_app(turn, command.app_name)
        case commands.RegisterJob():
            register_job(turn, command)
            put_rule_of(turn, JOB_PREFIX + command.configuration.job_name, command.alerts)
        case commands.UpdateJob():
            update_job(turn, command)
            put_rule_of(turn, JOB_PREFIX + command.configuration.job_name, command.alerts)
        case commands.DeregisterJob():
            deregister_job(turn, command)
        case commands.SetJobDisabled():
            set_job_disabled(turn, command)
        case commands.TriggerJob():
            return trigger_job(turn, command)
        case commands.RerunShards():
            return rerun_shards(turn, command)
        case commands.KillRun():
            kill_run(turn, command)
        case commands.KillTask():
            _kill_task(turn, command.task_id)
        case commands.ReconcileClock():
            reconcile_clock(turn)
        case commands.PutAlertRule():
            put_alert_rule(turn, command)
        case commands.PutSilence():
            turn.alerts.put_silence(command.silence, turn.now_ms)
        case commands.DropSilence():
            drop_silence(turn, command.silence_id)
        case commands.AcknowledgeAlert():
            acknowledge_alert(turn, command)
        case _:
            assert_never(command)
    return None


def is_decidable(turn: Turn, command: commands.ApiCommand) -> bool:
    """Tell whether a command can be carried out yet: not before the missed fires of the jobs that it changes are known."""
    backlog = turn.backlog
    match command:
        case commands.UpdateJob():
            return not backlog.prefer_missed(command.configuration.job_name)
        case commands.DeregisterJob() | commands.SetJobDisabled():
            return not backlog.prefer_missed(command.job_name)
        case commands.UpdateApp(disabled=None):
            return True
        case commands.SetAppDisabled() | commands.UpdateApp() | commands.DeleteApp():
            jobs = turn.state.jobs_of_app.get(command.app_name, ())
            return not any(backlog.missed_after_ms(job_name) is not None for job_name in jobs)
        case commands.ReconcileClock():
            return backlog.next_missed() is None
        case _:
            return True


def _kill_task(turn: Turn, task_id: str) -> None:
    task = turn.state.tasks.get(task_id)
    if task is None:
        message = f"No live task has the id '{task_id}': it has ended, or never was."
        raise NotFoundError(message)
    kill_tasks(turn, [task], task.kill_reason or "Killed through the API.")
