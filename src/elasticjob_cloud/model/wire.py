"""The executor protocol: JSON lines between an agent and an app's executor. Standard library only.

`docs/executor-protocol.md` describes it for other languages. One JSON object a line, UTF-8, ended by a line feed, over
the stream socket named by `ELASTICJOB_AGENT_ADDRESS` (`unix:/path`). The executor speaks first (`register`). Times are
epoch milliseconds. An unknown message type is ignored, so that both sides can grow.
"""

from typing import Literal, NotRequired, TypedDict

PROTOCOL_VERSION = 1
ADDRESS_VARIABLE = "ELASTICJOB_AGENT_ADDRESS"
TOKEN_VARIABLE = "ELASTICJOB_EXECUTOR_TOKEN"  # noqa: S105 - the variable's name, not a secret
APP_NAME_VARIABLE = "ELASTICJOB_APP_NAME"
# Ends an output file whose executor keeps no last part. Readers know it by this, so it is the same in every language.
OUTPUT_TRUNCATED = b"\n[output truncated: the limit of this stream was reached]\n"

ExecutorState = Literal["TASK_RUNNING", "TASK_FINISHED", "TASK_FAILED", "TASK_ERROR", "TASK_KILLED"]


class Register(TypedDict):
    """Executor to agent, first line: who it is. A wrong token closes the connection."""

    type: Literal["register"]
    protocol: int
    token: str
    pid: int
    sdk: str


class Registered(TypedDict):
    """Agent to executor: the answer to `register`."""

    type: Literal["registered"]
    protocol: int
    appName: str
    agentId: str


class JobMessage(TypedDict):
    """What all tasks of one `run` message share."""

    jobName: str
    jobExecutionType: Literal["TRANSIENT", "DAEMON"]
    shardingTotalCount: int
    jobParameter: str
    jobExecutorServiceHandlerType: str
    jobErrorHandlerType: str
    props: dict[str, str]
    cron: str
    timeZone: str
    eventTraceSamplingCount: int
    timeoutSeconds: NotRequired[int]


class TaskMessage(TypedDict):
    """One shard to run. Its output goes to `<output>.stdout` and `<output>.stderr`, appended.

    Of a stream beyond the limit the first part and the last part are kept (`model/output/kept_output.py`).
    """

    taskId: str
    item: int
    parameter: str
    output: str


class Run(TypedDict):
    """Agent to executor: run these shards of one job."""

    type: Literal["run"]
    job: JobMessage
    tasks: list[TaskMessage]
    outputLimitBytes: int


class Kill(TypedDict):
    """Agent to executor: stop these shards and report `TASK_KILLED` for each."""

    type: Literal["kill"]
    taskIds: list[str]


class Stop(TypedDict):
    """Agent to executor: exit; there are no tasks left."""

    type: Literal["stop"]


class ExecutorStatus(TypedDict):
    """The state of one task. An ended execution also has its times, its success and, on failure, what failed.

    `failureSummary` is one line of at most 500 characters, `failureCause` the whole: at most 16,000 (`model/output/excerpt.py`).
    """

    taskId: str
    state: ExecutorState
    message: NotRequired[str]
    startTime: NotRequired[int]
    completeTime: NotRequired[int]
    success: NotRequired[bool]
    failureSummary: NotRequired[str]
    failureCause: NotRequired[str]


class Statuses(TypedDict):
    """Executor to agent: what became of tasks, in the order in which it happened."""

    type: Literal["statuses"]
    statuses: list[ExecutorStatus]
