"""What users ask of runs: triggers with parameters and keys, reruns of shards, kills of runs."""

import pytest

from elasticjob_cloud.model.errors import CallerError, ConflictError, InvalidRequestError, NotFoundError
from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.jobs.job import SCRIPT_COMMAND_LINE
from elasticjob_cloud.model.messages import Launch
from elasticjob_cloud.scheduling.commands import (
    ApiCommand,
    DeregisterJob,
    KillRun,
    RegisterJob,
    RerunShards,
    RunParameters,
    SetJobDisabled,
    TriggerJob,
    UpdateJob,
)
from elasticjob_cloud.scheduling.state.idempotency import KEYS_HOLD_MS
from tests.unit.scheduling.core_driver import (
    EVERY_MINUTE,
    FAILED,
    KILLED,
    MINUTE_MS,
    SECOND_MS,
    CoreDriver,
    daemon,
    job,
    triggered,
)


def ask(driver: CoreDriver, command: ApiCommand) -> int:
    """Have one command carried out; give the id of the run that it names."""
    (run_id,) = driver.ask(command).run_ids.values()
    return run_id


def launch_of(driver: CoreDriver) -> Launch:
    (launch,) = driver.sent(Launch)
    assert isinstance(launch, Launch)
    return launch


# Triggers


def test_a_trigger_answers_the_runs_id_and_records_who_asked() -> None:
    driver = CoreDriver(job())
    run_id = ask(driver, TriggerJob("job", triggered_by="ada"))

    fire = driver.store.fires[run_id]
    assert (fire.source, fire.triggered_by, fire.state) == (FireSource.TRIGGER, "ada", FireState.RUNNING)


def test_parameters_of_a_trigger_hold_for_its_run_alone() -> None:
    driver = CoreDriver(job(job_parameter="always", props={SCRIPT_COMMAND_LINE: "run", "a": "1", "b": "1"}))
    own = RunParameters("once", "0=Beijing,1=Shanghai,", 2, {"b": "2", "c": "2"})
    run_id = ask(driver, TriggerJob("job", own))
    launched = launch_of(driver)
    for task in driver.tasks():
        driver.end(task)
    driver.ask(TriggerJob("job"))

    assert [(it.item, it.parameter) for it in launched.tasks] == [(0, "Beijing"), (1, "Shanghai")]
    assert launched.job.job_parameter == "once"
    assert launched.job.props == {SCRIPT_COMMAND_LINE: "run", "a": "1", "b": "2", "c": "2"}
    assert driver.store.fires[run_id].configuration == launched.job, "its record shows them when it has ended"
    assert launch_of(driver).job == driver.store.jobs["job"].configuration


def test_parameters_that_say_nothing_are_none() -> None:
    driver = triggered(job())
    waiting = ask(driver, TriggerJob("job", RunParameters()))
    assert driver.store.fires[waiting].configuration is None, "it has nothing of its own to keep"

    driver.end(driver.task())

    assert launch_of(driver).job == driver.store.jobs["job"].configuration


def test_parameters_of_a_trigger_outlive_an_update_and_a_change_of_leader_while_it_waits() -> None:
    driver = triggered(job())
    first = driver.task()
    driver.ask(TriggerJob("job", RunParameters(job_parameter="once", sharding_total_count=2)))
    driver.ask(UpdateJob(job(job_parameter="new")))
    driver.restart()
    driver.join("agent-0", driver.status(first, KILLED))

    assert launch_of(driver).job.job_parameter == "once"
    assert len(driver.tasks()) == 2


