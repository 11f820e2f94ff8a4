"""Runs, live and ended, and what lives only as long as they do: tasks, and shards to be started again."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, Table, text

from elasticjob_cloud.store.tables.columns import (
    ID,
    amount_column,
    count_column,
    index,
    keyed_by_text,
    later_number,
    later_text,
    metadata,
    text_column,
    time_column,
    truth_column,
)

fire: Final = Table(
    "fire",
    metadata,
    Column("fire_id", ID, primary_key=True, autoincrement=False, nullable=False),
    text_column("job_name"),
    text_column("source"),
    time_column("due_ms"),
    text_column("state"),
    time_column("recorded_ms"),
    text_column("reason"),
    count_column("count"),
    time_column("last_due_ms"),
    time_column("started_ms"),
    time_column("ended_ms"),
    count_column("failed_tasks"),
    text_column("configuration"),
    later_text("app_name"),
    later_text("outcome"),
    later_number("shard_total"),
    later_number("succeeded_shards"),
    later_number("killed_shards"),
    later_text("summary"),
    later_text("triggered_by"),
    later_number("rerun_of"),
    later_text("idempotency_key"),
    later_text("items"),
    later_text("run_source"),  # where `source` is another one, which versions before it can read
)
# What a fire is from its first row on; the rest tells what becomes of it.
LASTING_OF_FIRE: Final = frozenset(
    {
        "job_name",
        "source",
        "due_ms",
        "recorded_ms",
        "app_name",
        "triggered_by",
        "rerun_of",
        "idempotency_key",
        "items",
        "run_source",
    }
)
LIVE_FIRE: Final = "state IN ('WAITING', 'RUNNING')"
ENDED_FIRE: Final = "state IN ('COMPLETED', 'DROPPED')"
# How people see a fire (`FireRecord.run_state`, `FireRecord.source`).
RUN_SOURCE: Final = "CASE WHEN run_source <> '' THEN run_source ELSE source END"
RUN_STATE: Final = (
    "CASE WHEN state <> 'COMPLETED' THEN state WHEN outcome <> '' THEN outcome "
    "WHEN failed_tasks > 0 THEN 'FAILED' ELSE 'SUCCEEDED' END"
)
HAS_APP: Final = "app_name <> ''"
HAS_KEY: Final = "idempotency_key <> ''"


_FIRE = fire.c
_ORDER = (_FIRE.recorded_ms, _FIRE.fire_id)
# `store/history/runs.py` reads these. A run is in the three of ended ones from its end on, so that each is written once.
# All that filters ask of live ones is in their index: a hundred thousand may wait, and few of them match.
_NAMES = (_FIRE.job_name, _FIRE.app_name, _FIRE.source, _FIRE.run_source)
index("fire_live", _FIRE.state, *_ORDER, *_NAMES, where=LIVE_FIRE)
_ENDED_BY = (text(f"({RUN_SOURCE})"), text(f"({RUN_STATE})"), *_ORDER)
index("fire_ended", *_ENDED_BY, where=ENDED_FIRE)
index("fire_ended_job_name", _FIRE.job_name, _FIRE.app_name, *_ENDED_BY, where=ENDED_FIRE)
index("fire_ended_app_name", _FIRE.app_name, *_ENDED_BY, where=f"{ENDED_FIRE} AND {HAS_APP}")
index("fire_idempotency_key", _FIRE.recorded_ms, where=HAS_KEY)
Index("fire_recorded_ms", fire.c.recorded_ms)

# What the settings of a job were for its fires below `before_fire_id`, written when they change or go.
past_configuration: Final = keyed_by_text(
    "past_configuration",
    text_column("job_name", primary_key=True),
    Column("before_fire_id", BigInteger, primary_key=True, autoincrement=False, nullable=False),
    text_column("configuration"),
)

task: Final = keyed_by_text(
    "task",
    text_column("task_id", primary_key=True),
    Column("fire_id", BigInteger, nullable=False),
    text_column("job_name"),
    text_column("app_name"),
    count_column("item"),
    text_column("type"),
    text_column("agent_id"),
    text_column("state"),
    time_column("staged_ms"),
    amount_column("cpu_count"),
    amount_column("memory_mb"),
    count_column("attempt"),
    text_column("original_task_id"),
    text_column("kill_reason"),
    truth_column("idle"),
    time_column("running_ms"),
    truth_column("is_script"),
)

failover: Final = keyed_by_text(
    "failover",
    Column("fire_id", BigInteger, primary_key=True, autoincrement=False, nullable=False),
    text_column("job_name"),
    Column("item", Integer, primary_key=True, autoincrement=False, nullable=False),
    text_column("original_task_id"),
    text_column("agent_id"),
    count_column("attempt"),
    time_column("due_ms"),
)
