"""Hypothesis strategies for records of every kind."""

from typing import Final

from hypothesis import strategies as st

from elasticjob_cloud.model.fire import FireSource, FireState, RunState
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import (
    ErrorHandlerType,
    ExecutorServiceType,
    JobConfiguration,
    JobExecutionType,
)
from elasticjob_cloud.model.records import (
    AppRecord,
    AttemptEnd,
    Changes,
    ExecutionTrace,
    FailoverRecord,
    FireRecord,
    JobRecord,
    ScheduleSpans,
    StatusTrace,
    TaskRecord,
)
from elasticjob_cloud.model.task import TaskState, TaskType

# Any script, emoji, quotes and line ends; not NUL, which PostgreSQL has no place for, nor lone surrogates.
TEXTS: Final = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
NAMES: Final = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=20)
COUNTS: Final = st.integers(0, 2**31 - 1)
TIMES: Final = st.integers(0, 2**48)
IDS: Final = st.integers(1, 2**48)
AMOUNTS: Final = st.floats(0.001, 1e9)

APP_CONFIGURATIONS: Final = st.builds(
    AppConfiguration,
    app_name=NAMES,
    app_url=TEXTS,
    bootstrap_script=TEXTS,
    cpu_count=AMOUNTS,
    memory_mb=AMOUNTS,
    app_cache_enable=st.booleans(),
    event_trace_sampling_count=COUNTS,
)
APPS: Final = st.builds(AppRecord, APP_CONFIGURATIONS, disabled=st.booleans(), removing=st.booleans())
JOB_CONFIGURATIONS: Final = st.builds(
    JobConfiguration,
    job_name=NAMES,
    app_name=NAMES,
    job_execution_type=st.sampled_from(JobExecutionType),
    sharding_total_count=COUNTS,
    cpu_count=AMOUNTS,
    memory_mb=AMOUNTS,
    cron=TEXTS,
    time_zone=TEXTS,
    sharding_item_parameters=TEXTS,
    job_parameter=TEXTS,
    failover=st.booleans(),
    misfire=st.booleans(),
    job_executor_service_handler_type=st.sampled_from(ExecutorServiceType),
    job_error_handler_type=st.sampled_from(ErrorHandlerType),
    timeout_seconds=COUNTS,
    description=TEXTS,
    props=st.dictionaries(TEXTS, TEXTS, max_size=3),
)
JOBS: Final = st.builds(JobRecord, JOB_CONFIGURATIONS, disabled=st.booleans(), since_ms=TIMES)
FIRES: Final = st.builds(
    FireRecord,
    fire_id=IDS,
    job_name=NAMES,
    source=st.sampled_from(FireSource),
    due_ms=TIMES,
    state=st.sampled_from(FireState),
    recorded_ms=TIMES,
    reason=TEXTS,
    count=COUNTS,
    last_due_ms=TIMES,
    started_ms=TIMES,
    ended_ms=TIMES,
    failed_tasks=COUNTS,
    configuration=st.none() | JOB_CONFIGURATIONS,
    app_name=TEXTS,
    outcome=st.none() | st.sampled_from(RunState),
    shard_total=COUNTS,
    succeeded_shards=COUNTS,
    summary=TEXTS,
    triggered_by=TEXTS,
    rerun_of=TIMES,
    idempotency_key=TEXTS,
    items=st.lists(COUNTS, max_size=3).map(tuple),
)
TASKS: Final = st.builds(
    TaskRecord,
    task_id=TEXTS,
    fire_id=IDS,
    job_name=NAMES,
    app_name=NAMES,
    item=COUNTS,
    type=st.sampled_from(TaskType),
    agent_id=TEXTS,
    state=st.sampled_from(TaskState),
    staged_ms=TIMES,
    cpu_count=AMOUNTS,
    memory_mb=AMOUNTS,
    attempt=COUNTS,
    original_task_id=TEXTS,
    kill_reason=TEXTS,
    idle=st.booleans(),
    running_ms=TIMES,
    is_script=st.booleans(),
)
FAILOVERS: Final = st.builds(
    FailoverRecord,
    fire_id=IDS,
    job_name=NAMES,
    item=COUNTS,
    original_task_id=TEXTS,
    agent_id=TEXTS,
    attempt=COUNTS,
    due_ms=TIMES,
)
ATTEMPT_ENDS: Final = st.builds(
    AttemptEnd,
    fire_id=IDS,
    attempt=COUNTS,
    staged_ms=TIMES,
    running_ms=TIMES,
    success=st.booleans(),
    exit_code=st.none() | COUNTS,
    signal=COUNTS,
    summary=TEXTS,
)
STATUS_TRACES: Final = st.builds(
    StatusTrace,
    job_name=NAMES,
    original_task_id=TEXTS,
    task_id=TEXTS,
    slave_id=TEXTS,
    source=TEXTS,
    execution_type=TEXTS,
    sharding_item=COUNTS,
    state=st.sampled_from([state.value for state in TaskState]),
    message=TEXTS,
    creation_ms=TIMES,
    attempt_end=st.none() | ATTEMPT_ENDS,
)
EXECUTIONS: Final = st.builds(
    ExecutionTrace,
    job_name=NAMES,
    task_id=TEXTS,
    hostname=TEXTS,
    ip=TEXTS,
    sharding_item=COUNTS,
    execution_source=TEXTS,
    failure_cause=TEXTS,
    is_success=st.booleans(),
    start_ms=TIMES,
    complete_ms=TIMES,
    app_name=TEXTS,
    summary=TEXTS,
)

_SPANS: Final = st.lists(st.tuples(TIMES, TIMES), max_size=2).map(tuple)
SPANS: Final = st.builds(ScheduleSpans, skipped=_SPANS, taken=_SPANS)


@st.composite
def changes_of_all_kinds(draw: st.DrawFn) -> Changes:
    """Rows to write, of every kind and without deletions, each under its own key."""
    return Changes(
        apps={record.configuration.app_name: record for record in draw(st.lists(APPS, max_size=3))},
        jobs={record.configuration.job_name: record for record in draw(st.lists(JOBS, max_size=3))},
        past_configurations=dict(
            draw(st.dictionaries(st.tuples(NAMES, IDS), JOB_CONFIGURATIONS, max_size=2))
        ),
        schedules=dict(draw(st.dictionaries(NAMES, TIMES, max_size=3))),
        spans=draw(st.dictionaries(NAMES, SPANS, max_size=2)),
        sequences=dict(draw(st.dictionaries(NAMES, IDS, max_size=3))),
        fires={record.fire_id: record for record in draw(st.lists(FIRES, max_size=4))},
        tasks={record.task_id: record for record in draw(st.lists(TASKS, max_size=4))},
        failovers={(record.fire_id, record.item): record for record in draw(st.lists(FAILOVERS, max_size=3))},
        status_traces=draw(st.lists(STATUS_TRACES, max_size=3)),
        executions=draw(st.lists(EXECUTIONS, max_size=3)),
    )