@pytest.mark.parametrize(
    "parameters,field",
    [
        (RunParameters(props={SCRIPT_COMMAND_LINE: "rm"}), "props"),
        (RunParameters(props={"http.uri": "http://elsewhere"}), "props"),
        (RunParameters(sharding_total_count=1), "shardingItemParameters"),
        (RunParameters(sharding_item_parameters="5=x"), "shardingItemParameters"),
        (RunParameters(sharding_item_parameters="0=a;1=b"), "shardingItemParameters"),
        (RunParameters(sharding_total_count=0, sharding_item_parameters=""), "shardingTotalCount"),
    ],
)
def test_parameters_that_the_job_itself_could_not_have_are_refused(
    parameters: RunParameters, field: str
) -> None:
    driver = CoreDriver(job(sharding_total_count=2, sharding_item_parameters="0=a,1=b"))
    with pytest.raises(InvalidRequestError) as refused:
        driver.ask(TriggerJob("job", parameters))

    assert [error.field for error in refused.value.errors] == [field]
    assert not driver.last.changes


@pytest.mark.parametrize("restarts", [False, True])
def test_the_same_key_answers_the_first_run_and_starts_nothing(restarts: bool) -> None:
    driver = CoreDriver(job(), job("other"))
    command = TriggerJob("job", idempotency_key="report-7")
    first = ask(driver, command)
    driver.end(driver.task())
    if restarts:
        driver.restart()
        driver.join()
    driver.ask(SetJobDisabled("job", disabled=True))

    assert ask(driver, command) == first
    assert not driver.last.changes
    assert ask(driver, TriggerJob("other", idempotency_key="report-7")) != first, "keys are the job's"


def test_a_key_holds_for_a_day() -> None:
    driver = CoreDriver(job())
    command = TriggerJob("job", idempotency_key="k")
    first = ask(driver, command)
    driver.end(driver.task())
    driver.pass_time(KEYS_HOLD_MS - 1)
    assert ask(driver, command) == first
    driver.pass_time(1)
    second = ask(driver, command)

    assert second != first
    assert ask(driver, command) == second
    assert len(driver.core._state.idempotency_keys._runs) == 1


def test_a_trigger_that_is_refused_leaves_its_key_free() -> None:
    driver = CoreDriver(job())
    driver.ask(SetJobDisabled("job", disabled=True))
    with pytest.raises(ConflictError):
        driver.ask(TriggerJob("job", idempotency_key="k"))
    driver.ask(SetJobDisabled("job", disabled=False))

    assert driver.store.fires[ask(driver, TriggerJob("job", idempotency_key="k"))].idempotency_key == "k"


# Reruns


def test_a_rerun_starts_its_own_shards_under_what_the_job_is_today() -> None:
    driver = triggered(job(sharding_total_count=4))
    for task in driver.tasks():
        driver.end(task, FAILED)
    driver.ask(UpdateJob(job(sharding_total_count=4, sharding_item_parameters="1=b,3=d")))
    run_id = ask(driver, RerunShards("job", 1, (3, 1, 3), "ada"))
    launched = launch_of(driver)
    for task in driver.tasks():
        driver.end(task)

    fire = driver.store.fires[run_id]
    assert [(it.item, it.parameter) for it in launched.tasks] == [(1, "b"), (3, "d")]
    assert launched.job.sharding_total_count == 4
    assert (fire.source, fire.rerun_of, fire.items, fire.triggered_by) == (FireSource.RERUN, 1, (1, 3), "ada")
    assert (fire.run_state, fire.shard_total, fire.succeeded_shards) == (RunState.SUCCEEDED, 2, 2)


def test_a_rerun_keeps_its_shards_over_a_change_of_leader() -> None:
    driver = triggered(job(sharding_total_count=3), agents=0)
    driver.ask(KillRun("job", 1))
    driver.ask(RerunShards("job", 1, (2,)))
    driver.restart()
    driver.join()

    assert [task.item for task in driver.tasks()] == [2]


def test_a_rerun_waits_for_the_jobs_run_and_for_no_more_room_than_its_shards_need() -> None:
    driver = triggered(job(sharding_total_count=1))
    driver.end(driver.task())
    driver.ask(UpdateJob(job(sharding_total_count=1_000)))
    driver.ask(RerunShards("job", 1, (999,)))

    assert [task.item for task in driver.tasks()] == [999]


