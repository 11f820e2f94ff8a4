"""What a status says of a failure, and that it is read across versions."""

import msgspec
import pytest

from elasticjob_cloud.model.messages import Execution, TaskStatus
from elasticjob_cloud.model.task import TaskState

_TRACE = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: boom\n'


class EarlierExecution(msgspec.Struct, frozen=True, array_like=True):
    """`Execution` before it had a summary."""

    start_ms: int
    complete_ms: int
    success: bool
    failure_cause: str = ""


@pytest.mark.parametrize(
    "status,summary",
    [
        (TaskStatus("t", TaskState.FAILED, 1, "m", Execution(1, 2, False, _TRACE, "told")), "told"),
        (TaskStatus("t", TaskState.FINISHED, 1, "", Execution(1, 2, False, _TRACE)), "ValueError: boom"),
        (TaskStatus("t", TaskState.RUNNING, 1, "COMPLETE", Execution(1, 2, False, _TRACE, "s")), "s"),
        (TaskStatus("t", TaskState.LOST, 1, "It died.\nIts output:\nx"), "It died."),
        (TaskStatus("t", TaskState.KILLED, 1, "enough", Execution(1, 2, True)), "enough"),
        (TaskStatus("t", TaskState.FAILED, 1, "why", Execution(1, 2, False)), "why"),
        (TaskStatus("t", TaskState.FINISHED, 1, "fine", Execution(1, 2, True)), ""),
        (TaskStatus("t", TaskState.RUNNING, 1, "BEGIN"), ""),
    ],
)  # fmt: skip
def test_summary_tells_of_a_failure_alone_and_is_always_found(status: TaskStatus, summary: str) -> None:
    assert status.summary == summary


def test_executions_are_read_by_earlier_versions_and_from_them() -> None:
    now = msgspec.msgpack.encode(Execution(1, 2, success=False, failure_cause="c", summary="s", exit_code=3))
    assert msgspec.msgpack.decode(now, type=EarlierExecution) == EarlierExecution(1, 2, False, "c")
    before = msgspec.msgpack.encode(EarlierExecution(1, 2, success=False, failure_cause="c"))
    assert msgspec.msgpack.decode(before, type=Execution) == Execution(1, 2, False, "c", "", None, 0)
