"""The configuration of a job (manual, "作业 API"; api.md, "Job fields beyond the table's plain meaning")."""

from enum import StrEnum

import msgspec

SCRIPT_COMMAND_LINE = "script.command.line"
SCRIPT_CONTEXT = "script.pass.context"
STREAMING_PROCESS = "streaming.process"
HTTP_URI = "http.uri"
HTTP_URL = "http.url"  # what some write instead
# What a job runs, no single run may replace.
FIXED_PROPS = frozenset({SCRIPT_COMMAND_LINE, HTTP_URI, HTTP_URL})


class JobExecutionType(StrEnum):
    """Who fires the job."""

    TRANSIENT = "TRANSIENT"  # the scheduler, by cron or trigger; its tasks end
    DAEMON = "DAEMON"  # its executor; its tasks are started once and stay


class ExecutorServiceType(StrEnum):
    """What runs the shards inside an executor."""

    CPU = "CPU"  # a thread pool (the default)
    SINGLE_THREAD = "SINGLE_THREAD"  # one shard after another
    PROCESS = "PROCESS"  # a process pool, for CPU-bound Python


class ErrorHandlerType(StrEnum):
    """What an exception in job code leads to, besides its failed execution event."""

    LOG = "LOG"  # logged; the task is FINISHED (the default)
    THROW = "THROW"  # the task is TASK_ERROR
    IGNORE = "IGNORE"  # as LOG, without the log
    EMAIL = "EMAIL"  # logged and sent by mail
    WECHAT = "WECHAT"  # logged and sent to a WeChat Work robot
    DINGTALK = "DINGTALK"  # logged and sent to a DingTalk robot
    WEBHOOK = "WEBHOOK"  # logged and posted as JSON


class JobConfiguration(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A registered job. In JSON the fields have the manual's names; `cron` is empty for a job without one."""

    job_name: str
    app_name: str
    job_execution_type: JobExecutionType
    sharding_total_count: int
    cpu_count: float
    memory_mb: float = msgspec.field(name="memoryMB")
    cron: str = ""
    time_zone: str = ""
    sharding_item_parameters: str = ""
    job_parameter: str = ""
    failover: bool = False
    misfire: bool = False
    job_executor_service_handler_type: ExecutorServiceType = ExecutorServiceType.CPU
    job_error_handler_type: ErrorHandlerType = ErrorHandlerType.LOG
    timeout_seconds: int = 0
    description: str = ""
    props: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def is_script(self) -> bool:
        """Whether the agent runs a command for each shard, rather than the app's executor (semantics)."""
        return SCRIPT_COMMAND_LINE in self.props

    @property
    def passes_context(self) -> bool:
        """Whether its command gets the sharding context as last argument, where it can take one."""
        return self.props.get(SCRIPT_CONTEXT, "true").strip().lower() != "false"

    @property
    def is_daemon(self) -> bool:
        """Whether its tasks are started once and stay."""
        return self.job_execution_type is JobExecutionType.DAEMON

    @property
    def fails_over(self) -> bool:
        """Whether a lost or failed task is started again: as configured, and always for DAEMON (promise 6)."""
        return self.failover or self.is_daemon