@pytest.mark.parametrize(
    "command,error",
    [
        (RerunShards("none", 1), NotFoundError),
        (RerunShards("job", 1), ConflictError),
        (RerunShards("job", 2, (1,)), ConflictError),
        (RerunShards("job", 9, (2,)), InvalidRequestError),
        (RerunShards("job", 9, (-1,)), InvalidRequestError),
        (RerunShards("daemon", 3), InvalidRequestError),
        (RerunShards("resting", 9), ConflictError),
        (KillRun("job", 9), ConflictError),
        (KillRun("none", 1), ConflictError),
        (KillRun("daemon", 3), InvalidRequestError),
    ],
)
def test_what_cannot_be_done_to_runs_is_refused(command: ApiCommand, error: type[CallerError]) -> None:
    driver = CoreDriver(job(sharding_total_count=2), job("resting"))
    driver.ask(TriggerJob("job"), TriggerJob("job"))
    driver.ask(RegisterJob(daemon("daemon")), SetJobDisabled("resting", disabled=True))
    assert driver.store.fires[3].source is FireSource.DAEMON

    with pytest.raises(error):
        driver.ask(command)
    assert not driver.last.changes


# Kills


def test_the_kill_of_a_run_ends_its_tasks_and_starts_none_of_it_again() -> None:
    driver = triggered(job(sharding_total_count=3, failover=True))
    tasks = driver.tasks()
    driver.end(tasks[0], FAILED)
    driver.ask(KillRun("job", 1, "ada"))
    assert driver.killed() == [task.task_id for task in tasks[1:]]
    for task in tasks[1:]:
        driver.end(task, KILLED)
    driver.pass_time(MINUTE_MS)

    (fire,) = driver.fires(FireState.COMPLETED)
    assert (fire.run_state, fire.failed_tasks, fire.killed_shards) == (RunState.FAILED, 1, 2)
    assert fire.reason == "Killed by ada."
    assert not driver.tasks()


def test_the_job_goes_on_after_the_kill_of_a_run() -> None:
    driver = triggered(job(cron=EVERY_MINUTE))
    task = driver.task()
    driver.ask(TriggerJob("job"))
    driver.ask(KillRun("job", 1))
    driver.end(task, KILLED)
    assert driver.task().fire_id == 2, "what waited behind it starts"
    driver.end(driver.task())
    driver.pass_time(MINUTE_MS)

    assert driver.task().fire_id == 3


def test_the_kill_of_a_run_holds_for_a_new_leader() -> None:
    driver = triggered(job(failover=True))
    task = driver.task()
    driver.ask(KillRun("job", 1))
    driver.restart()
    driver.lose()
    driver.pass_time(SECOND_MS)

    (fire,) = driver.fires(FireState.COMPLETED)
    assert (fire.run_state, fire.fire_id) == (RunState.KILLED, task.fire_id)


def test_a_run_that_waits_is_dropped_by_its_kill() -> None:
    driver = triggered(job())
    driver.ask(TriggerJob("job"), TriggerJob("job"))
    driver.ask(KillRun("job", 2))
    assert [fire.fire_id for fire in driver.fires(FireState.WAITING)] == [3]
    driver.ask(KillRun("job", 3))
    driver.end(driver.task())

    assert [(it.fire_id, it.reason) for it in driver.fires(FireState.DROPPED)] == [
        (2, "killed"),
        (3, "killed"),
    ]
    assert not driver.tasks()


def test_the_next_fire_is_ready_when_the_one_before_it_is_killed_while_it_waits_for_room() -> None:
    driver = triggered(job(cpu_count=100.0))
    driver.ask(TriggerJob("job", RunParameters(sharding_total_count=2)))
    driver.ask(KillRun("job", 1))
    driver.join("large", cpus=300.0)

    assert [task.fire_id for task in driver.tasks()] == [2, 2]


def test_a_job_that_is_gone_keeps_no_run_that_could_be_killed() -> None:
    driver = triggered(job())
    driver.ask(DeregisterJob("job"))
    driver.ask(KillRun("job", 1))  # its task still ends
    driver.end(driver.task(), KILLED)

    with pytest.raises(ConflictError, match="Run 1 of job 'job' has ended"):
        driver.ask(KillRun("job", 1))
