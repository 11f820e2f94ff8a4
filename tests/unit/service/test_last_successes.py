"""The gauge of each job's last success, over a real core."""

from prometheus_client import CollectorRegistry

from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.messages import Execution, TaskStatus
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.commands import DeregisterJob, RegisterJob, TriggerJob
from elasticjob_cloud.service.metrics.last_successes import LastSuccesses
from tests.unit.scheduling.core_driver import FAILED, FINISHED, SECOND_MS, CoreDriver, daemon, job


class Shown:
    """A core, and what the metrics show of its jobs."""

    def __init__(self, *jobs: JobConfiguration, job_limit: int = 3) -> None:
        self.driver = CoreDriver(*jobs)
        self.registry = CollectorRegistry()
        self.successes = LastSuccesses(job_limit, self.registry)
        self.successes.follow(self.driver.core)

    def run(self, end: TaskState = FINISHED, job_name: str = "job", *, succeeds: bool = True) -> int:
        """Have a job run, and give when it ended."""
        self.driver.pass_time(SECOND_MS)
        self.driver.ask(TriggerJob(job_name))
        task = self.driver.task(job_name)
        execution = Execution(self.driver.wall_ms, self.driver.wall_ms, succeeds)
        self.driver.tell(TaskStatus(task.task_id, end, self.driver.wall_ms, execution=execution))
        self.successes.note(self.driver.last.changes)
        return self.driver.wall_ms

    def time_ms(self, job_name: str = "job") -> float | None:
        labels = {"job": job_name}
        value = self.registry.get_sample_value("elasticjob_last_success_timestamp_seconds", labels)
        return None if value is None else value * 1000


def test_job_that_never_succeeded_has_no_time() -> None:
    shown = Shown(job())
    shown.run(FAILED)
    assert shown.time_ms() is None


def test_success_is_shown_and_a_failure_after_it_changes_nothing() -> None:
    shown = Shown(job())
    ended_ms = shown.run()
    shown.run(FAILED)
    assert shown.time_ms() == ended_ms


def test_run_whose_job_code_failed_is_no_success_although_its_task_finished() -> None:
    shown = Shown(job())
    shown.run(FINISHED, succeeds=False)
    assert shown.time_ms() is None


def test_executions_of_a_daemon_count_and_its_task_does_not() -> None:
    shown = Shown(daemon())
    driver, task = shown.driver, shown.driver.task()
    for succeeds, complete_ms in ((True, 10_000), (False, 20_000)):
        driver.tell(
            TaskStatus(task.task_id, TaskState.RUNNING, 1, "COMPLETE", Execution(1, complete_ms, succeeds))
        )
        shown.successes.note(driver.last.changes)
    driver.end(task)
    shown.successes.note(driver.last.changes)
    assert shown.time_ms() == 10_000


def test_earlier_successes_never_replace_later_ones() -> None:
    shown = Shown(job(), job("other"))
    ended_ms = shown.run()
    shown.successes.note_earlier(shown.driver.core, {"job": ended_ms - 1, "other": 7_000})
    assert (shown.time_ms(), shown.time_ms("other")) == (ended_ms, 7_000)


def test_beyond_the_limit_no_job_is_shown_and_below_it_the_record_is_asked_again() -> None:
    shown = Shown(job(), job("other"), job_limit=2)
    shown.successes.note_earlier(shown.driver.core, {"other": 7_000})
    shown.run()
    shown.driver.ask(RegisterJob(job("third")))
    assert (shown.time_ms(), shown.time_ms("other")) == (None, None)
    shown.run()
    assert not shown.successes.has_earlier
    shown.driver.ask(DeregisterJob("third"))
    ended_ms = shown.run()
    assert (shown.time_ms(), shown.time_ms("other")) == (ended_ms, None)


def test_job_registered_again_under_a_name_has_not_succeeded_yet() -> None:
    shown = Shown(job())
    shown.run()
    shown.driver.ask(DeregisterJob("job"))
    shown.successes.note(shown.driver.last.changes)
    shown.driver.ask(RegisterJob(job()))
    assert shown.time_ms() is None


def test_limit_of_none_shows_none_and_so_does_a_scheduler_that_stands_by() -> None:
    hidden = Shown(job(), job_limit=0)
    hidden.run()
    assert hidden.time_ms() is None

    shown = Shown(job())
    shown.run()
    shown.successes.follow(None)
    assert shown.time_ms() is None
