"""What happened: the rows that the schedulers wrote, and the lines that the jobs themselves wrote.

Both are needed. The record alone would not show a shard that ran without being recorded, and the shards' own lines alone
would not show a fire that never became one.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from sqlalchemy import create_engine, select
from sqlalchemy.pool import NullPool

from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.records import FireRecord, StatusTrace
from elasticjob_cloud.model.task import TaskId
from elasticjob_cloud.store import rows, tables

NS = 1_000_000_000
# A shard beats every 0.1 s. Where that stops for longer than this, it did not run: it was frozen, or killed.
LONGEST_PAUSE_NS = 1 * NS


class Mark(StrEnum):
    """What a line of a job's own output says."""

    START = "START"
    BEAT = "BEAT"  # every 0.1 s
    END = "END"  # it did all that it was to do


@dataclass(frozen=True, slots=True)
class OutputLine:
    """A line that a shard wrote itself. `at_ns` is the time since the machine's start, the same on all hosts."""

    mark: Mark
    at_ns: int
    host: str
    pid: int
    task_id: str

    @classmethod
    def parse(cls, line: str) -> "OutputLine":
        mark, at_ns, host, pid, task_id = line.split(" ")
        return cls(Mark(mark), int(at_ns), host, int(pid), task_id)


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a task ran without a pause, on one host."""

    task_id: str
    host: str
    first_ns: int
    last_ns: int

    def overlaps(self, other: "Span") -> bool:
        return self.first_ns < other.last_ns and other.first_ns < self.last_ns


@dataclass(frozen=True, slots=True)
class RegisteredJob:
    """A job of the cluster under test, and since when its cron is in force."""

    configuration: JobConfiguration
    since_ms: int


@dataclass
class History:
    """All that the checker looks at.

    `fires_until_ms`: every fire that was due by then must be recorded. `accepted` and `unanswered` count API triggers by
    job: those answered `200`, and those whose answer never came, which may have been accepted or not.
    """

    jobs: dict[str, RegisteredJob]
    fires: list[FireRecord] = field(default_factory=list)
    traces: list[StatusTrace] = field(default_factory=list)
    live_task_ids: list[str] = field(default_factory=list)
    waiting_failovers: int = 0
    output: list[OutputLine] = field(default_factory=list)
    fires_until_ms: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)


def read_database(url: str, history: History, since_ms: int = 0) -> None:
    """Read all that the schedulers recorded of runs since then, as of one instant."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        fire = tables.fire
        fires = connection.execute(
            select(fire).where(fire.c.recorded_ms >= since_ms).order_by(fire.c.fire_id)
        )
        history.fires = [rows.fire_record(row) for row in fires]
        log = tables.job_status_trace_log
        # All of ElasticJob's columns but the number, which is the order of the record.
        columns = tables.upstream_columns(log)[1:]
        traces = connection.execute(
            select(*columns).where(log.c.creation_time >= since_ms).order_by(log.c.id)
        )
        history.traces = [StatusTrace(*row) for row in traces]
        history.live_task_ids = list(connection.execute(select(tables.task.c.task_id)).scalars())
        failovers = connection.execute(select(tables.failover.c.item)).scalars()
        history.waiting_failovers = len(list(failovers))
    engine.dispose()


class OutputReader:
    """Reads what all shards on all hosts wrote; each time only what is new."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._offsets: dict[Path, int] = {}
        self._lines: list[OutputLine] = []

    def read(self) -> list[OutputLine]:
        """Give all lines so far, in the order of time."""
        for path in sorted(self._directory.glob("*.lines")):
            with path.open("rb") as file:
                file.seek(self._offsets.get(path, 0))
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]  # the last line may be being written
            self._offsets[path] = self._offsets.get(path, 0) + len(whole)
            self._lines += [OutputLine.parse(line) for line in whole.decode().splitlines()]
        self._lines.sort(key=lambda line: line.at_ns)
        return list(self._lines)


def spans(lines: Iterable[OutputLine]) -> list[Span]:
    """Give when each task ran, in the order of their beginning; the lines come in the order of time."""
    found: list[Span] = []
    latest: dict[tuple[str, str, int], int] = {}
    for line in lines:
        key = line.task_id, line.host, line.pid
        place = latest.get(key)
        if place is not None and line.at_ns - found[place].last_ns <= LONGEST_PAUSE_NS:
            found[place] = replace(found[place], last_ns=line.at_ns)
        else:
            latest[key] = len(found)
            found.append(Span(line.task_id, line.host, line.at_ns, line.at_ns))
    return found


def job_of(task_id: str) -> str:
    return TaskId.parse(task_id).job_name
