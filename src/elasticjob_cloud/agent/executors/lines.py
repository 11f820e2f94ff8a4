"""The agent's side of the executor protocol (`model/wire.py`): reads and checks lines, writes lines."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Protocol

import msgspec
import structlog

from elasticjob_cloud.model.errors import ElasticJobError
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.masking import mask_message
from elasticjob_cloud.model.messages import Execution
from elasticjob_cloud.model.output.excerpt import cause_in, excerpt, one_line
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.model.wire import JobMessage, Kill, Registered, Run, Stop, TaskMessage

_log = structlog.get_logger(__name__)
# Nobody has said yet who speaks: a short line and a short time must do.
_UNREGISTERED_LIMIT_BYTES = 1 << 16
_REGISTER_SECONDS = 10.0
_LATEST_MS = 253_370_764_800_000  # the beginning of the year 9999


# Milliseconds that every reader can show as a date: seconds times a billion, for one, would spoil a page of the history.
Instant = Annotated[int, msgspec.Meta(ge=0, le=_LATEST_MS)]


class RegisterLine(msgspec.Struct, tag="register", tag_field="type"):
    """`wire.Register`."""

    token: str
    protocol: int = 1
    pid: int = 0
    sdk: str = ""


class StatusItem(msgspec.Struct, rename="camel"):
    """`wire.ExecutorStatus`."""

    task_id: str
    state: TaskState
    message: str = ""
    start_time: Instant = 0
    complete_time: Instant = 0
    success: bool | None = None
    failure_summary: str = ""
    failure_cause: str = ""

    def execution(self) -> Execution | None:
        """Give the execution that it ends, if it ends one."""
        if self.success is None:
            return None
        if self.success:
            return Execution(self.start_time, self.complete_time, success=True)
        cause = excerpt(self.failure_cause)
        # Executors in other languages need not give one.
        summary = one_line(self.failure_summary) or cause_in(cause)
        return Execution(
            self.start_time,
            self.complete_time,
            success=False,
            failure_cause=cause,
            summary=one_line(mask_message(summary)),
        )


class StatusesLine(msgspec.Struct, tag="statuses", tag_field="type"):
    """`wire.Statuses`."""

    statuses: list[StatusItem]


class _AnyLine(msgspec.Struct):
    type: str


_KNOWN = frozenset({"register", "statuses"})
_line_decoder: msgspec.json.Decoder[RegisterLine | StatusesLine] = msgspec.json.Decoder(
    RegisterLine | StatusesLine
)
_type_decoder = msgspec.json.Decoder(_AnyLine)
_encode = msgspec.json.Encoder().encode

AgentLine = Registered | Run | Kill | Stop


class ProtocolError(ElasticJobError):
    """An executor sent what is not of the protocol."""


class LineHandler(Protocol):
    """Who a registered connection belongs to."""

    def statuses_received(self, statuses: Sequence[StatusItem]) -> float:
        """Take what became of tasks; give for how long to read no more, in seconds."""

    def connection_lost(self, connection: "ExecutorConnection", reason: str) -> None:
        """It cannot be spoken to any more by this connection; no reason: it was closed from either end in order."""


class Registrar(Protocol):
    """Who knows the tokens."""

    def register(self, line: RegisterLine, connection: "ExecutorConnection") -> LineHandler | None:
        """Give who the token belongs to, once; None for a wrong one."""


def parse_line(line: bytes) -> RegisterLine | StatusesLine | None:
    """Read one line; None for a type that we do not know, which both sides ignore so that both can grow.

    Raises:
        ProtocolError: it is not a message at all, or a malformed one.
    """
    try:
        return _line_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = str(error)
    try:
        if _type_decoder.decode(line).type not in _KNOWN:
            return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    raise ProtocolError(f"it sent a line that is not of the executor protocol ({fault}): {line[:100]!r}")


def run_message(
    job: JobConfiguration, tasks: list[TaskMessage], sampling_count: int, output_limit_bytes: int
) -> Run:
    """Write the message that has an executor run tasks of a job."""
    message: JobMessage = {
        "jobName": job.job_name,
        "jobExecutionType": job.job_execution_type.value,
        "shardingTotalCount": job.sharding_total_count,
        "jobParameter": job.job_parameter,
        "jobExecutorServiceHandlerType": job.job_executor_service_handler_type.value,
        "jobErrorHandlerType": job.job_error_handler_type.value,
        "props": job.props,
        "cron": job.cron,
        "timeZone": job.time_zone,
        "eventTraceSamplingCount": sampling_count,
    }
    if job.is_daemon and job.timeout_seconds > 0:
        message["timeoutSeconds"] = (
            job.timeout_seconds
        )  # of each execution; the agent watches that of other tasks
    return {"type": "run", "job": message, "tasks": tasks, "outputLimitBytes": output_limit_bytes}


class ExecutorConnection(asyncio.Protocol):
    """One connection to the agent's socket: silent until it has registered, and bounded in what it may send."""

    def __init__(self, registrar: Registrar, loop: asyncio.AbstractEventLoop, line_limit_bytes: int) -> None:
        self._registrar = registrar
        self._loop = loop
        self._line_limit = line_limit_bytes
        self._transport: asyncio.Transport | None = None
        self._handler: LineHandler | None = None
        self._pieces: list[bytes] = []
        self._buffered = 0
        self._fault = ""
        self._register_timer: asyncio.TimerHandle | None = None

    def send(self, lines: Sequence[AgentLine]) -> None:
        """Send messages with one write."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join([_encode(line) + b"\n" for line in lines]))

    def close(self) -> None:
        """Close the connection; what was sent before still arrives."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._register_timer = self._loop.call_later(_REGISTER_SECONDS, self._refuse, "it did not register")

    def data_received(self, data: bytes) -> None:
        *lines, rest = data.split(b"\n")
        try:
            for line in lines:
                self._line_received(line)
            self._keep(rest)
        except ProtocolError as error:
            self._refuse(str(error))
        except Exception:  # noqa: BLE001 - a buggy executor, or our handling of it, must not reach the agent
            _log.exception("A line of an executor could not be handled.")
            self._refuse("its message could not be handled")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        if self._register_timer is not None:
            self._register_timer.cancel()
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.connection_lost(self, self._fault)

    def _line_received(self, line: bytes) -> None:
        if self._pieces:
            self._keep(line)
            line = b"".join(self._pieces)
            self._pieces, self._buffered = [], 0
        elif len(line) > self._limit():
            self._raise_too_long()
        if self._fault or not line:
            return
        message = parse_line(line)
        if isinstance(message, RegisterLine):
            self._register(message)
        elif isinstance(message, StatusesLine) and self._handler is not None:
            self._pause(self._handler.statuses_received(message.statuses))
        elif self._handler is None:
            raise ProtocolError("it spoke before it registered")

    def _register(self, line: RegisterLine) -> None:
        if self._handler is not None:
            raise ProtocolError("it registered twice")
        self._handler = self._registrar.register(line, self)
        if self._handler is None:
            raise ProtocolError("its token is wrong, or was used before")
        if self._register_timer is not None:
            self._register_timer.cancel()

    def _pause(self, seconds: float) -> None:
        """Let an executor that says too much wait until it is read again."""
        transport = self._transport
        if seconds and transport is not None and transport.is_reading():
            transport.pause_reading()
            self._loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _keep(self, part: bytes) -> None:
        if not part:
            return
        self._pieces.append(part)
        self._buffered += len(part)
        if self._buffered > self._limit():
            self._raise_too_long()

    def _limit(self) -> int:
        return self._line_limit if self._handler is not None else _UNREGISTERED_LIMIT_BYTES

    def _raise_too_long(self) -> None:
        raise ProtocolError(f"it sent a line longer than {self._limit()} bytes")

    def _refuse(self, reason: str) -> None:
        self._fault = reason
        self._pieces, self._buffered = [], 0
        _log.warning("The connection of an executor was closed.", reason=reason)
        if self._transport is not None:
            self._transport.abort()
